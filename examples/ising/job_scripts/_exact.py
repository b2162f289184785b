"""The exact solution of the infinite magnet (J = k = 1), and how far a table is from it."""

from __future__ import annotations

from math import cosh, log, pi, sinh, sqrt, tanh

CRITICAL = 2 / log(1 + sqrt(2))  # 2.26918...

# So close to the critical temperature a finite magnet must differ: its fluctuations are as large as itself.
MARGIN = 0.08


def magnetisation(temperature: float) -> float:
    """Onsager 1948, Yang 1952."""
    if temperature >= CRITICAL:
        return 0.0
    return float((1 - sinh(2 / temperature) ** -4) ** 0.125)


def energy(temperature: float) -> float:
    """Onsager 1944, per spin."""
    double = 2 / temperature
    modulus = 2 * sinh(double) / cosh(double) ** 2
    bend = 2 * tanh(double) ** 2 - 1
    return -(1 + 2 / pi * bend * _elliptic(modulus)) / tanh(double)


def _elliptic(modulus: float) -> float:
    """The complete elliptic integral of the first kind, by the arithmetic-geometric mean."""
    a, b = 1.0, sqrt(max(1 - modulus * modulus, 1e-30))
    while a - b > 1e-15 * a:
        a, b = (a + b) / 2, sqrt(a * b)
    return pi / (2 * a)


def deviations(rows: list[dict[str, float]]) -> dict[str, float]:
    """The largest distance of each measured quantity from the exact one: of the energy at every temperature,
    of the magnetisation below the critical region (above it, that of a finite magnet is never quite zero)."""
    energies = [abs(row["energy"] - energy(row["temperature"])) for row in rows]
    ordered = [row for row in rows if row["temperature"] < CRITICAL - MARGIN]
    moments = [abs(row["magnetisation"] - magnetisation(row["temperature"])) for row in ordered]
    return {"energy": max(energies), "magnetisation": max(moments)}
