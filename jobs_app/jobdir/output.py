"""What the parts of a job printed, a file a part."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

from .layout import PREPARE, SYNTHESIS

Part = Union[str, int]


class Output:
    """The OUTPUT folder of one attempt."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def parts(self) -> dict[Part, str]:
        """The text of each part that printed anything: prepare, the slices ascending, synthesis."""
        texts = ((part, self.text(str(part))) for part in self.names())
        return {part: text for part, text in texts if text}

    def names(self) -> list[Part]:
        try:
            names = os.listdir(self.folder)
        except FileNotFoundError:
            return []
        parts: list[Part] = [int(name) if name.isdecimal() else name for name in names]
        return sorted(parts, key=_place)

    def text(self, part: str) -> str:
        """'' for a part that printed nothing."""
        try:
            data = (self.folder / part).read_bytes()
        except FileNotFoundError:
            return ""
        return data.decode("utf-8", "replace").replace("\r\n", "\n")


def _place(part: Part) -> tuple[int, int, str]:
    if isinstance(part, int):
        return (1, part, "")
    return ({PREPARE: 0, SYNTHESIS: 2}.get(part, 3), 0, part)
