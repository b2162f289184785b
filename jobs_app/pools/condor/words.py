"""A slice's arguments as words that every parser on the way leaves alone, and that people can still read."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import quote

_EMPTY = "%"  # no other word is a lone percent sign


def encoded(arguments: Sequence[str]) -> str:
    return " ".join(quote(argument, safe="/:=+@_.-") or _EMPTY for argument in arguments)
