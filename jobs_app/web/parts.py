"""Numbers as they stand in addresses."""

from __future__ import annotations


def number_of(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 16 else None


def number(text: str, default: int, least: int = 0, most: int = 2**40) -> int:
    found = number_of(text)
    return default if found is None else min(max(found, least), most)
