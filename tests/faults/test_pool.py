"""kill -9 at named places of the embedded pool: daemon, zygote, leaders, parts, and who talks to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from .points import POOL, draw, points, seeds
from .scenario import Scenario

SAMPLE, ALL = 24, 160


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", seeds(metafunc.config, SAMPLE, ALL))


def names() -> tuple[str, ...]:
    return points(*POOL) + tuple(f"driver.{what}" for what in ("sent", "before-keeping", "kept", "answered"))


def test_there_are_places_in_every_process_of_the_pool() -> None:
    for process in POOL:
        assert points(process)


def test_whoever_is_killed_everything_ends_once_and_well(tmp_path: Path, seed: int) -> None:
    kills = draw(seed, names())
    scenario = Scenario(tmp_path)
    try:
        killed = scenario.run(kills)
        scenario.check()
    finally:
        scenario.end()
    if kills[0].count == 1:
        assert killed, f"{kills[0]} was never reached"
