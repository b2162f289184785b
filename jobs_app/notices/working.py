"""A round: what happened becomes notices, and what is due is sent. Any number of processes may do it."""

from __future__ import annotations

from .sending import deliver
from .telling import tell


def work() -> int:
    """How many were made or sent."""
    return tell() + deliver()
