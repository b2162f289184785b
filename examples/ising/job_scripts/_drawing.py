"""Smooth lines, dots and letters on a grid of pixels, and a PNG of it. Nothing but the standard library."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from math import ceil, floor, hypot
from typing import BinaryIO

from . import _lettering as lettering

Colour = tuple[int, int, int]
Point = tuple[float, float]


def colour(text: str) -> Colour:
    """ "#d9480f" """
    return (int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16))


class Canvas:
    def __init__(self, width: int, height: int, background: Colour) -> None:
        self.width, self.height = width, height
        self._pixels = bytearray(bytes(background) * (width * height))

    def rectangle(self, x: int, y: int, width: int, height: int, fill: Colour) -> None:
        for row in range(y, y + height):
            start = 3 * (row * self.width + x)
            self._pixels[start : start + 3 * width] = bytes(fill) * width

    def line(self, points: Sequence[Point], ink: Colour, thickness: float = 1.0) -> None:
        self._draw([points], ink, thickness)

    def dashes(self, start: Point, end: Point, ink: Colour, thickness: float, dash: float = 6.0) -> None:
        count = max(1, int(hypot(end[0] - start[0], end[1] - start[1]) / dash))
        ends = [
            (start[0] + (end[0] - start[0]) * k / count, start[1] + (end[1] - start[1]) * k / count)
            for k in range(count + 1)
        ]
        self._draw([ends[k : k + 2] for k in range(0, count, 2)], ink, thickness)

    def dot(self, centre: Point, radius: float, ink: Colour) -> None:
        self._draw([[centre]], ink, 2 * radius)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        ink: Colour,
        size: float = 12.0,
        align: float = 0.0,
        weight: float = 0.13,
    ) -> None:
        """`y` is the line the letters stand on, `size` the height of a capital; `align` 0: left, 1: right."""
        scale = size / lettering.CAPITAL
        left = x - align * lettering.width(text) * scale
        top = y - size
        strokes = [
            [(left + px * scale, top + py * scale) for px, py in stroke] for stroke in lettering.strokes(text)
        ]
        self._draw(strokes, ink, max(1.1, size * weight))

    def picture(self, x: int, y: int, side: int, rows: Sequence[str], inks: dict[str, Colour]) -> None:
        """A square of cells, one character each, scaled to `side` pixels."""
        for row in range(side):
            cells = rows[row * len(rows) // side]
            line = b"".join(bytes(inks[cells[column * len(cells) // side]]) for column in range(side))
            start = 3 * ((y + row) * self.width + x)
            self._pixels[start : start + len(line)] = line

    def write_png(self, file: BinaryIO) -> None:
        stride = 3 * self.width
        rows = b"".join(b"\0" + self._pixels[k * stride : (k + 1) * stride] for k in range(self.height))
        header = struct.pack(">IIBBBBB", self.width, self.height, 8, 2, 0, 0, 0)
        chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
        file.write(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks))

    def _draw(self, strokes: Iterable[Sequence[Point]], ink: Colour, thickness: float) -> None:
        """All strokes as one shape, so that where two meet nothing is painted twice."""
        cover: dict[int, float] = {}
        for stroke in strokes:
            for a, b in zip(stroke, stroke[1:] or stroke):
                self._cover(cover, a, b, thickness / 2 + 0.5)
        for pixel, share in cover.items():
            self._blend(pixel, ink, share)

    def _cover(self, cover: dict[int, float], a: Point, b: Point, reach: float) -> None:
        """How much of each pixel lies within the stroke from a to b: by its distance from it."""
        (ax, ay), (bx, by) = a, b
        dx, dy = bx - ax, by - ay
        length2 = dx * dx + dy * dy or 1.0
        for y in range(max(0, floor(min(ay, by) - reach)), min(self.height, ceil(max(ay, by) + reach))):
            for x in range(max(0, floor(min(ax, bx) - reach)), min(self.width, ceil(max(ax, bx) + reach))):
                px, py = x + 0.5 - ax, y + 0.5 - ay
                along = min(1.0, max(0.0, (px * dx + py * dy) / length2))
                share = reach - hypot(px - along * dx, py - along * dy)
                place = y * self.width + x
                if share > cover.get(place, 0.0):
                    cover[place] = min(share, 1.0)

    def _blend(self, pixel: int, ink: Colour, share: float) -> None:
        for channel, place in enumerate(range(3 * pixel, 3 * pixel + 3)):
            before = self._pixels[place]
            self._pixels[place] = round(before + (ink[channel] - before) * share)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
