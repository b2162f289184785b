"""A square magnet of spins, updated thousands at a time: a sublattice is one long integer, a bit a spin.

A site's four neighbours all lie on the other sublattice (the colours of a chessboard), so a whole sublattice
can be updated in one go with bitwise operations. Random bits of probability p are made from fair ones.
"""

from __future__ import annotations

from math import exp
from random import Random

_PRECISION = 20  # binary digits of a probability


class Magnet:
    def __init__(self, size: int, temperature: float, seed: str) -> None:
        if size < 4 or size % 2:
            raise ValueError(f"size={size}: the magnet needs an even number of spins a side, at least 4.")
        self.size, self.half, self.sites = size, size // 2, size * size // 2
        self.everywhere = (1 << self.sites) - 1
        row = (1 << self.half) - 1
        self.even_rows = sum(row << (i * self.half) for i in range(0, size, 2))
        self.odd_rows = self.everywhere ^ self.even_rows
        self.first_column = sum(1 << (i * self.half) for i in range(size))
        self.last_column = self.first_column << (self.half - 1)
        self.spins = [self.everywhere, self.everywhere]  # all up
        self._fair = Random(seed).getrandbits
        self._digits = _binary(exp(-4 / temperature))

    def sweep(self) -> None:
        """One chance for each spin to turn (Metropolis)."""
        for colour in (0, 1):
            self.spins[colour] ^= self._turns(colour)

    def magnetisation(self) -> float:
        return (_ones(self.spins[0]) + _ones(self.spins[1])) / self.sites - 1

    def energy(self) -> float:
        unlike = sum(_ones(bits) for bits in self._unlike(0))
        return unlike / self.sites - 2

    def rows(self) -> list[str]:
        """The spins as text: a line a row, "1" for up."""
        return [self._row(number) for number in range(self.size)]

    def _turns(self, colour: int) -> int:
        a, b, c, d = self._unlike(colour)
        two_or_more = (a & b) | (c & d) | ((a ^ b) & (c ^ d))
        one_or_more = a | b | c | d
        uphill = self._random()  # against one neighbour more than with: probability exp(-4/T) ...
        return two_or_more | (uphill & (one_or_more | self._random()))  # ... and its square for all four

    def _unlike(self, colour: int) -> tuple[int, int, int, int]:
        """For each of the four neighbours: where it differs from the spin."""
        own, other = self.spins[colour], self.spins[1 - colour]
        straight, aslant = (self.even_rows, self.odd_rows) if colour == 0 else (self.odd_rows, self.even_rows)
        above = (other >> self.half) | (other << (self.sites - self.half)) & self.everywhere
        below = (other << self.half) & self.everywhere | (other >> (self.sites - self.half))
        beside = (self._before(other) & straight) | (self._after(other) & aslant)
        return own ^ above, own ^ below, own ^ other, own ^ beside

    def _before(self, bits: int) -> int:
        return (bits << 1) & ~self.first_column & self.everywhere | (
            bits >> (self.half - 1)
        ) & self.first_column

    def _after(self, bits: int) -> int:
        return (bits >> 1) & ~self.last_column | (bits << (self.half - 1)) & self.last_column

    def _random(self) -> int:
        """Each bit is 1 with probability exp(-4/T)."""
        fair, sites, bits = self._fair, self.sites, 0
        for digit in self._digits:
            bits = bits | fair(sites) if digit else bits & fair(sites)
        return bits

    def _row(self, number: int) -> str:
        halves = [self._half_row(colour, number) for colour in (0, 1)]
        first, second = halves if number % 2 == 0 else halves[::-1]
        return "".join(a + b for a, b in zip(first, second))

    def _half_row(self, colour: int, number: int) -> str:
        bits = self.spins[colour] >> (number * self.half) & ((1 << self.half) - 1)
        return format(bits, f"0{self.half}b")[::-1]


def _binary(probability: float) -> list[bool]:
    """The binary digits of a probability, the least first, from the lowest 1 on."""
    scaled = round(probability * (1 << _PRECISION))
    digits = [bool(scaled >> place & 1) for place in range(_PRECISION)]
    return digits[digits.index(True) :] if any(digits) else [False]


def _ones(bits: int) -> int:
    return bin(bits).count("1")
