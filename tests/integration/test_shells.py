"""The verbs of a shell: the same on this machine and over SSH, and what they do when the link breaks."""

from __future__ import annotations

import os
import secrets
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import paramiko
import pytest
from paramiko.common import cMSG_CHANNEL_EOF

from jobs_app.pools.base import AccessDenied, Garbled, PoolUnreachable, Refused
from jobs_app.pools.condor import tar
from jobs_app.pools.shell import (
    Follower,
    Identity,
    LocalShell,
    Seconds,
    SharedShell,
    Shell,
    SshAddress,
    SshShell,
    Tail,
    base,
    follow,
)
from tests.pool.pool import TestPool
from tests.pool.relay import Relay
from tests.pool.waiting import wait_until


def address(pool: TestPool, relay: Relay | None = None, **known: object) -> SshAddress:
    host, port = (relay.host, relay.port) if relay else (pool.host, pool.port)
    wanted = {
        "host": host,
        "user": pool.user,
        "host_key": pool.host_key,
        "port": port,
        "identity": Identity((str(pool.key),)),
    }
    return SshAddress(**{**wanted, **known})  # type: ignore[arg-type]


@pytest.fixture(params=["local", pytest.param("ssh", marks=pytest.mark.pool)])
def shell(request: pytest.FixtureRequest) -> Iterator[Shell]:
    if request.param == "local":
        shell: Shell = LocalShell()
    else:
        shell = SshShell(address(request.getfixturevalue("condor_pool")))
    yield shell
    shell.close()


@pytest.fixture
def folder(shell: Shell) -> Iterator[str]:
    path = f"/tmp/roost-shell-{secrets.token_hex(6)}"
    shell.run(["mkdir", path])
    yield path
    shell.run(["rm", "-rf", path])


# --- commands -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "word", ["a b", "", "$HOME", "`id`", "'", '"', "\\", "a\nb", "*", "~", "ü", "-n", "#", ";", "!x"]
)
def test_a_word_arrives_as_it_was(shell: Shell, word: str) -> None:
    assert shell.run(["printf", "[%s]", word]).text == f"[{word}]"


def test_a_word_that_no_command_can_be_given_is_refused(shell: Shell) -> None:
    with pytest.raises(Refused):
        shell.run(["echo", "a\0b"])


def test_exit_code_output_and_errors_are_kept_apart(shell: Shell) -> None:
    done = shell.run(["sh", "-c", "echo out; echo err >&2; exit 7"])
    assert (done.exit, done.out, done.err) == (7, b"out\n", b"err\n")
    assert done.complaint == "err"


def test_a_large_input_reaches_the_command(shell: Shell) -> None:
    data = os.urandom(5_000_000)
    assert shell.run(["wc", "-c"], data).text.strip() == str(len(data))


def test_a_large_output_comes_whole(shell: Shell) -> None:
    assert len(shell.run(["head", "-c", "5000000", "/dev/zero"]).out) == 5_000_000


def test_a_command_that_reads_nothing_tells_its_own_reason(shell: Shell) -> None:
    done = shell.run(["sh", "-c", "exec <&-; echo full >&2; exit 1"], b"x" * 10_000_000)
    assert (done.exit, done.complaint) == (1, "full")


def test_a_silent_command_is_given_up(shell: Shell) -> None:
    with pytest.raises(PoolUnreachable, match=r"no answer for 0\.2 s"):
        shell.run(["sleep", "5"], timeout=0.2)
    assert shell.run(["echo", "still here"]).text == "still here\n"


def test_a_command_that_is_killed_did_not_end_well(shell: Shell) -> None:
    killed = ["sh", "-c", "kill -9 $$"]
    if isinstance(shell, LocalShell):
        assert shell.run(killed).exit == 128 + 9
    else:
        with pytest.raises(PoolUnreachable, match="was killed"):
            shell.run(killed)


def test_htcondors_python_package_does_not_hide_its_configuration_from_its_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CONDOR_CONFIG", "/dev/null")
    assert LocalShell().run(["printenv", "CONDOR_CONFIG"]).out == b""
    monkeypatch.setenv("CONDOR_CONFIG", "/etc/other")
    assert LocalShell().run(["printenv", "CONDOR_CONFIG"]).out == b"/etc/other\n"


def test_commands_run_side_by_side(shell: Shell) -> None:
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda number=number: found.append(shell.run(["echo", str(number)]).text.strip())
        )
        for number in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(found, key=int) == [str(number) for number in range(20)]


# --- files ----------------------------------------------------------------------------------------------


def test_a_file_comes_back_as_it_went(shell: Shell, folder: str) -> None:
    data = os.urandom(3_000_000)
    shell.put(f"{folder}/it's a file", data)
    assert shell.get(f"{folder}/it's a file") == data
    assert shell.get(f"{folder}/it's a file", 10, 5) == data[10:15]
    assert shell.get(f"{folder}/it's a file", len(data)) == b""


def test_a_file_that_is_not_there_is_said_so(shell: Shell, folder: str) -> None:
    with pytest.raises(FileNotFoundError):
        shell.get(f"{folder}/nothing")


def test_a_file_that_cannot_be_written_is_refused_with_the_reason(shell: Shell, folder: str) -> None:
    with pytest.raises(Refused, match="no/such/folder"):
        shell.put(f"{folder}/no/such/folder", b"x")


def test_a_folder_goes_as_one_stream_and_comes_as_one(shell: Shell, folder: str, tmp_path: Path) -> None:
    members = [
        *tar.text("a", b"A"),
        *tar.folder("sub"),
        *tar.text("sub/b", b"B"),
        *tar.text(".complete", b""),
    ]
    shell.put_tree(f"{folder}/tree", [*members, *tar.end()])
    with (
        shell.get_tree(f"{folder}/tree", "a", "sub") as stream,
        tarfile.open(fileobj=stream, mode="r|") as found,
    ):
        assert [member.name for member in found] == ["a", "sub", "sub/b"]


def test_a_folder_that_was_cut_off_is_not_there(shell: Shell, folder: str) -> None:
    with pytest.raises(Refused, match="cut off"):
        shell.put_tree(f"{folder}/tree", [*tar.text("a", b"A"), *tar.end()])
    assert shell.run(["ls", "-A", folder]).text == ""


def test_a_folder_that_is_there_stays(shell: Shell, folder: str) -> None:
    for text in (b"first", b"second"):
        shell.put_tree(f"{folder}/t", [*tar.text("a", text), *tar.text(".complete", b""), *tar.end()])
    assert shell.get(f"{folder}/t/a") == b"first"


# --- following ------------------------------------------------------------------------------------------


@pytest.fixture
def log(folder: str) -> str:
    return f"{folder}/log"


def append(shell: Shell, path: str, text: str) -> None:
    assert shell.run(["sh", "-c", 'printf %s "$1" >> "$2"', "sh", text, path]).exit == 0


def test_what_is_added_is_read_on(shell: Shell, log: str) -> None:
    follower = Follower(shell, log, 0)
    assert follower.read(0) == b""
    for text in ("one\n", "two\n"):
        append(shell, log, text)
        assert follower.read(10) == text.encode()
    assert follower.offset == 8
    follower.close()


@pytest.mark.pool
def test_silence_is_no_word_of_the_other_side(condor_pool: TestPool) -> None:
    shell = SshShell(address(condor_pool))
    try:
        assert shell.answered == 0
        shell.put("/tmp/silent-log", b"")
        follower = Follower(shell, "/tmp/silent-log", 0)
        follower.read(1)
        heard = shell.answered
        assert time.time() - heard < 10
        assert follower.read(0.5) == b""
        assert shell.answered == heard
        append(shell, "/tmp/silent-log", "news\n")
        assert follower.read(10) == b"news\n"
        assert shell.answered > heard
        follower.close()
    finally:
        shell.close()


@pytest.mark.pool
def test_an_answer_to_a_probe_is_a_word_of_the_other_side(condor_pool: TestPool) -> None:
    shell = SshShell(address(condor_pool, seconds=Seconds(probe=0.2)))
    try:
        shell.run(["true"])
        heard = shell.answered
        wait_until(lambda: shell.answered > heard, 30, "a probe to be answered")
    finally:
        shell.close()


def test_what_is_there_comes_without_waiting(shell: Shell, log: str) -> None:
    shell.put(log, b"x" * 300_000)
    follower = Follower(shell, log, 100_000)
    assert len(follower.read(0)) == 200_000
    follower.close()


def test_a_long_file_comes_in_pieces(shell: Shell, log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "AT_ONCE", 1 << 20)
    shell.put(log, b"x" * (5 << 20))
    follower = Follower(shell, log, 0)
    sizes = []
    while sum(sizes) < 5 << 20:
        sizes.append(len(follower.read(10)))
    assert max(sizes) < 4 << 20  # and what came at once with the last piece
    assert sum(sizes) == follower.offset == 5 << 20
    follower.close()


@pytest.mark.parametrize("damage", [': > "$1"', 'rm "$1"', 'mv "$1" "$1.old"; echo new > "$1"'])
def test_a_file_that_is_not_the_same_any_more_is_noticed(shell: Shell, log: str, damage: str) -> None:
    append(shell, log, "one\ntwo\n")
    follower = Follower(shell, log, 0)
    assert follower.read(0) == b"one\ntwo\n"
    shell.run(["sh", "-c", damage, "sh", log])
    with pytest.raises(Garbled, match="is not the file that it was"):
        wait_until(lambda: follower.read(1) and None, 60, "the damage to be noticed")
    follower.close()


def test_a_file_that_is_shorter_than_what_was_read_is_noticed(shell: Shell, log: str) -> None:
    append(shell, log, "one\n")
    with pytest.raises(Garbled, match="only 4 bytes, and 100 have been read"):
        Follower(shell, log, 100)


@pytest.mark.parametrize("places", [True, False])
def test_a_tail_reads_on_with_or_without_a_place_for_a_follower(
    shell: Shell, log: str, places: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shell, "place_for_follower", lambda: nullcontext(places))
    monkeypatch.setattr(follow, "POLL_EVERY", 0.01)
    tail = Tail(shell, log, 0)
    assert tail.read(0) == b""
    for text in ("one\n", "two\n"):
        append(shell, log, text)
        assert wait_until(lambda: tail.read(1), 60, "the text") == text.encode()
    assert tail.offset == 8
    shell.run(["truncate", "-s", "0", log])
    with pytest.raises(Garbled, match="is not the file that it was"):
        wait_until(lambda: tail.read(1) and None, 60, "the damage to be noticed")
    tail.close()


# --- SSH alone ------------------------------------------------------------------------------------------

pool_only = pytest.mark.pool


@pool_only
def test_another_host_key_than_the_pinned_one_is_refused(condor_pool: TestPool) -> None:
    kind, key = condor_pool.host_key.split()
    changed = key[:-8] + ("AAAAAAAA" if not key.endswith("AAAAAAAA") else "BBBBBBBB")
    with pytest.raises(AccessDenied, match=r"another host key than the pinned one: SHA256:"):
        SshShell(address(condor_pool, host_key=f"{kind} {changed}")).run(["true"])


@pool_only
@pytest.mark.parametrize("key", ["", "nonsense", "ssh-ed25519", "ssh-ed25519 !!!", "ssh-dss AAAA"])
def test_without_a_pinned_host_key_nobody_is_spoken_to(condor_pool: TestPool, key: str) -> None:
    before = condor_pool.logins()
    with pytest.raises(AccessDenied, match="pinned host key"):
        SshShell(address(condor_pool, host_key=key)).run(["true"])
    assert condor_pool.logins() == before


@pool_only
def test_who_may_not_come_in_is_told(condor_pool: TestPool) -> None:
    with pytest.raises(AccessDenied, match="does not let us in"):
        SshShell(address(condor_pool, user="mallory")).run(["true"])


@pool_only
def test_what_is_said_late_to_a_command_that_has_ended_does_not_end_the_connection(
    condor_pool: TestPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """paramiko's own thread would have closed the channel by then."""
    send = paramiko.Transport._send_user_message  # type: ignore[attr-defined]
    late: list[paramiko.Message] = []
    before = condor_pool.logins()

    def send_late(transport: paramiko.Transport, message: paramiko.Message) -> None:
        if message.asbytes()[:1] == cMSG_CHANNEL_EOF and threading.current_thread() is not transport:
            late.append(message)
            time.sleep(0.5)
        send(transport, message)

    monkeypatch.setattr(paramiko.Transport, "_send_user_message", send_late)
    shell = SshShell(address(condor_pool))
    for _ in range(3):
        assert shell.run(["echo", "one"]).text == "one\n"
    assert len(late) == 3
    assert condor_pool.logins() == before + 1
    shell.close()


@pool_only
def test_a_host_that_does_not_answer_is_out_of_reach(condor_pool: TestPool) -> None:
    relay = condor_pool.slow()
    relay.cut()
    with pytest.raises(PoolUnreachable):
        SshShell(address(condor_pool, relay)).run(["true"])


@pool_only
def test_a_command_is_out_of_reach_when_the_link_breaks_and_the_next_one_opens_it_again(
    condor_pool: TestPool,
) -> None:
    relay = condor_pool.slow()
    shell = SshShell(address(condor_pool, relay))
    assert shell.run(["echo", "one"]).text == "one\n"
    threading.Timer(0.3, relay.cut).start()
    with pytest.raises(PoolUnreachable):
        shell.run(["sleep", "20"])
    relay.restore()
    assert shell.run(["echo", "two"]).text == "two\n"
    assert relay.connections == 2
    shell.close()


@pool_only
@pytest.mark.parametrize("bytes_", [10_000, 300_000, 900_000])
def test_an_upload_that_is_cut_off_leaves_nothing(condor_pool: TestPool, bytes_: int) -> None:
    path = f"/tmp/upload-{secrets.token_hex(4)}"
    relay = condor_pool.slow()
    shell = SshShell(address(condor_pool, relay))
    shell.run(["mkdir", path])
    relay.cut_after(up=bytes_)
    with pytest.raises(PoolUnreachable):
        shell.put(f"{path}/file", os.urandom(1_000_000))
    wait_until(lambda: shell.run(["ls", "-A", path]).text == "", 60, "the half file to go")
    shell.close()


@pool_only
def test_a_download_that_is_cut_off_is_no_result(condor_pool: TestPool) -> None:
    relay = condor_pool.slow()
    shell = SshShell(address(condor_pool, relay))
    shell.run(["true"])
    relay.cut_after(down=500_000)
    with pytest.raises(PoolUnreachable):
        shell.run(["head", "-c", "1000000", "/dev/zero"])
    relay.cut_after(down=500_000)
    with pytest.raises(PoolUnreachable), shell.reading(["head", "-c", "1000000", "/dev/zero"]) as stream:
        stream.read()
    shell.close()


@pool_only
def test_a_followers_command_ends_with_its_connection(condor_pool: TestPool) -> None:
    relay = condor_pool.slow()
    shell = SshShell(address(condor_pool, relay))
    name = f"/tmp/followed-{secrets.token_hex(4)}"
    Follower(shell, name, 0).read(0)
    assert followers_of(condor_pool, name) == 1
    relay.cut()
    wait_until(lambda: followers_of(condor_pool, name) == 0, 60, "tail to end")


def followers_of(pool: TestPool, name: str) -> int:
    return sum("tail" in line and name in line for line in pool.run("ps", "-eo", "args").splitlines())


@pool_only
def test_followers_leave_channels_for_commands(condor_pool: TestPool) -> None:
    shell = SshShell(address(condor_pool))
    tails = [Tail(shell, f"/tmp/many-{secrets.token_hex(4)}", 0) for _ in range(12)]
    for _ in range(2):
        assert [tail.read(0) for tail in tails] == [b""] * 12
        assert shell.run(["echo", "free"]).text == "free\n"
    for tail in tails:
        tail.close()
    with shell.place_for_follower() as is_free:
        assert is_free
    shell.close()


@pool_only
def test_all_that_share_an_account_share_one_login(condor_pool: TestPool) -> None:
    before = condor_pool.logins()
    shells = [SharedShell(address(condor_pool, seconds=Seconds(connect=16.0))) for _ in range(5)]
    assert [shell.run(["echo", "hi"]).text for shell in shells] == ["hi\n"] * 5
    for shell in shells[1:]:
        shell.close()
    assert shells[0].run(["echo", "still"]).text == "still\n"
    shells[0].close()
    assert condor_pool.logins() == before + 1


@pool_only
def test_a_delay_costs_a_command_no_more_than_a_few_round_trips(condor_pool: TestPool) -> None:
    relay = condor_pool.slow(100)
    shell = SshShell(address(condor_pool, relay))
    shell.run(["true"])
    before = relay.turns
    shell.run(["true"])
    assert relay.turns - before <= 4
    shell.close()


def test_an_answer_without_end_is_not_gathered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "LARGEST_ANSWER", 1 << 20)
    with pytest.raises(Garbled, match="yes: the answer is larger than 1048576 bytes"):
        LocalShell().run(["yes"])


def test_an_answer_that_comes_drop_by_drop_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "IN_ALL", 0.05)
    with pytest.raises(PoolUnreachable, match="was not complete after 1 s"):
        LocalShell().run(["sh", "-c", "while :; do echo drop; sleep 0.1; done"], timeout=20)
