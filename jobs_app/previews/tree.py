"""JSON as a tree that opens and shuts without a script."""

from __future__ import annotations

import json
from html import escape
from typing import Any

from .values import LONGEST_CELL, Unreadable, counted

LARGEST = 2 << 20
MOST = 2_000  # values
DEEPEST = 40
OPEN = 2  # levels


def html(data: bytes) -> str:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"It is no JSON that can be read: {error}.") from error
    return _Writer().all_of(value)


class _Writer:
    def __init__(self) -> None:
        self._left = MOST

    def all_of(self, value: Any) -> str:
        return f'<div class="tree">{self._value(value, 0)}</div>'

    def _value(self, value: Any, depth: int) -> str:
        self._left -= 1
        if isinstance(value, (dict, list)) and value:
            return self._inner(value, depth)
        return f"<code>{escape(_plain(value))}</code>"

    def _inner(self, value: Any, depth: int) -> str:
        kind = counted(len(value), "key" if isinstance(value, dict) else "value")
        if depth >= DEEPEST or self._left <= 0:
            return f'<span class="quiet">{kind} …</span>'
        pairs = value.items() if isinstance(value, dict) else enumerate(value)
        rows = []
        for name, inner in pairs:
            if self._left <= 0:
                rows.append('<li class="quiet">… and more</li>')
                break
            rows.append(f"<li><b>{escape(_short(str(name)))}</b> {self._value(inner, depth + 1)}</li>")
        opened = " open" if depth < OPEN else ""
        return f"<details{opened}><summary>{kind}</summary><ul>{''.join(rows)}</ul></details>"


def _plain(value: Any) -> str:
    try:
        return _short(json.dumps(value, ensure_ascii=False))
    except ValueError:  # a number with more digits than Python writes
        return "a very long number"


def _short(text: str) -> str:
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= LONGEST_CELL else text[:LONGEST_CELL] + "…"
