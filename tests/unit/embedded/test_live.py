from __future__ import annotations

import os
from pathlib import Path

from jobs_app.pools.embedded import live
from jobs_app.pools.embedded.work import Part


def test_a_place_is_held_as_long_as_its_descriptor_is_open(tmp_path: Path) -> None:
    path = tmp_path / "attempt"
    handle = live.take(path, live.LEADER)
    assert handle is not None
    assert live.take(path, live.LEADER) is None
    live.write(handle, live.LEADER, os.getpid())
    assert live.held(path)[live.LEADER].pid == os.getpid()
    os.close(handle)
    assert live.held(path) == {}


def test_each_part_gets_a_free_place(tmp_path: Path) -> None:
    path = tmp_path / "attempt"
    first, one = live.take_any(path)
    second, two = live.take_any(path)
    assert (first, second) == (1, 2)
    os.close(one)
    assert live.take_any(path)[0] == 1
    os.close(two)


def test_a_place_says_who_has_it(tmp_path: Path) -> None:
    path = tmp_path / "attempt"
    place, handle = live.take_any(path)
    live.write(handle, place, os.getpid(), Part("synthesis", 7), 3)
    found = live.held(path)[place]
    assert found == live.Place(os.getpid(), live.birth(os.getpid()) or 0, Part("synthesis", 7), 3)
    os.close(handle)


def test_a_process_that_is_gone_was_never_born() -> None:
    assert live.birth(2**22 + 1) is None
    assert live.birth(os.getpid())


def test_nobody_works_for_an_attempt_without_a_file(tmp_path: Path) -> None:
    assert live.held(tmp_path / "nothing") == {}
