"""Logging in at a real sshd: with what, over what, whose key is shown, and hosts that do not answer."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import paramiko
import pytest

from jobs_app.compute import create_scheduler
from jobs_app.lifecycle.access import account_of, counted
from jobs_app.lifecycle.logins import TooManyLogins
from jobs_app.pools.base import AccessDenied, PoolUnreachable
from jobs_app.pools.condor.opening import AccountAt, address_of
from jobs_app.pools.condor.opening import open_shell as open_shell_of
from jobs_app.pools.shell import Follower, Identity, Seconds, SshAddress, SshShell
from jobs_app.pools.shell.connecting import as_pinned, fingerprint, shown_key
from tests.pool.rootfs import CannotRun, obstacle
from tests.pool.sshd import USER, Sshd, new_key, public, running_sshd
from tests.pool.waiting import wait_until

pytestmark = pytest.mark.pool

PASSPHRASE = "the owl flies at noon"

KINDS = {
    "ed25519": ("-t", "ed25519"),
    "ecdsa": ("-t", "ecdsa"),
    "rsa": ("-t", "rsa", "-b", "2048"),
    "rsa as PEM": ("-t", "rsa", "-b", "2048", "-m", "PEM"),
}


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """By kind; "locked" ones with a passphrase, one that an authority vouches for, one that nobody knows."""
    folder = tmp_path_factory.mktemp("keys")
    made = {name: new_key(folder / name.replace(" ", "-"), *how) for name, how in KINDS.items()}
    for name, how in KINDS.items():
        locked = folder / f"locked-{name.replace(' ', '-')}"
        made[f"locked {name}"] = new_key(locked, *how, passphrase=PASSPHRASE)
    for name in ("authority", "vouched for", "stranger", "in the agent"):
        made[name] = new_key(folder / name.replace(" ", "-"), "-t", "ed25519")
    vouch = ["ssh-keygen", "-q", "-s", str(made["authority"]), "-I", "roost", "-n", USER]
    subprocess.run([*vouch, f"{made['vouched for']}.pub"], check=True, timeout=60)
    return made


@pytest.fixture(scope="module")
def sshd(keys: dict[str, Path]) -> Iterator[Sshd]:
    with start(keys) as server:
        yield server


@contextmanager
def start(keys: dict[str, Path], more: str = "", host_keys: tuple[str, ...] = ("ed25519",)) -> Iterator[Sshd]:
    known = [
        public(key) for name, key in keys.items() if name not in ("authority", "vouched for", "stranger")
    ]
    reason = obstacle()
    if reason:
        pytest.skip(reason)
    try:
        with running_sshd(known, public(keys["authority"]), more, host_keys) as server:
            yield server
    except CannotRun as error:
        pytest.skip(str(error))


Open = Callable[..., SshShell]


@pytest.fixture
def open_shell() -> Iterator[Open]:
    opened: list[SshShell] = []

    def opener(server: Sshd, identity: Identity, **known: object) -> SshShell:
        opened.append(SshShell(address(server, identity, **known)))
        return opened[-1]

    yield opener
    for shell in opened:
        shell.close()


def address(server: Sshd, identity: Identity, **known: object) -> SshAddress:
    wanted = {"host": server.host, "user": USER, "host_key": server.host_key, "port": server.port}
    return SshAddress(**{**wanted, "identity": identity, **known})  # type: ignore[arg-type]


def says_hello(shell: SshShell) -> bool:
    return shell.run(["echo", "hello"]).text == "hello\n"


# --- what lets us in ------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key_lets_us_in(sshd: Sshd, keys: dict[str, Path], open_shell: Open, kind: str) -> None:
    assert says_hello(open_shell(sshd, Identity((str(keys[kind]),))))


@pytest.mark.parametrize("kind", KINDS)
def test_a_key_is_opened_by_its_passphrase_also_where_it_is_given_as_text(
    sshd: Sshd, keys: dict[str, Path], open_shell: Open, kind: str
) -> None:
    path = keys[f"locked {kind}"]
    assert says_hello(open_shell(sshd, Identity((str(path),), passphrase=PASSPHRASE)))
    assert says_hello(open_shell(sshd, Identity(key_text=path.read_text(), passphrase=PASSPHRASE)))


def test_a_passphrase_does_no_harm_to_a_key_that_has_none(
    sshd: Sshd, keys: dict[str, Path], open_shell: Open
) -> None:
    assert says_hello(open_shell(sshd, Identity((str(keys["ed25519"]),), passphrase=PASSPHRASE)))


def test_a_certificate_lets_a_key_in_that_only_an_authority_vouches_for(
    sshd: Sshd, keys: dict[str, Path], open_shell: Open, tmp_path: Path
) -> None:
    key = tmp_path / "bare"
    shutil.copy(keys["vouched for"], key)
    beside = f"{keys['vouched for']}-cert.pub"
    assert says_hello(open_shell(sshd, Identity((str(keys["vouched for"]),))))
    assert says_hello(open_shell(sshd, Identity((str(key),), certificate_paths=(beside,))))
    with pytest.raises(AccessDenied, match="does not let us in"):
        open_shell(sshd, Identity((str(key),))).run(["true"])


@contextmanager
def agent(folder: Path, key: Path) -> Iterator[Path]:
    place = folder / "agent"
    process = subprocess.Popen(["ssh-agent", "-D", "-a", str(place)], stdout=subprocess.DEVNULL)
    try:
        wait_until(place.exists, 60, "the agent")
        environment = {**os.environ, "SSH_AUTH_SOCK": str(place)}
        subprocess.run(["ssh-add", "-q", str(key)], env=environment, check=True, timeout=60)
        yield place
    finally:
        process.terminate()
        process.wait(60)


def test_an_agent_lets_us_in_also_with_a_certificate(
    sshd: Sshd, keys: dict[str, Path], open_shell: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("in the agent", "vouched for"):
        (tmp_path / name).mkdir()
        with agent(tmp_path / name, keys[name]) as place:
            monkeypatch.setenv("SSH_AUTH_SOCK", str(place))
            assert says_hello(open_shell(sshd, Identity(agent=True)))


def test_an_agent_that_says_nothing_is_given_up(
    sshd: Sshd, open_shell: Open, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jobs_app.pools.shell.identity.AGENT_SECONDS", 0.2)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "agent"))
        silent.listen()
        monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
        with pytest.raises(AccessDenied, match="agent has no key, does not answer"):
            open_shell(sshd, Identity(agent=True)).run(["true"])


def test_a_password_lets_us_in(sshd: Sshd, open_shell: Open) -> None:
    assert says_hello(open_shell(sshd, Identity(password=sshd.password)))


def test_a_host_that_wants_a_key_and_a_password_gets_both(keys: dict[str, Path], open_shell: Open) -> None:
    with start(keys, "AuthenticationMethods publickey,password") as server:
        both = Identity((str(keys["ed25519"]),), password=server.password)
        assert says_hello(open_shell(server, both))
        with pytest.raises(AccessDenied, match="taken, but it also wants password"):
            open_shell(server, replace(both, password="")).run(["true"])


# --- what does not --------------------------------------------------------------------------------------


def test_a_wrong_key_or_password_is_denied_once_and_told_without_the_secret(
    sshd: Sshd, keys: dict[str, Path], open_shell: Open
) -> None:
    wrong = Identity((str(keys["stranger"]),), password="not the password")
    tries = sshd.log.count("Connection from")
    shell = open_shell(sshd, wrong)
    with pytest.raises(AccessDenied) as caught:
        shell.run(["true"])
    assert f"{keys['stranger']} (refused); the password (refused)" in str(caught.value)
    assert "not the password" not in f"{caught.value!r} {shell.address!r} {wrong!r}"
    for _ in range(3):
        with pytest.raises(AccessDenied):
            shell.run(["true"])
    assert sshd.log.count("Connection from") == tries + 1


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        (Identity(("/nowhere/id",)), "/nowhere/id cannot be read"),
        (Identity(key_text="ssh-ed25519 AAAA"), "is no private key"),
        (Identity(key_text="-----BEGIN OPENSSH PRIVATE KEY-----\nx\n"), "is damaged"),
        (Identity(), "no key, agent or password is known"),
    ],
)
def test_what_cannot_be_used_is_said_before_anybody_is_asked(
    sshd: Sshd, open_shell: Open, identity: Identity, reason: str
) -> None:
    tries = sshd.log.count("Connection from")
    with pytest.raises(AccessDenied, match=reason):
        open_shell(sshd, identity).run(["true"])
    assert sshd.log.count("Connection from") == tries


@pytest.mark.parametrize(
    ("passphrase", "reason"), [("", "is locked with a passphrase"), ("wrong", "does not open")]
)
def test_a_locked_key_says_what_it_needs(
    sshd: Sshd, keys: dict[str, Path], open_shell: Open, passphrase: str, reason: str
) -> None:
    for kind in KINDS:
        locked = Identity((str(keys[f"locked {kind}"]),), passphrase=passphrase)
        with pytest.raises(AccessDenied, match=reason):
            open_shell(sshd, locked).run(["true"])


# --- whose key is shown ---------------------------------------------------------------------------------


def test_a_host_key_that_is_exchanged_under_us_lets_nothing_through(
    keys: dict[str, Path], open_shell: Open
) -> None:
    with start(keys) as server:
        shell = open_shell(server, Identity((str(keys["ed25519"]),), password=server.password))
        assert says_hello(shell)
        server.stop()
        new = server.change_host_key()
        server.start()
        logins = server.logins
        with pytest.raises(AccessDenied, match="another host key than the pinned one"):
            shell.run(["true"])
        assert server.logins == logins
        assert server.log.count("Failed") == 0  # it was shown no password and no key
        assert says_hello(open_shell(server, Identity((str(keys["ed25519"]),)), host_key=new))


def test_of_several_host_keys_the_pinned_one_is_asked_for(keys: dict[str, Path], open_shell: Open) -> None:
    mine = Identity((str(keys["ed25519"]),))
    with start(keys, host_keys=("ed25519", "ecdsa", "rsa")) as server:
        for pinned in server.host_keys.values():
            assert says_hello(open_shell(server, mine, host_key=pinned))
        gone = as_pinned(paramiko.ECDSAKey.generate(bits=384))
        with pytest.raises(AccessDenied, match="another host key than the pinned one"):
            open_shell(server, mine, host_key=gone).run(["true"])


def test_a_shown_key_and_its_fingerprint_are_those_of_openssh(sshd: Sshd, keys: dict[str, Path]) -> None:
    shown = shown_key(address(sshd, Identity((str(keys["ed25519"]),)), host_key=""))
    assert as_pinned(shown) == sshd.host_key
    words = ["ssh-keygen", "-lf", "-"]
    done = subprocess.run(words, input=sshd.host_key, capture_output=True, text=True, check=True, timeout=60)
    assert fingerprint(shown) == done.stdout.split()[1]


# --- the way there --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def gate(keys: dict[str, Path]) -> Iterator[Sshd]:
    with start(keys) as server:
        yield server


def test_jump_hosts_lead_there_and_are_logged_in_at_first(
    sshd: Sshd, gate: Sshd, keys: dict[str, Path], open_shell: Open
) -> None:
    mine = Identity((str(keys["ed25519"]),))
    shell = open_shell(sshd, mine, jumps=(address(gate, mine),))
    before = (gate.logins, sshd.logins)
    assert says_hello(shell)
    assert (gate.logins, sshd.logins) == (before[0] + 1, before[1] + 1)


def test_two_jump_hosts_in_turn(sshd: Sshd, gate: Sshd, keys: dict[str, Path], open_shell: Open) -> None:
    mine = Identity((str(keys["ed25519"]),))
    assert says_hello(open_shell(sshd, mine, jumps=(address(gate, mine), address(gate, mine))))


def test_a_jump_host_with_another_key_than_the_pinned_one_is_not_passed(
    sshd: Sshd, gate: Sshd, keys: dict[str, Path], open_shell: Open
) -> None:
    mine = Identity((str(keys["ed25519"]),))
    before = (gate.logins, sshd.logins)
    with pytest.raises(AccessDenied, match=f"{gate.port} shows another host key"):
        open_shell(sshd, mine, jumps=(address(gate, mine, host_key=sshd.host_key),)).run(["true"])
    assert (gate.logins, sshd.logins) == before


def test_the_key_of_a_host_behind_others_is_seen_too(sshd: Sshd, gate: Sshd, keys: dict[str, Path]) -> None:
    mine = Identity((str(keys["ed25519"]),))
    assert (
        as_pinned(shown_key(address(sshd, mine, host_key="", jumps=(address(gate, mine),)))) == sshd.host_key
    )


def test_a_host_that_its_jump_host_cannot_reach_is_out_of_reach(
    sshd: Sshd, gate: Sshd, keys: dict[str, Path], open_shell: Open
) -> None:
    mine = Identity((str(keys["ed25519"]),))
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(
        PoolUnreachable, match=f"{port} is not reached from the jump host before it: Connect failed"
    ) as caught:
        open_shell(sshd, mine, port=port, jumps=(address(gate, mine),)).run(["true"])
    assert not isinstance(caught.value, AccessDenied)


def test_an_ssh_configuration_says_all_of_it_and_is_overruled_by_what_is_said(
    sshd: Sshd, gate: Sshd, keys: dict[str, Path], tmp_path: Path
) -> None:
    config = tmp_path / "config"
    config.write_text(
        f"""
        Host cluster
            HostName {sshd.host}
            Port {sshd.port}
            User {USER}
            IdentityFile {keys["ed25519"]}
            IdentityFile /nowhere/id
            ProxyJump gate
        Host gate
            HostName {gate.host}
            Port {gate.port}
            User {USER}
            IdentityFile {keys["vouched for"]}
            CertificateFile {keys["vouched for"]}-cert.pub
        """
    )
    account = AccountAt(
        "cluster", ssh_config=str(config), host_key=sshd.host_key, jump_host_key=f"{gate.host_key}\n"
    )
    found = address_of(account)
    assert str(found.jumps[0]) == f"{USER}@{gate.host}:{gate.port}"
    assert found.identity.key_paths == (str(keys["ed25519"]),)
    before = gate.log.count("Accepted certificate") + gate.log.count("ED25519-CERT")
    shell = SshShell(found)
    assert says_hello(shell)
    shell.close()
    assert gate.log.count("Accepted certificate") + gate.log.count("ED25519-CERT") > before
    other = address_of(replace(account, user="else", key_path="/k", jump="me@10.0.0.1:99"))
    assert (other.user, other.identity.key_paths, str(other.jumps[0])) == ("else", ("/k",), "me@10.0.0.1:99")


# --- hosts that do not answer ---------------------------------------------------------------------------


@pytest.fixture
def silent() -> Iterator[socket.socket]:
    """A port that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_a_banner_that_does_not_come_is_not_waited_for_long(
    silent: socket.socket, keys: dict[str, Path], sshd: Sshd, open_shell: Open
) -> None:
    shell = open_shell(
        sshd,
        Identity((str(keys["ed25519"]),)),
        port=silent.getsockname()[1],
        seconds=Seconds(banner=0.5),
    )
    begin = time.monotonic()
    with pytest.raises(PoolUnreachable) as caught:
        shell.run(["true"])
    assert not isinstance(caught.value, AccessDenied)
    assert time.monotonic() - begin < Seconds().banner


def test_a_login_that_is_not_answered_is_not_waited_for_long_and_denies_nothing(
    keys: dict[str, Path], open_shell: Open
) -> None:
    slow = "AuthorizedKeysCommand /usr/bin/sleep 60\nAuthorizedKeysCommandUser root"
    with start(keys, slow) as server:
        shell = open_shell(server, Identity((str(keys["stranger"]),)), seconds=Seconds(login=0.5))
        with pytest.raises(PoolUnreachable, match=r"has not answered the login within 0\.5 s") as caught:
            shell.run(["true"])
        assert not isinstance(caught.value, AccessDenied)


def test_a_port_that_refuses_is_out_of_reach(sshd: Sshd, keys: dict[str, Path], open_shell: Open) -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(PoolUnreachable, match="refused"):
        open_shell(sshd, Identity((str(keys["ed25519"]),)), port=port).run(["true"])


def test_who_comes_soon_after_a_failure_gets_its_answer_and_makes_no_connection(
    silent: socket.socket, sshd: Sshd, keys: dict[str, Path], open_shell: Open
) -> None:
    shell = open_shell(
        sshd,
        Identity((str(keys["ed25519"]),)),
        port=silent.getsockname()[1],
        seconds=Seconds(banner=0.3),
    )
    errors: list[str] = []

    def go() -> None:
        with pytest.raises(PoolUnreachable) as caught:
            shell.run(["true"])
        errors.append(str(caught.value))

    threads = [threading.Thread(target=go) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    silent.settimeout(0.2)
    assert connections(silent) == 1
    assert len(errors) == 6
    assert len(set(errors)) == 1


def connections(listening: socket.socket) -> int:
    count = 0
    while True:
        try:
            listening.accept()[0].close()
        except TimeoutError:
            return count
        count += 1


def test_a_frozen_sshd_is_noticed_also_by_who_only_listens(keys: dict[str, Path], open_shell: Open) -> None:
    with start(keys) as server:
        shell = open_shell(
            server, Identity((str(keys["ed25519"]),)), seconds=Seconds(probe=0.2, answer=0.5, banner=1.0)
        )
        follower = Follower(shell, "/tmp/log", 0)
        server.freeze()
        with pytest.raises(PoolUnreachable):
            wait_until(lambda: follower.read(0.2) and None, 60, "the freeze to be noticed")
        with pytest.raises(PoolUnreachable):
            shell.run(["true"])
        server.thaw()
        assert wait_until(lambda: _answers(shell), 60, "sshd to be back")


def _answers(shell: SshShell) -> bool:
    try:
        return says_hello(shell)
    except PoolUnreachable:
        return False


def test_a_connection_that_nobody_uses_is_closed_and_opened_at_need(
    sshd: Sshd, keys: dict[str, Path], open_shell: Open
) -> None:
    shell = open_shell(sshd, Identity((str(keys["ed25519"]),)), seconds=Seconds(idle=0.3, probe=0.1))
    closed = sshd.log.count("Received disconnect") + sshd.log.count("Connection closed by")
    assert says_hello(shell)
    wait_until(
        lambda: sshd.log.count("Received disconnect") + sshd.log.count("Connection closed by") > closed,
        60,
        "the idle connection to be closed",
    )
    assert says_hello(shell)


@pytest.mark.django_db(transaction=True)
def test_all_processes_together_log_in_as_often_as_the_scheduler_allows(
    keys: dict[str, Path],
) -> None:
    with start(keys) as server:
        row = create_scheduler("real", server.host, USER, private_key_path=str(keys["ed25519"]))
        row.port, row.host_key, row.logins_per_hour = server.port, server.host_key, 2
        row.save()
        for _ in range(2):
            shell = open_shell_of(account_of(row), counted(row))
            assert shell.run(["echo", "hello"]).text == "hello\n"
            shell.close()
        with pytest.raises(TooManyLogins, match="the 2 logins of this hour are used up"):
            open_shell_of(account_of(row), counted(row)).run(["true"])
        assert server.logins == 2


def test_a_login_that_is_not_granted_by_the_budget_is_not_tried(sshd: Sshd, keys: dict[str, Path]) -> None:
    def spent() -> None:
        raise PoolUnreachable("the logins of this hour are used up")

    tries, refused = sshd.logins, sshd.log.count("Failed publickey")
    shell = SshShell(address(sshd, Identity((str(keys["ed25519"]),))), spent)
    with pytest.raises(PoolUnreachable, match="used up"):
        shell.run(["true"])
    assert sshd.logins == tries
    assert sshd.log.count("Failed publickey") == refused
