"""Files that stayed on the pool come when somebody reads them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import pytest

from jobs_app import inspection
from jobs_app.compute import embedded
from jobs_app.jobdir import files, remote
from jobs_app.jobdir.remote import Away
from jobs_app.lifecycle import remote as reading
from jobs_app.models import Attempt, Job
from jobs_app.pools.base import Garbled

from .fake_pool import FakePool

TOKEN = "a" * 32
CONTENT = bytes(range(256)) * 8192  # 2 MiB


class KeepingPool(FakePool):
    """Has every file, with the same content."""

    def __init__(self) -> None:
        super().__init__()
        self.content = CONTENT
        self.read: list[tuple[str, int, int | None]] = []

    @contextmanager
    def reading_away(
        self, attempt: str, part: str, member: str, offset: int, length: int | None
    ) -> Iterator[BinaryIO]:
        assert (attempt, part) == (TOKEN, "0")
        self.read.append((member, offset, length))
        yield io.BytesIO(self.content[offset:] if length is None else self.content[offset : offset + length])


@pytest.fixture
def keeping(monkeypatch: pytest.MonkeyPatch) -> KeepingPool:
    from jobs_app.lifecycle import link

    pool = KeepingPool()
    monkeypatch.setitem(link.OPENERS, "embedded", lambda _: pool)
    return pool


@pytest.fixture
def job(new_job: Callable[..., Job], keeping: KeepingPool, transactional_db: None) -> Job:
    """Three of its files stayed on the pool."""
    job = new_job()
    job.execute()
    job.directory.mkdir(parents=True, exist_ok=True)
    Attempt.objects.filter(job=job).update(phase="final", token=TOKEN, scheduler=embedded())
    digest = hashlib.sha256(CONTENT).hexdigest()
    names = [f"{letter}.bin" for letter in "abc"]
    remote.write(job.paths, {name: Away(TOKEN, "0", name, len(CONTENT), digest) for name in names})
    return job


@pytest.fixture
def new_job(transactional_db: None, new_job: Callable[..., Job]) -> Callable[..., Job]:
    def new(**parameters: Any) -> Job:
        job = new_job(**parameters)
        Job.objects.filter(pk=job.pk).update(address="b" * 32)
        return Job.objects.get(pk=job.pk)

    return new


def test_a_file_is_there_once_it_is_looked_for(job: Job, keeping: KeepingPool) -> None:
    assert [file.remote for file in inspection.files(job)] == [True, True, True]
    assert files.locate(job.directory, "a.bin").read_bytes() == CONTENT
    assert [file.remote for file in inspection.files(job)] == [False, True, True]
    files.locate(job.directory, "a.bin")
    assert keeping.read == [("a.bin", 0, None)]


def test_a_piece_travels_alone(job: Job, keeping: KeepingPool) -> None:
    assert reading.read_range(job, "a.bin", 1000, 50) == CONTENT[1000:1050]
    assert keeping.read == [("a.bin", 1000, 50)]
    assert not (job.directory / "a.bin").exists()
    assert list(job.paths.ranges.iterdir()) == []


def test_what_is_not_as_it_was_made_is_refused_and_not_kept(job: Job, keeping: KeepingPool) -> None:
    keeping.content = CONTENT[:-1] + b"x"
    with pytest.raises(Garbled, match="not as it was made"):
        files.locate(job.directory, "a.bin")
    assert not (job.directory / "a.bin").exists()


def test_what_was_read_longest_ago_makes_room(job: Job, settings: Any) -> None:
    settings.ROOST_REMOTE_CACHE_MB = 5
    for name in "abc":
        files.locate(job.directory, f"{name}.bin")
    there = sorted(path.name for path in job.directory.glob("*.bin"))
    assert there == ["b.bin", "c.bin"]


def test_another_name_is_still_just_missing(job: Job, keeping: KeepingPool) -> None:
    assert not files.locate(job.directory, "d.bin").exists()
    assert keeping.read == []
