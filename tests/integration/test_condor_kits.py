"""What runs on nodes, in several versions: each stays on the access point while a job needs it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from jobs_app.pools.base import Sending, Task
from jobs_app.pools.condor import CondorPool, kit

from .test_condor_pool import account, finished, follow, open_pool, sending, task

__all__ = ["account", "open_pool", "task"]

pytestmark = pytest.mark.pool

Open = Callable[[], CondorPool]


def program(task: Task, name: str, text: str) -> Task:
    path = Path(task.directory).parent / f"{name}.sh"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    step = replace(task.steps[0], slices=1)
    attempt = f"{abs(hash((name, task.attempt))):032x}"[-32:]
    return replace(task, attempt=attempt, executable=str(path), arguments=(), steps=(step,))


def versions(pool: CondorPool) -> set[str]:
    """Those that are there; and they look old to whoever cleans up."""
    root = pool._point.names.root
    shell = pool._point.shell
    return set(shell.script('cd "$1/node" && touch -d "2 hours ago" -- * && ls', root).text.split())


def run(pool: CondorPool, batch: Sending) -> None:
    pool.send(batch)
    follow(pool, batch.segment, finished)


def test_a_version_stays_while_a_job_needs_it_and_goes_then(
    open_pool: Open, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, members = kit.contents()
    old = "0" * 32
    slow, quick, late = (
        program(task, name, text) for name, text in (("slow", "sleep 8"), ("quick", "true"), ("late", "true"))
    )
    former = open_pool()
    batch = sending(slow)
    with monkeypatch.context() as patch:
        patch.setattr(kit, "contents", lambda: (old, members))
        former.send(batch)
    pool = open_pool()
    run(pool, sending(quick))
    assert {old, new} <= versions(pool)
    pool.forget([quick.attempt])
    assert {old, new} <= versions(pool)

    follow(former, batch.segment, finished)
    pool.forget([slow.attempt])
    left = versions(pool)
    assert new in left
    assert old not in left

    pool._point.shell.script('rm -rf "$1"', pool._point.names.node(new))
    run(pool, sending(late))  # it has seen that version there, and brings it anew
    assert new in versions(pool)
