"""Many small files 20 ms away, one large file, and a command beside it; each beside OpenSSH's sftp, whose own
login is not counted. Ours is the shell of the courier on the connection that it has open."""

from __future__ import annotations

import hashlib
import os
import statistics
import subprocess
import tarfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import Bench, Row, per_second
from jobs_app.pools.condor import tar
from jobs_app.pools.shell import Identity, SshAddress, SshShell
from tests.pool.pool import TestPool
from tests.pool.relay import Relay

ROUND_TRIP = 20  # milliseconds
FILES, SMALL = 1000, 10 << 10
MIB = 256
PIECE = 1 << 20
AT_LEAST = 400


# --- many small files -------------------------------------------------------------------------------------


def files(bench: Bench) -> Iterator[Row]:
    pool, rounds = bench.pool(), bench.size(5, 2)
    theirs = bench.size(100, 25)  # they take a tenth of a second each
    relay = pool.slow(ROUND_TRIP)
    source = _small_files(bench.folder / "small")
    bench.say(f"{FILES} files of {SMALL >> 10} KiB up and down, {ROUND_TRIP} ms away, {rounds} rounds ...")
    ups, downs, peer_ups, peer_downs = [], [], [], []
    with _shell(pool, relay) as shell:
        for number in range(rounds):
            ups.append(FILES / _seconds(lambda: _send(shell, source, f"many-{number}")))  # noqa: B023
            into = bench.folder / f"back-{number}"
            downs.append(FILES / _seconds(lambda: _fetch(shell, f"many-{number}", into)))  # noqa: B023
            _same(source, into)
            shell.run(["rm", "-rf", f"many-{number}"])
        sftp = Sftp(pool, relay, bench.folder)
        shell.run(["mkdir", "-p", "peer"])
        for _ in range(min(rounds, 2)):
            names = sorted(source.iterdir())[:theirs]
            peer_ups.append(theirs / sftp.seconds([f"put {name} peer/{name.name}" for name in names]))
            target = bench.folder / "peer"
            target.mkdir(exist_ok=True)
            peer_downs.append(theirs / sftp.seconds([f"get peer/{each.name} {target}" for each in names]))
    what = f"{FILES} files of 10 KiB, {ROUND_TRIP} ms (peer: OpenSSH sftp, {theirs} files)"
    for way, ours, peer in (("up", ups, peer_ups), ("down", downs, peer_downs)):
        yield per_second(f"{what}: {way}", statistics.median(ours), AT_LEAST, peer=statistics.median(peer))


def _small_files(folder: Path) -> Path:
    folder.mkdir()
    for number in range(FILES):
        (folder / f"{number:04}.bin").write_bytes(os.urandom(SMALL))
    return folder


def _send(shell: SshShell, source: Path, target: str) -> None:
    def stream() -> Iterator[bytes]:
        for path in sorted(source.iterdir()):
            yield from tar.file(path.name, path, path.stat().st_size, 0o644)
        yield from tar.text(".complete", b"")
        yield from tar.end()

    shell.put_tree(target, tar.gathered(stream()))


def _fetch(shell: SshShell, name: str, into: Path) -> None:
    into.mkdir()
    with (
        shell.get_tree(".", name) as stream,
        tarfile.open(fileobj=stream, mode="r|", bufsize=PIECE) as archive,
    ):
        archive.extractall(into, filter="data")


def _same(source: Path, into: Path) -> None:
    for path in source.iterdir():
        (found,) = into.glob(f"*/{path.name}")
        if _digest(found) != _digest(path):
            raise RuntimeError(f"{path.name} did not come back as it went.")


# --- one large file -----------------------------------------------------------------------------------------


def large(bench: Bench) -> Iterator[Row]:
    pool, rounds = bench.pool(), bench.size(7, 3)
    path = _large_file(bench.folder / "large.bin")
    back = bench.folder / "back.bin"
    bench.say(f"one file of {MIB} MiB up and down, {rounds} rounds ...")
    sftp = Sftp(pool, None, bench.folder)
    rates: dict[str, list[float]] = {"up": [], "down": [], "peer up": [], "peer down": []}
    with _shell(pool) as shell:
        shell.run(["mkdir", "-p", "peer"])
        for _ in range(rounds):
            rates["up"].append(MIB / _seconds(lambda: _send_one(shell, path)))
            rates["peer up"].append(MIB / sftp.seconds([f"put {path} peer/large.bin"]))
            rates["down"].append(MIB / _seconds(lambda: _fetch_one(shell, back)))
            _check_same(path, back)
            rates["peer down"].append(MIB / sftp.seconds([f"get peer/large.bin {back}"]))
        shell.run(["rm", "-rf", "peer", "large"])
    for way in ("up", "down"):
        ours, peer = (statistics.median(rates[name]) for name in (way, f"peer {way}"))
        name = f"one file of {MIB} MiB, no delay (peer: OpenSSH sftp): {way}"
        yield Row(name, ours, "MiB/s", ">= 0.9 x peer", 0.9 * peer, peer=peer, more_is_better=True)


def _large_file(path: Path) -> Path:
    with path.open("wb") as handle:
        for _ in range(MIB):
            handle.write(os.urandom(PIECE))
    return path


def _send_one(shell: SshShell, path: Path) -> None:
    def stream() -> Iterator[bytes]:
        yield from tar.file(path.name, path, path.stat().st_size, 0o644)
        yield from tar.text(".complete", b"")
        yield from tar.end()

    shell.run(["rm", "-rf", "large"])
    shell.put_tree("large", tar.gathered(stream()))


def _fetch_one(shell: SshShell, into: Path) -> None:
    with (
        shell.get_tree("large", "large.bin") as stream,
        tarfile.open(fileobj=stream, mode="r|", bufsize=PIECE) as archive,
        into.open("wb") as handle,
    ):
        for member in archive:
            content = archive.extractfile(member)
            while content is not None and (data := content.read(PIECE)):
                handle.write(data)


def _check_same(path: Path, back: Path) -> None:
    if _digest(path) != _digest(back):
        raise RuntimeError("The large file did not come back as it went.")


# --- a command beside it ------------------------------------------------------------------------------------


def beside(bench: Bench) -> Iterator[Row]:
    pool, calls = bench.pool(), bench.size(200, 50)
    bench.say("small commands while a large file goes up ...")
    with _shell(pool) as shell:
        alone = _commands(shell, calls)
        over = threading.Event()
        sent = [0]
        upload = threading.Thread(target=_upload_until, args=(shell, over, sent))
        upload.start()
        try:
            busy = _commands(shell, calls)
        finally:
            over.set()
            upload.join()
    note = (
        f"{sum(sent) >> 20} MiB went up meanwhile; without an upload {statistics.median(alone) * 1e3:.1f} ms."
    )
    name = "a command's round trip beside a large upload, no delay"
    median, p95 = statistics.median(busy) * 1e3, sorted(busy)[int(0.95 * (len(busy) - 1))] * 1e3
    yield Row(name, median, "ms", "< 200 ms", 200, p95=p95, note=note)


def _upload_until(shell: SshShell, over: threading.Event, sent: list[int]) -> None:
    data = os.urandom(1 << 18)

    def stream() -> Iterator[bytes]:
        while not over.is_set():
            sent.append(len(data))
            yield data

    shell.run(["sh", "-c", "cat > /dev/null"], stream())


def _commands(shell: SshShell, calls: int) -> list[float]:
    return [_seconds(lambda: shell.run(["true"])) for _ in range(calls)]


# --- what all need ------------------------------------------------------------------------------------------


@contextmanager
def _shell(pool: TestPool, relay: Relay | None = None) -> Iterator[SshShell]:
    identity = Identity(key_paths=(str(pool.key),))
    host, port = (relay.host, relay.port) if relay else (pool.host, pool.port)
    shell = SshShell(SshAddress(host, pool.user, pool.host_key, port, identity))
    try:
        shell.run(["true"])
        yield shell
    finally:
        shell.close()


class Sftp:
    """OpenSSH's own, in batches."""

    def __init__(self, pool: TestPool, relay: Relay | None, folder: Path) -> None:
        host, port = (relay.host, relay.port) if relay else (pool.host, pool.port)
        known = folder / "known_hosts"
        known.write_text(f"{host if port == 22 else f'[{host}]:{port}'} {pool.host_key}\n")
        options = ["-o", f"UserKnownHostsFile={known}", "-o", "IdentitiesOnly=yes"]
        self.command = ["sftp", "-q", "-b", "-", "-P", str(port), "-i", str(pool.key), *options]
        self.command.append(f"{pool.user}@{host}")
        self.login = statistics.median(_seconds(lambda: self._run(["pwd"])) for _ in range(3))

    def seconds(self, lines: list[str]) -> float:
        """Without the login."""
        return max(_seconds(lambda: self._run(lines)) - self.login, 1e-3)

    def _run(self, lines: list[str]) -> None:
        text = "".join(f"{line}\n" for line in lines).encode()
        subprocess.run(self.command, input=text, check=True, stdout=subprocess.DEVNULL)


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _digest(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
