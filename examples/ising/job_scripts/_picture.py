"""The picture of the demo: magnetisation and energy beside the exact curves, and the spins themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Callable

from . import _exact as exact
from ._drawing import Canvas, Point, colour

PAPER, INK, QUIET, GRID = colour("#fcfbf8"), colour("#22272e"), colour("#69707a"), colour("#e6e3dc")
EXACT, MEASURED, CRITICAL = colour("#2a6f97"), colour("#d1495b"), colour("#c98a1b")
SPINS = {"1": colour("#17324d"), "0": colour("#f0c987")}

WIDTH, HEIGHT, MARGIN, SIDE = 1200, 890, 40, 256


@dataclass(frozen=True)
class Axes:
    """A rectangle of pixels, and what its edges mean."""

    left: int
    top: int
    width: int
    height: int
    x: tuple[float, float]
    y: tuple[float, float]

    def at(self, x: float, y: float) -> Point:
        across = (x - self.x[0]) / (self.x[1] - self.x[0])
        up = (y - self.y[0]) / (self.y[1] - self.y[0])
        return (self.left + across * self.width, self.top + (1 - up) * self.height)


def draw(table: dict[str, Any], snapshots: dict[float, Sequence[str]]) -> Canvas:
    canvas = Canvas(WIDTH, HEIGHT, PAPER)
    size, rows = table["size"], table["rows"]
    canvas.text(MARGIN, 58, "The two-dimensional Ising magnet", INK, 23)
    canvas.text(MARGIN, 88, _subtitle(table), QUIET, 11.5)
    _legend(canvas)
    span = (rows[0]["temperature"] - 0.06, rows[-1]["temperature"] + 0.06)
    left = Axes(MARGIN + 42, 150, 488, 330, span, (0.0, 1.05))
    right = Axes(MARGIN + 632, 150, 488, 330, span, (-2.05, -0.42))
    _panel(canvas, left, "magnetisation per spin", [0, 0.2, 0.4, 0.6, 0.8, 1], rows, exact.magnetisation)
    _panel(canvas, right, "energy per spin", [-2, -1.5, -1, -0.5], rows, exact.energy)
    _snapshots(canvas, snapshots, f"{size} × {size} spins at the end, each its own simulation")
    return canvas


def _subtitle(table: dict[str, Any]) -> str:
    size, rows = table["size"], table["rows"]
    return (
        f"{size} × {size} spins, {len(rows)} temperatures, {table['sweeps']} sweeps each;"
        f" furthest from the exact solution: {table['deviations']['magnetisation']:.4f} (magnetisation),"
        f" {table['deviations']['energy']:.4f} (energy)"
    )


def _legend(canvas: Canvas) -> None:
    y, right = 54, WIDTH - MARGIN
    canvas.text(right, y, "exact (Onsager)", INK, 11.5, align=1)
    canvas.line([(right - 160, y - 5), (right - 128, y - 5)], EXACT, 2.4)
    canvas.dot((right - 262, y - 5), 4.6, MEASURED)
    canvas.text(right - 250, y, "simulated", INK, 11.5)


def _panel(
    canvas: Canvas,
    axes: Axes,
    name: str,
    ticks: list[float],
    rows: list[dict[str, float]],
    curve: Callable[[float], float],
) -> None:
    canvas.text(axes.left - 42, axes.top - 18, name, INK, 12.5)
    _frame(canvas, axes, ticks)
    _critical(canvas, axes)
    canvas.line([axes.at(t, curve(t)) for t in _fine(axes.x)], EXACT, 2.4)
    quantity = name.split()[0]
    for row in rows:
        _measured(canvas, axes, row["temperature"], row[quantity], row[quantity + "_error"])


def _frame(canvas: Canvas, axes: Axes, ticks: list[float]) -> None:
    low, high = axes.x
    for value in ticks:
        canvas.line([axes.at(low, value), axes.at(high, value)], GRID)
        x, y = axes.at(low, value)
        canvas.text(x - 10, y + 5, f"{value:g}", QUIET, 10.5, align=1)
    bottom = axes.top + axes.height
    canvas.line([(axes.left, bottom), (axes.left + axes.width, bottom)], QUIET, 1.2)
    for tenth in range(0, 100, 5):
        value = tenth / 10
        if low <= value <= high:
            x, _ = axes.at(value, 0)
            canvas.line([(x, bottom), (x, bottom + 6)], QUIET, 1.2)
            canvas.text(x, bottom + 23, f"{value:.1f}", QUIET, 10.5, align=0.5)
    canvas.text(axes.left + axes.width, bottom + 46, "temperature", QUIET, 11, align=1)


def _critical(canvas: Canvas, axes: Axes) -> None:
    x, _ = axes.at(exact.CRITICAL, 0)
    bottom = axes.top + axes.height
    canvas.dashes((x, axes.top - 2), (x, bottom), CRITICAL, 1.6)
    canvas.text(x, bottom + 46, f"critical: {exact.CRITICAL:.3f}", CRITICAL, 11, align=0.5)


def _measured(canvas: Canvas, axes: Axes, temperature: float, value: float, error: float) -> None:
    canvas.line([axes.at(temperature, value - error), axes.at(temperature, value + error)], MEASURED, 1.6)
    centre = axes.at(temperature, value)
    canvas.dot(centre, 5.6, PAPER)
    canvas.dot(centre, 4.6, MEASURED)


def _snapshots(canvas: Canvas, snapshots: dict[float, Sequence[str]], caption: str) -> None:
    top = 592
    gap = (WIDTH - 2 * MARGIN - len(snapshots) * SIDE) // max(1, len(snapshots) - 1)
    canvas.text(WIDTH - MARGIN, top + SIDE + 26, caption, QUIET, 11, align=1)
    for place, (temperature, rows) in enumerate(snapshots.items()):
        x = MARGIN + place * (SIDE + gap)
        label = CRITICAL if abs(temperature - exact.CRITICAL) < 0.01 else INK
        canvas.text(x, top - 12, f"temperature {temperature:.2f}", label, 12)
        canvas.picture(x, top, SIDE, rows, SPINS)


def _fine(span: tuple[float, float]) -> list[float]:
    """Many temperatures, and the critical one itself, where the curve falls straight down."""
    low, high = span
    even = [low + (high - low) * k / 400 for k in range(401)]
    near = [exact.CRITICAL - 10.0**-power for power in range(2, 9)]
    return sorted([*even, *near, exact.CRITICAL])
