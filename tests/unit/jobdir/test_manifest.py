from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from jobs_app.errors import BadName, Damaged
from jobs_app.jobdir import manifest
from jobs_app.jobdir.layout import JobPaths


@pytest.fixture
def paths(tmp_path: Path) -> JobPaths:
    (tmp_path / ".roost").mkdir()
    (tmp_path / "sub").mkdir()
    (tmp_path / "a").write_bytes(b"alpha")
    (tmp_path / "sub" / "b").write_bytes(b"x" * 3_000_000)
    return JobPaths(tmp_path)


def test_a_manifest_knows_sizes_and_hashes(paths: JobPaths) -> None:
    manifest.write(paths, manifest.build(paths.root, ["sub/b", "a"]))
    known = manifest.read(paths)
    assert list(known) == ["a", "sub/b"]
    assert known["a"] == manifest.Entry(5, hashlib.sha256(b"alpha").hexdigest())
    assert known["sub/b"] == manifest.Entry(3_000_000, hashlib.sha256(b"x" * 3_000_000).hexdigest())
    manifest.verify(paths.root, known)


def test_every_file_that_changed_is_named(paths: JobPaths) -> None:
    (paths.root / "c").write_text("same size")
    known = manifest.build(paths.root, ["a", "sub/b", "c"])
    (paths.root / "a").unlink()
    (paths.root / "sub" / "b").write_bytes(b"x")
    (paths.root / "c").write_text("same SIZE")
    assert manifest.problems(paths.root, known) == [
        "a is missing",
        "c has other content than it had",
        "sub/b has 1 bytes instead of 3000000",
    ]
    assert len(manifest.problems(paths.root, known, hashes=False)) == 2
    with pytest.raises(Damaged, match=r"a is missing; c has other content .* run it again"):
        manifest.verify(paths.root, known)


def test_a_directory_in_place_of_a_file_is_a_missing_file(paths: JobPaths) -> None:
    known = manifest.build(paths.root, ["a"])
    (paths.root / "a").unlink()
    (paths.root / "a").mkdir()
    assert manifest.problems(paths.root, known) == ["a is missing"]


def test_a_link_out_of_the_job_is_never_followed(paths: JobPaths) -> None:
    (paths.root / "link").symlink_to("/etc/passwd")
    with pytest.raises(BadName, match="through a link"):
        manifest.build(paths.root, ["link"])


@pytest.mark.parametrize(
    "content", ["{", "[]", "{}", '{"files": []}', '{"files": {"a": 1}}', '{"files": {"a": {}}}']
)
def test_a_damaged_manifest_is_named(paths: JobPaths, content: str) -> None:
    paths.manifest.write_text(content)
    with pytest.raises(Damaged, match=r"manifest\.json is damaged"):
        manifest.read(paths)


def test_a_file_of_nothing_has_a_place_too(paths: JobPaths) -> None:
    (paths.root / "empty").touch()
    known = manifest.build(paths.root, ["empty"])
    assert known["empty"].size == 0
    manifest.verify(paths.root, known)
