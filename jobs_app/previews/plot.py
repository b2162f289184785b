"""Columns of numbers as lines, in SVG without any style in it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from html import escape

WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 720.0, 260.0, 64.0, 26.0, 10.0, 12.0
MOST_LINES = 6
MOST_POINTS = 600

Column = Sequence["float | None"]


def svg(columns: Mapping[str, Column]) -> str:
    """Over the first column if that only grows, else over the rows' numbers; "" where there
    is nothing to draw."""
    names = list(columns)
    across, drawn = _across(columns, names)
    lines = [(name, _points(across, columns[name])) for name in drawn[:MOST_LINES]]
    lines = [(name, points) for name, points in lines if len(points) > 1]
    if not lines:
        return ""
    xs = [x for _, points in lines for x, _ in points]
    ys = [y for _, points in lines for _, y in points]
    frame = _Frame(min(xs), max(xs), min(ys), max(ys))
    said = escape(", ".join(name for name, _ in lines)[:200])
    body = "".join(
        f'<polyline class="line line{place}" points="{frame.path(points)}"/>'
        for place, (_, points) in enumerate(lines)
    )
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="Plot of {said}">'
        f"{frame.axes()}{body}</svg>{_legend([name for name, _ in lines])}"
    )


def _across(columns: Mapping[str, Column], names: list[str]) -> tuple[Column, list[str]]:
    if len(names) > 1:
        first = [value for value in columns[names[0]] if value is not None]
        if len(first) > 1 and all(a < b for a, b in itertools.pairwise(first)):
            return columns[names[0]], names[1:]
    longest = max((len(column) for column in columns.values()), default=0)
    return [float(row) for row in range(longest)], names


def _points(across: Column, column: Column) -> list[tuple[float, float]]:
    points = [(x, y) for x, y in zip(across, column, strict=False) if x is not None and y is not None]
    good = [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]
    step = -(-len(good) // MOST_POINTS) or 1
    return good[::step]


class _Frame:
    def __init__(self, left: float, right: float, low: float, high: float) -> None:
        self.left, self.right, self.low, self.high = left, right, low, high

    def path(self, points: Sequence[tuple[float, float]]) -> str:
        return " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)

    def _x(self, value: float) -> float:
        return LEFT + _share(value, self.left, self.right) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - _share(value, self.low, self.high) * (HEIGHT - BOTTOM - TOP)

    def axes(self) -> str:
        parts = []
        for place in range(5):
            value = self.low / 4 * (4 - place) + self.high / 4 * place
            y = self._y(value)
            parts.append(f'<line class="rule" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
            parts.append(f'<text class="tick end" x="{LEFT - 8}" y="{y + 4:.1f}">{value:.4g}</text>')
        bottom = HEIGHT - 6
        parts.append(f'<text class="tick" x="{LEFT}" y="{bottom}">{self.left:.6g}</text>')
        parts.append(f'<text class="tick end" x="{WIDTH - RIGHT}" y="{bottom}">{self.right:.6g}</text>')
        return "".join(parts)


def _share(value: float, low: float, high: float) -> float:
    """Halved first: the span of the largest numbers is no number."""
    span = high / 2 - low / 2
    return (value / 2 - low / 2) / span if span else 0.5


def _legend(names: Sequence[str]) -> str:
    rows = "".join(
        f'<li><svg viewBox="0 0 14 6" width="14" height="6" aria-hidden="true"><rect class="key{place}" '
        f'width="14" height="6" rx="2"/></svg> {escape(name)}</li>'
        for place, name in enumerate(names)
    )
    return f'<ul class="legend">{rows}</ul>'
