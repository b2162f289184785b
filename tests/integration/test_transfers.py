"""Bytes on their way to and from a real access point: long, many, cut, and beside other work."""

from __future__ import annotations

import io
import os
import statistics
import tarfile
import threading
import tracemalloc
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from paramiko.packet import Packetizer

from jobs_app.pools.base import PoolUnreachable, Refused
from jobs_app.pools.condor import tar
from jobs_app.pools.shell import Identity, SshAddress, SshShell
from tests.pool.pool import TestPool
from tests.pool.waiting import wait_until

pytestmark = pytest.mark.pool

PIECE = os.urandom(1 << 18)
MIB = 4  # pieces


def shell_to(pool: TestPool, host: str = "", port: int = 0) -> SshShell:
    identity = Identity(key_paths=(str(pool.key),))
    return SshShell(SshAddress(host or pool.host, pool.user, pool.host_key, port or pool.port, identity))


@pytest.fixture
def shell(condor_pool: TestPool) -> Iterator[SshShell]:
    shell = shell_to(condor_pool)
    yield shell
    shell.close()


def pieces(mib: int) -> Iterator[bytes]:
    return (PIECE for _ in range(mib * MIB))


def test_new_keys_are_agreed_on_while_commands_end(
    condor_pool: TestPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Packetizer, "REKEY_BYTES", 1 << 20)
    shell = shell_to(condor_pool)
    for _ in range(40):
        assert len(shell.run(["head", "-c", str(3 << 19), "/dev/zero"]).out) == 3 << 19
    shell.close()


def test_a_command_does_not_wait_behind_a_large_upload(shell: SshShell) -> None:
    shell.run(["true"])
    over, sent = threading.Event(), count()
    latest: list[int] = []

    def endless() -> Iterator[bytes]:
        while not over.is_set():
            latest[:] = [next(sent)]
            yield PIECE

    words = ["sh", "-c", "cat > /dev/null"]
    upload = threading.Thread(target=shell.run, args=(words, endless()), daemon=True)
    upload.start()
    passed = []
    for _ in range(20):
        wait_until(lambda: latest, 60, "the upload to begin")
        first = latest[0]
        assert shell.run(["echo", "here"]).text == "here\n"
        passed.append(latest[0] - first)
        assert upload.is_alive()
    over.set()
    upload.join(60)
    assert statistics.median(passed) < 64 * MIB  # of the upload, before a command is answered


def test_memory_does_not_grow_with_what_is_sent_and_fetched(shell: SshShell) -> None:
    shell.run(["true"])
    tracemalloc.start()
    sent = shell.run(["sh", "-c", "wc -c"], pieces(64))
    with shell.reading(["head", "-c", str(64 << 20), "/dev/zero"]) as stream:
        fetched = sum(len(piece) for piece in iter(lambda: stream.read(1 << 18), b""))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert int(sent.text) == fetched == 64 << 20
    assert peak < 24 << 20


def tree_of(size: int) -> Iterator[bytes]:
    yield from tar.text("large", PIECE * (size // len(PIECE)))
    yield from tar.text(".complete", b"")
    yield from tar.end()


def test_an_upload_that_is_cut_leaves_nothing_and_begins_anew(condor_pool: TestPool) -> None:
    relay = condor_pool.slow()
    shell = shell_to(condor_pool, relay.host, relay.port)
    shell.run(["rm", "-rf", "cut-tree"])
    relay.cut_after(up=2 << 20)
    with pytest.raises(PoolUnreachable):
        shell.put_tree("cut-tree", tree_of(8 << 20))
    assert shell.run(["sh", "-c", "test ! -e cut-tree && echo clean"]).text == "clean\n"
    shell.put_tree("cut-tree", tree_of(8 << 20))
    assert shell.run(["sh", "-c", "wc -c < cut-tree/large; ls -d cut-tree*"]).text.split() == [
        str(8 << 20),
        "cut-tree",
    ]
    shell.run(["rm", "-rf", "cut-tree"])
    shell.close()


def test_a_download_that_is_cut_is_an_error_and_not_a_shorter_file(condor_pool: TestPool) -> None:
    relay = condor_pool.slow()
    shell = shell_to(condor_pool, relay.host, relay.port)
    shell.run(["true"])
    relay.cut_after(down=2 << 20)
    with (
        pytest.raises((PoolUnreachable, tarfile.TarError)),
        shell.reading(["head", "-c", str(8 << 20), "/dev/zero"]) as stream,
    ):
        stream.read()
    with shell.reading(["head", "-c", str(8 << 20), "/dev/zero"]) as stream:
        assert len(stream.read()) == 8 << 20
    shell.close()


def test_an_input_that_changes_while_it_is_sent_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "input"
    path.write_bytes(bytes(1 << 20))
    stream = tar.file("input", path, 1 << 20, 0o644)
    next(stream)
    next(stream)
    path.write_bytes(b"short")
    with pytest.raises(Refused, match="became shorter while it was sent"):
        list(stream)


def test_what_comes_as_a_stream_can_be_unpacked_as_it_comes(shell: SshShell) -> None:
    shell.run(["sh", "-c", "mkdir -p streamed && for i in 1 2 3; do echo $i > streamed/$i; done"])
    with shell.get_tree(".", "streamed") as stream, tarfile.open(fileobj=stream, mode="r|") as archive:
        found = {
            member.name: (archive.extractfile(member) or io.BytesIO()).read()
            for member in archive
            if member.isfile()
        }
    assert found == {f"streamed/{number}": f"{number}\n".encode() for number in (1, 2, 3)}
