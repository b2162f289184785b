from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs_app.jobdir.archive import archive
from jobs_app.jobdir.layout import AttemptPaths, JobPaths
from tests.unit.jobdir import names_in


@pytest.fixture
def attempt(tmp_path: Path) -> AttemptPaths:
    attempt = JobPaths(tmp_path).attempt(1)
    attempt.root.mkdir(parents=True)
    for name in (
        "signac_statepoint.json",
        "signac_data.h5",
        "setup.json",
        "post.json",
        "given",
        "result.pickle",
    ):
        (tmp_path / name).write_text(name)
    (tmp_path / "OUTPUT").mkdir()
    (tmp_path / "OUTPUT" / "0").write_text("printed")
    attempt.job.manifest.write_text("manifest")
    return attempt


def test_what_an_attempt_left_is_moved_aside_and_the_rest_stays(attempt: AttemptPaths) -> None:
    archive(attempt, {"given"})
    assert names_in(attempt.job.root) == [
        ".roost",
        "given",
        "setup.json",
        "signac_data.h5",
        "signac_statepoint.json",
    ]
    assert names_in(attempt.kept) == [
        "OUTPUT",
        "manifest.json",
        "post.json",
        "result.pickle",
        "setup.json",
    ]
    assert (attempt.kept / "OUTPUT" / "0").read_text() == "printed"
    assert not attempt.job.manifest.exists()


def test_archived_once_the_files_of_the_next_attempt_are_let_alone(attempt: AttemptPaths) -> None:
    archive(attempt, {"given"})
    (attempt.job.root / "result.pickle").write_text("of the next attempt")
    archive(attempt, {"given"})
    assert (attempt.job.root / "result.pickle").read_text() == "of the next attempt"


@pytest.mark.parametrize("moves", range(5))
def test_killed_between_any_two_moves_it_goes_on_where_it_was(
    attempt: AttemptPaths, monkeypatch: pytest.MonkeyPatch, moves: int
) -> None:
    left = [moves]
    rename = os.rename

    def dying(source: Path, target: Path) -> None:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        rename(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", dying)
        if moves < 4:
            with pytest.raises(KeyboardInterrupt):
                archive(attempt, {"given"})
    archive(attempt, {"given"})
    assert names_in(attempt.kept) == [
        "OUTPUT",
        "manifest.json",
        "post.json",
        "result.pickle",
        "setup.json",
    ]


def test_the_setup_that_is_kept_does_not_change_with_the_next_one(attempt: AttemptPaths) -> None:
    archive(attempt)
    attempt.job.setup.write_text("of the next attempt")
    assert (attempt.kept / "setup.json").read_text() == "setup.json"


def test_a_name_that_is_taken_there_is_not_lost(attempt: AttemptPaths) -> None:
    attempt.kept.mkdir()
    (attempt.kept / "result.pickle").write_text("earlier")
    archive(attempt)
    assert (attempt.kept / "result.pickle").read_text() == "earlier"
    assert (attempt.kept / "result.pickle.2").read_text() == "result.pickle"
