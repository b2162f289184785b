"""Results come home from a real HTCondor whatever happens on the way."""

from __future__ import annotations

import errno
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from jobs_app.models import Scheduler
from jobs_app.pools.condor import results, tar
from tests.pool.pool import TestPool

from .test_condor_courier import SECONDS, NewJob, manager, new_app, new_job, real

__all__ = ["manager", "new_app", "new_job", "real"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]

LARGE = "head -c 6000000 /dev/urandom > large.bin; sha256sum large.bin"


def test_a_fetch_that_is_cut_half_way_begins_anew_and_nothing_is_lost(
    new_job: NewJob, real: Scheduler, condor_pool: TestPool
) -> None:
    relay = condor_pool.slow()
    Scheduler.objects.filter(pk=real.pk).update(host=relay.host, port=relay.port)
    real.refresh_from_db()
    job = new_job(LARGE)
    job.execute()
    relay.cut_after(down=2_000_000)
    assert job.wait(timeout=SECONDS)
    assert job.cached_status == "Complete"
    assert relay.connections >= 2
    said = (job.directory / "OUTPUT" / "0").read_text().split()[0]
    assert hashlib.sha256((job.directory / "large.bin").read_bytes()).hexdigest() == said
    assert not (job.paths.attempt(1).root / "incoming").exists()


def test_no_room_for_the_results_is_said_and_they_come_when_there_is_some(
    new_job: NewJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    save = results._save
    tries: list[Path] = []

    def full(data: IO[bytes], path: Any, *more: Any) -> Any:
        if path.name == "large.bin" and len(tries) < 2:
            tries.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        return save(data, path, *more)

    monkeypatch.setattr(results, "_save", full)
    job = new_job(LARGE)
    job.execute()
    seen = set()
    while not job.wait(timeout=0.3):
        job.refresh_status()
        seen.add(job.status_message)
    assert job.cached_status == "Complete"
    assert len(tries) == 2
    assert any("No space left on device" in text and "tried again" in text for text in seen)
    assert (job.directory / "large.bin").stat().st_size == 6_000_000


def test_an_input_of_many_jobs_travels_once_also_when_its_upload_was_cut(
    new_job: NewJob, real: Scheduler, condor_pool: TestPool, tmp_path: Path
) -> None:
    relay = condor_pool.slow()
    Scheduler.objects.filter(pk=real.pk).update(host=relay.host, port=relay.port)
    real.refresh_from_db()
    shared = tmp_path / "shared.bin"
    shared.write_bytes(os.urandom(4_000_000))
    jobs = [new_job("wc -c < shared.bin > size", remote_input_files=[str(shared)]) for _ in range(5)]
    relay.cut_after(up=2_500_000)
    for job in jobs:
        job.execute()
    for job in jobs:
        assert job.wait(timeout=SECONDS)
        assert (job.directory / "size").read_text().strip() == "4000000"
    before = relay.bytes_up
    assert before < 9_000_000  # half of it, then all of it
    later = new_job("wc -c < shared.bin > size", remote_input_files=[str(shared)])
    later.execute()
    assert later.wait(timeout=SECONDS)
    assert relay.bytes_up - before < 1_000_000


def test_an_input_that_changes_while_it_is_sent_is_not_used_and_the_job_says_so(
    new_job: NewJob, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "data.bin"
    changes: list[Path] = []
    path.write_bytes(os.urandom(1_000_000))
    send = tar.file

    def changing(name: str, source: Path, *more: Any) -> Iterator[bytes]:
        if source == path and not changes:
            changes.append(source)
            path.write_bytes(os.urandom(1_000_000))
        yield from send(name, source, *more)

    monkeypatch.setattr(tar, "file", changing)
    job = new_job("sha256sum < data.bin > digest", remote_input_files=[str(path)])
    job.execute()
    assert job.wait(timeout=SECONDS)
    assert changes
    assert job.cached_status == "Error"
    assert f"{path} was changed while it was sent. Leave it alone until the job has it." in job.status_message
