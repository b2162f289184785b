"""What programs print for a terminal, as HTML: colours become classes, all else that steers a terminal goes,
and every character is escaped. A line that was rewritten shows its last version."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from html import escape

_CODES = re.compile(
    r"\x1b\[(?P<sgr>[0-9;:]{0,64})m"
    r"|\x1b\[[0-?]*[ -/]*[@-~]?"  # moves of the cursor and the like
    r"|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?"  # titles, links, pictures
    r"|\x1b[ -/]*[0-~]?"
    r"|[\x00-\x08\x0b-\x1f\x7f-\x9f]"
)
_PEN = re.compile(r"(?:[fb](?:1[0-5]|[0-9])|[bduisr]t)")
_ON = {1: "bt", 2: "dt", 3: "it", 4: "ut", 7: "rt", 9: "st"}
_OFF = {22: ("bt", "dt"), 23: ("it",), 24: ("ut",), 27: ("rt",), 29: ("st",)}
_BASIC = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205),
    (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip


@dataclass(frozen=True)
class Pen:
    """How the next character is written: colours by number, and marks."""

    front: int | None = None
    back: int | None = None
    marks: frozenset[str] = frozenset()

    def __str__(self) -> str:
        colours = [f"{name}{n}" for name, n in (("f", self.front), ("b", self.back)) if n is not None]
        return " ".join([*colours, *sorted(self.marks)])

    @classmethod
    def read(cls, text: str) -> Pen:
        """As `str` wrote it; what makes no sense in it is left out, for it comes from a browser."""
        pen = cls()
        for word in text[:80].split():
            if not _PEN.fullmatch(word):
                continue
            if word[1:].isdecimal():
                pen = pen.coloured(word[0] == "b", int(word[1:]))
            else:
                pen = replace(pen, marks=pen.marks | {word})
        return pen

    def coloured(self, back: bool, colour: int | None) -> Pen:
        return replace(self, back=colour) if back else replace(self, front=colour)

    def change(self, codes: str) -> Pen:
        numbers = [int(code or 0) for code in re.split("[;:]", codes[:64]) if len(code) < 4]
        pen, rest = self, iter(numbers)
        for code in rest:
            pen = pen._one(code, rest)
        return pen

    def _one(self, code: int, rest: Iterator[int]) -> Pen:
        if code == 0:
            return Pen()
        if code in _ON:
            return replace(self, marks=self.marks | {_ON[code]})
        if code in _OFF:
            return replace(self, marks=self.marks - {*_OFF[code]})
        return self._of_colour(code, rest)

    def _of_colour(self, code: int, rest: Iterator[int]) -> Pen:
        back = code // 10 in (4, 10)
        if code in (38, 48):
            return self.coloured(back, _extended(rest))
        if code in (39, 49):
            return self.coloured(back, None)
        if 30 <= code < 48:
            return self.coloured(back, code % 10)
        if (90 <= code < 98) or (100 <= code < 108):
            return self.coloured(back, code % 10 + 8)
        return self


def _extended(rest: Iterator[int]) -> int | None:
    kind = next(rest, 0)
    if kind == 5:
        return _of_256(next(rest, 0))
    if kind == 2:
        return _nearest((next(rest, 0), next(rest, 0), next(rest, 0)))
    return None


def _of_256(number: int) -> int:
    if number < 16:
        return number
    if number >= 232:
        return _nearest((8 + 10 * (number - 232),) * 3)
    number -= 16
    return _nearest(tuple(part and 55 + 40 * part for part in (number // 36, number // 6 % 6, number % 6)))


def _nearest(colour: tuple[int, ...]) -> int:
    """Of the sixteen that the style sheet knows, in light and in dark."""

    def far(number: int) -> int:
        return sum((a - b) ** 2 for a, b in zip(_BASIC[number], colour, strict=True))

    return min(range(16), key=far)


def plain(text: str) -> str:
    """Without all that steers a terminal: what a person sees."""
    return _CODES.sub("", text)


def html(text: str, pen: Pen | None = None) -> tuple[str, Pen]:
    """And the pen with which the next piece goes on."""
    pen = pen or Pen()
    lines = []
    for line in text.split("\n"):
        shown, pen = _line(line.rstrip("\r"), pen)
        lines.append(shown)
    return "\n".join(lines), pen


def _line(line: str, pen: Pen) -> tuple[str, Pen]:
    shown = ""
    for version in line.split("\r"):
        shown, pen = _version(version, pen)
    return shown, pen


def _version(text: str, pen: Pen) -> tuple[str, Pen]:
    pieces, at = [], 0
    for code in _CODES.finditer(text):
        pieces.append(_span(text[at : code.start()], pen))
        at = code.end()
        if code["sgr"] is not None:
            pen = pen.change(code["sgr"])
    pieces.append(_span(text[at:], pen))
    return "".join(pieces), pen


def _span(text: str, pen: Pen) -> str:
    if not text:
        return ""
    shown = escape(text.encode("utf-8", "replace").decode())
    return f'<span class="{pen}">{shown}</span>' if pen != Pen() else shown
