"""Heads are written by hand for speed, and are tarfile's own to the byte."""

from __future__ import annotations

import io
import tarfile

import pytest

from jobs_app.pools.condor import tar

NAMES = ("a", "incoming/0a1b2c/attempts/x/out", "größe", "x" * 98, "x" * 99, "folder/" * 40 + "deep")


@pytest.fixture(autouse=True)
def a_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_800_000_000.7)


def head(name: str, **known: object) -> bytes:
    member = tarfile.TarInfo(name)
    member.mtime = 1_800_000_000
    for field, value in known.items():
        setattr(member, field, value)
    return member.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


@pytest.mark.parametrize("name", NAMES)
def test_a_folder(name: str) -> None:
    assert b"".join(tar.folder(name)) == head(name, type=tarfile.DIRTYPE, mode=0o755)


@pytest.mark.parametrize("name", NAMES)
def test_another_name_of_a_file(name: str) -> None:
    expected = head(name, type=tarfile.LNKTYPE, linkname="files/" + "a" * 64)
    assert b"".join(tar.link(name, "files/" + "a" * 64)) == expected


@pytest.mark.parametrize("name", NAMES)
def test_a_text(name: str) -> None:
    data = b"".join(tar.text(name, b"hello", 0o600))
    assert data.startswith(head(name, size=5, mode=0o600))
    with tarfile.open(fileobj=io.BytesIO(data + b"\0" * 1024)) as read:
        (member,) = read
        assert (member.name, read.extractfile(member).read()) == (name, b"hello")  # type: ignore[union-attr]
