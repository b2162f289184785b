from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.errors import BadName, Damaged
from jobs_app.jobdir import files
from tests.unit.jobdir import names_in

REFUSED = {
    "": "names nothing",
    ".": "names nothing",
    "./": "names nothing",
    "/etc/passwd": "absolute",
    "..": "leads out",
    "../x": "leads out",
    "a/../../x": "leads out",
    "a/../b": "leads out",
    "a\nb": "control character '\\n'",
    "a\0b": "control character '\\x00'",
    "a\x7fb": "control character",
    "half \ud800": "not valid Unicode",
    "x" * 10_000: "10000 bytes; 255 are allowed",
    "é" * 128: "256 bytes; 255 are allowed",
    "/".join(["x" * 200] * 6): "1205 bytes; 1024 are allowed",
}


@pytest.mark.parametrize(("name", "why"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_name_that_leads_elsewhere_is_refused_with_the_reason(name: str, why: str) -> None:
    with pytest.raises(BadName) as caught:
        files.safe_name(name)
    assert why in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_name_of_bytes_is_refused() -> None:
    with pytest.raises(BadName, match="bytes, not text"):
        files.safe_name(b"x")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("plot.png", "plot.png"),
        ("./a//b/.", "a/b"),
        ("a b", "a b"),
        ("...", "..."),
        (".hidden", ".hidden"),
        ("é" * 127, "é" * 127),
        (Path("a") / "b", "a/b"),
    ],
)
def test_a_plain_name_loses_only_what_means_nothing(name: str, safe: str) -> None:
    assert files.safe_name(name) == safe


@given(st.text(max_size=40) | st.lists(st.sampled_from(["a", "..", ".", "", "\n", "x y"])).map("/".join))
def test_a_safe_name_never_leads_out_of_its_directory_and_is_safe_again(name: str) -> None:
    try:
        safe = files.safe_name(name)
    except BadName:
        return
    assert os.path.normpath(f"/job/{safe}") == f"/job/{safe}"
    assert files.safe_name(safe) == safe


@pytest.mark.parametrize(
    "name",
    ["signac_statepoint.json", "signac_job_document.json", "setup.json", "post.json", "OUTPUT/0", ".roost/x"],
)
def test_a_job_may_not_write_what_roost_writes(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadName, match="reserved"):
        files.writable_name(tmp_path, name)


def test_an_absolute_name_below_the_directory_is_the_relative_one(tmp_path: Path) -> None:
    assert files.name_in(tmp_path, tmp_path / "a" / "b") == "a/b"
    with pytest.raises(BadName, match="absolute"):
        files.name_in(tmp_path / "job", tmp_path / "job2" / "b")


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    assert files.locate(tmp_path, "link").read_text() == "x"


@pytest.mark.parametrize("target", ["/etc", "..", "../other"])
def test_a_link_that_leads_out_is_refused(tmp_path: Path, target: str) -> None:
    root = tmp_path / "job"
    root.mkdir()
    (root / "link").symlink_to(target)
    with pytest.raises(BadName, match="through a link"):
        files.locate(root, "link")
    with pytest.raises(BadName, match="through a link"):
        files.locate(root, "link/passwd")


def test_a_directory_reached_through_a_link_is_no_way_out(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "alias").symlink_to("real")
    assert files.locate(tmp_path / "alias", "x") == tmp_path / "alias" / "x"


# --- writing ------------------------------------------------------------------------------------------------


def test_a_file_appears_when_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with files.writing(path) as handle:
        handle.write(b"half")
        handle.flush()
        assert not path.exists()
    assert path.read_bytes() == b"half"
    assert names_in(tmp_path) == ["x"]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_text("old")
    with pytest.raises(KeyError), files.writing(path) as handle:
        handle.write({}["new"])
    assert path.read_text() == "old"
    assert names_in(tmp_path) == ["x"]


def test_a_full_disk_is_said_with_the_name_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught, files.writing(tmp_path / "x"):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert caught.value.filename == str(tmp_path / "x")
    assert names_in(tmp_path) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_disk_that_fills_up_at_the_last_moment_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = tmp_path / "full"
    full.symlink_to("/dev/full")
    monkeypatch.setattr(files, "beside", lambda _: full)
    with pytest.raises(OSError, match="No space left") as caught:
        files.write_bytes(tmp_path / "x", b"some bytes")
    assert caught.value.filename == str(tmp_path / "x")
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("content", [b"", b"{", b'{"a": 1', b"\xff", b"null trailing"])
def test_a_damaged_file_is_named_with_its_cure(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "setup.json"
    path.write_bytes(content)
    with pytest.raises(Damaged) as caught:
        files.read_json(path, "Ask alice.")
    assert str(path) in str(caught.value)
    assert "Ask alice." in str(caught.value)


def test_a_file_that_should_hold_an_object_and_does_not_is_damaged(tmp_path: Path) -> None:
    path = tmp_path / "post.json"
    path.write_text("[]")
    with pytest.raises(Damaged, match="holds list, not an object"):
        files.read_object(path)


def test_what_is_written_as_json_is_read_back(tmp_path: Path) -> None:
    files.write_json(tmp_path / "x", {"é": [1, None]})
    assert files.read_object(tmp_path / "x") == {"é": [1, None]}


@pytest.mark.parametrize("kind", ["directory", "pipe", "missing", "below a file"])
def test_only_a_file_is_a_plain_file(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "x"
    (tmp_path / "file").touch()
    {
        "directory": path.mkdir,
        "pipe": lambda: os.mkfifo(path),
        "missing": lambda: None,
        "below a file": lambda: None,
    }[kind]()
    assert not files.is_plain_file(tmp_path / "file" / "x" if kind == "below a file" else path)
    assert files.is_plain_file(tmp_path / "file")


class TestRemovingATree:
    def test_however_deep_and_shut_it_is(self, tmp_path):
        top = tmp_path / "job"
        top.mkdir()
        at = os.open(top, os.O_RDONLY)
        for _ in range(3000):  # far beyond what one path can name
            os.mkdir("d", dir_fd=at)
            below = os.open("d", os.O_RDONLY, dir_fd=at)
            os.close(at)
            at = below
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=at))
        os.close(at)
        (top / "shut").mkdir()
        (top / "shut" / "x").write_text("1")
        (top / "shut").chmod(0)
        files.remove_tree(top)
        assert list(tmp_path.iterdir()) == []

    def test_links_are_removed_and_not_followed(self, tmp_path):
        other, top = tmp_path / "other", tmp_path / "job"
        (other / "folder").mkdir(parents=True)
        (top / "a").mkdir(parents=True)
        (top / "link").symlink_to(other)
        (top / "a" / "link").symlink_to(other / "folder")
        files.remove_tree(top)
        assert sorted(path.name for path in tmp_path.rglob("*")) == ["folder", "other"]

    def test_a_link_itself_and_what_is_not_there_are_left(self, tmp_path):
        (tmp_path / "link").symlink_to(tmp_path / "other")
        (tmp_path / "other").mkdir()
        files.remove_tree(tmp_path / "link")
        files.remove_tree(tmp_path / "none")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["link", "other"]
