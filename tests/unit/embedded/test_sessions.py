from __future__ import annotations

import os
from pathlib import Path

from jobs_app.pools.embedded import sessions


def test_this_process_is_counted_with_its_session() -> None:
    (mine,) = (process for process in sessions.processes() if process.pid == os.getpid())
    assert mine.alive
    assert mine.session == os.getsid(0)
    assert sessions.memory()[mine.session] >= mine.memory_mb > 1


def test_a_name_that_is_no_text_does_no_harm() -> None:
    """The kernel cuts names after 15 bytes, in the middle of a letter if need be."""
    path = Path("/proc/self/comm")
    before = path.read_bytes()
    path.write_bytes("ééééééééé".encode()[:15])
    try:
        assert any(process.pid == os.getpid() for process in sessions.processes())
    finally:
        path.write_bytes(before)
