"""Text from outside, made such that every file, database and page can hold it."""

from __future__ import annotations


def storable(text: str) -> str:
    """Lone surrogates (bytes that were no UTF-8) and NUL become escapes; all else stays."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
