"""A thread that follows a segment tells of its own end, whatever ended it."""

from __future__ import annotations

import threading
import time

from jobs_app.lifecycle.follow import Follower, answered
from jobs_app.models import Segment
from jobs_app.pools.base import Pool, PoolUnreachable


def test_an_error_of_ours_is_told_and_not_swallowed() -> None:
    """Else the courier would hear nothing any more, and not know it."""

    def locked() -> Pool:
        raise RuntimeError("database is locked")

    rung = threading.Event()
    follower = Follower(locked, Segment(name="a"), rung.set)
    assert rung.wait(60)
    found = follower.take()
    assert isinstance(found, PoolUnreachable)
    assert "database is locked" in str(found)
    follower.stop()


def test_a_pool_elsewhere_says_itself_when_it_last_spoke_and_one_here_always_does() -> None:
    class Elsewhere:
        answered = 1234.5

    assert answered(Elsewhere()) == 1234.5  # type: ignore[arg-type]
    assert abs(answered(object()) - time.time()) < 60  # type: ignore[arg-type]
