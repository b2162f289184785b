"""Local files that travel with a job: each is read once, to its end, and is on the pool what it was here."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs_app.pools.base import Refused, Sending, Step, Task
from jobs_app.pools.condor.inputs import inputs_of, packed
from jobs_app.pools.condor.plans import Plans
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.condor.sending import Sender
from jobs_app.pools.shell import LocalShell


def task(folder: Path, *names: str, template: str = "") -> Task:
    paths = tuple(str(folder / name) for name in names)
    return Task(
        "a" * 32, 1, 1, str(folder), (Step("run"),), executable="true", inputs=paths, template=template
    )


@pytest.fixture
def pipe(tmp_path: Path) -> str:
    os.mkfifo(tmp_path / "pipe")
    return "pipe"


@pytest.mark.parametrize("name", ["pipe", "/dev/zero", "x" * 5000, "a\0b", "loop", "not/there"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, pipe: str, name: str) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(Refused, match="input"):
        inputs_of(task(tmp_path, name))


def test_files_that_only_seem_to_be_ones_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="none that can be sent"):
        inputs_of(task(tmp_path, "/proc/self/environ"))


def test_a_file_that_changes_while_it_is_sent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"before")
    (known,) = inputs_of(task(tmp_path, "data"))
    (tmp_path / "data").write_bytes(b"after!")
    os.utime(tmp_path / "data", ns=(1, 1))
    with pytest.raises(Refused, match="was changed while it was sent"):
        list(packed(known, "data"))


def test_a_file_that_goes_before_it_is_sent_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"data")
    (known,) = inputs_of(task(tmp_path, "data"))
    (tmp_path / "data").unlink()
    with pytest.raises(Refused, match="cannot be read any more"):
        list(packed(known, "data"))


def test_a_task_of_which_nothing_can_be_made_is_refused_and_no_error_of_ours(tmp_path: Path) -> None:
    """An error would come again with each try, and keep back what was sent along with it."""

    def broken(name: str) -> str:
        raise UnicodeDecodeError("utf-8", b"", 0, 1, f"in template {name}")

    point = AccessPoint(LocalShell(), str(tmp_path / "roost"))
    with pytest.raises(Refused, match="cannot be composed"):
        Sender(point, Plans(point), broken).send(Sending("b" * 32, "segment", (task(tmp_path),)))
