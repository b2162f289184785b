from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paramiko
import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)

from jobs_app import secrets
from jobs_app.lifecycle import checkups
from jobs_app.models import Attempt, Job, Scheduler
from jobs_app.pools.base import AccessDenied, PoolUnreachable
from jobs_app.pools.findings import FAIL, OK, WARN, Finding
from jobs_app.pools.shell import connecting

from .conftest import Said, manage

pytestmark = pytest.mark.django_db

PASSWORD, PASSPHRASE = "open sesame 42", "the owl flies at noon"


def private_key(passphrase: str = "") -> str:
    """As ssh-keygen writes it."""
    lock = BestAvailableEncryption(passphrase.encode()) if passphrase else NoEncryption()
    key = Ed25519PrivateKey.generate()
    return key.private_bytes(Encoding.PEM, PrivateFormat.OpenSSH, lock).decode()


KEY, LOCKED = private_key(), private_key(PASSPHRASE)


class Pipe(io.StringIO):
    """Standard input that is no terminal."""

    def isatty(self) -> bool:
        return False


@pytest.fixture(autouse=True)
def pipe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Pipe())


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> dict[str, paramiko.PKey]:
    """What each host shows; a host that is not there is out of reach."""
    shows: dict[str, paramiko.PKey] = {"ruby.example": paramiko.RSAKey.generate(1024)}

    def shown_key(address: Any) -> paramiko.PKey:
        if address.host not in shows:
            raise PoolUnreachable(f"{address}: nobody is there")
        return shows[address.host]

    monkeypatch.setattr(connecting, "shown_key", shown_key)
    return shows


def mark(key: paramiko.PKey) -> str:
    return connecting.fingerprint(key)


def add(*words: str) -> Said:
    return manage("schedulers", "add", "ruby", "--host", "ruby.example", "--no-check", *words)


def ruby() -> Scheduler:
    return Scheduler.objects.get(name="ruby")


# --- add ------------------------------------------------------------------------------------------------


def test_one_is_added_with_all_that_was_said(host: dict[str, paramiko.PKey], tmp_path: Path) -> None:
    key = str(tmp_path / "a")
    Path(key).write_text(KEY)
    said = add(
        *("--user", "alice", "--port", "2222", "--key", key, "--certificate", f"{key}-cert.pub"),
        *("--agent", "--root", "/scratch/roost", "--fingerprint", mark(host["ruby.example"])),
    )
    assert said.code == 0, said
    found = ruby()
    assert (found.host, found.username, found.port) == ("ruby.example", "alice", 2222)
    assert (found.private_key_path, found.certificate_path) == (key, f"{key}-cert.pub")
    assert (found.use_agent, found.remote_root) == (True, "/scratch/roost")
    assert found.host_key == connecting.as_pinned(host["ruby.example"])
    assert mark(host["ruby.example"]) in said.out


def test_secrets_come_through_a_pipe_and_appear_nowhere(
    host: dict[str, paramiko.PKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", Pipe(f"{PASSWORD}\n{PASSPHRASE}\n{LOCKED}"))
    prompts = ["--password-prompt", "--passphrase-prompt", "--key-prompt"]
    said = add(*prompts, "--accept-host-key")
    found = ruby()
    opened = [found.password.reveal(), found.private_key_pass.reveal(), found.private_key.reveal()]
    assert opened == [PASSWORD, PASSPHRASE, LOCKED]
    listed = manage("schedulers", "list", "--json")
    for text in (said.out, said.err, listed.out, manage("schedulers", "list").out, repr(vars(found))):
        assert [secret for secret in (PASSWORD, PASSPHRASE, LOCKED.splitlines()[1]) if secret in text] == []
    assert json.loads(listed.out)[1]["secrets"] == ["password", "private_key", "private_key_pass"]


def test_no_option_takes_a_secret_as_its_value(host: dict[str, paramiko.PKey]) -> None:
    said = add("--password-prompt=hunter2", "--accept-host-key")
    assert said.code != 0
    assert not Scheduler.objects.filter(name="ruby").exists()


def at_a_terminal(monkeypatch: pytest.MonkeyPatch, answers: list[str], secret: str = "") -> list[str]:
    """A person who answers this, in turn; what they are asked."""
    asked: list[str] = []
    rest: Iterator[str] = iter(answers)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: asked.append(question) or next(rest))
    monkeypatch.setattr("getpass.getpass", lambda question: asked.append(question) or secret)
    return asked


def test_a_person_is_asked_for_what_is_missing(
    host: dict[str, paramiko.PKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = at_a_terminal(monkeypatch, ["ruby", "ruby.example", "2222", "alice", "", "yes", "yes"], PASSWORD)
    assert manage("schedulers", "add", "--no-check").code == 0
    found = ruby()
    assert (found.port, found.username, found.password.reveal()) == (2222, "alice", PASSWORD)
    assert found.host_key == connecting.as_pinned(host["ruby.example"])
    assert len(asked) == 8
    assert "administrator has told you" in asked[-1]


def test_a_person_who_names_the_host_is_asked_for_the_rest(
    host: dict[str, paramiko.PKey], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(LOCKED)
    (tmp_path / "key.pub").write_text("ssh-ed25519 AAAA alice")
    answers = ["alice", str(tmp_path / "kye"), str(tmp_path / "key.pub"), str(tmp_path / "key"), "yes"]
    asked = at_a_terminal(monkeypatch, answers, PASSPHRASE)
    assert add().code == 0
    found = ruby()
    assert (found.username, found.private_key_path) == ("alice", str(tmp_path / "key"))
    assert found.private_key_pass.reveal() == PASSPHRASE
    assert len([question for question in asked if "Path of its private key" in question]) == 3


def test_who_names_host_user_and_key_is_asked_about_the_host_key_only(
    host: dict[str, paramiko.PKey], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(KEY)
    asked = at_a_terminal(monkeypatch, ["y"])
    assert add("--user", "alice", "--key", str(tmp_path / "key")).code == 0
    assert len(asked) == 1


@pytest.mark.parametrize(
    "told",
    [
        "{mark}",
        "{bare}",
        "2048 {mark} root@ruby (RSA)",
        "ruby.example {pinned}",
        "{pinned} root@ruby",
        " {mark}= ",
    ],
)
def test_a_fingerprint_as_tools_print_it_is_an_answer(
    told: str, host: dict[str, paramiko.PKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    key = host["ruby.example"]
    text = told.format(mark=mark(key), bare=mark(key)[7:], pinned=connecting.as_pinned(key))
    at_a_terminal(monkeypatch, ["", "no", text])
    assert add("--user", "alice").code == 0
    assert ruby().host_key == connecting.as_pinned(key)


def test_a_fingerprint_of_another_key_pins_nothing(
    host: dict[str, paramiko.PKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    other = mark(paramiko.RSAKey.generate(1024))
    at_a_terminal(monkeypatch, ["", "no", f"2048 {other} root@ruby (RSA)"])
    said = add("--user", "alice")
    assert (said.code, other in said.err, "ssh-keygen -lf" in said.err) == (1, True, True)
    assert not Scheduler.objects.filter(name="ruby").exists()


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("nothing", None, "There is no file"),
        ("notes", "my notes", "no private key as OpenSSH writes it"),
        ("key.pub", "ssh-ed25519 AAAA alice", "/key the private one?"),
        ("locked", LOCKED, "--passphrase-prompt"),
        ("damaged", KEY.replace("b3Bl", "XXXX"), "is damaged"),
    ],
)
def test_a_file_that_lets_nobody_in_is_no_key(
    name: str, text: str | None, words: str, host: dict[str, paramiko.PKey], tmp_path: Path
) -> None:
    path = tmp_path / name
    if text is not None:
        path.write_text(text)
    said = add("--key", str(path), "--accept-host-key")
    assert (said.code, words in said.err) == (2, True), said
    assert not Scheduler.objects.filter(name="ruby").exists()
    add("--accept-host-key")
    said = manage("schedulers", "edit", "ruby", "--key", str(path))
    assert (said.code, words in said.err) == (2, True), said
    assert ruby().private_key_path == ""


def test_a_key_is_named_as_others_find_it(
    host: dict[str, paramiko.PKey], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text(KEY)
    monkeypatch.chdir(tmp_path)
    assert add("--key", "key", "--accept-host-key").code == 0
    assert ruby().private_key_path == str(tmp_path / "key")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert manage("schedulers", "edit", "ruby", "--key", "~/key").code == 0
    assert ruby().private_key_path == str(tmp_path / "key")


@pytest.mark.parametrize(
    ("host_name", "cure"),
    [
        ("alice@ruby.example", "--host ruby.example --user alice"),
        ("ruby.example:2222", "--host ruby.example --port 2222"),
        ("alice@ruby.example:2222", "--host ruby.example --user alice --port 2222"),
    ],
)
def test_a_host_is_a_name_alone(host_name: str, cure: str) -> None:
    said = manage("schedulers", "add", "ruby", "--host", host_name, "--accept-host-key")
    assert (said.code, cure in said.err) == (2, True), said


def test_an_address_of_the_new_kind_is_a_host(host: dict[str, paramiko.PKey]) -> None:
    host["fe80::1"] = host["ruby.example"]
    said = manage("schedulers", "add", "ruby", "--host", "fe80::1", "--accept-host-key", "--no-check")
    assert (said.code, ruby().host) == (0, "fe80::1")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["schedulers", "add"], "A name is missing"),
        (["schedulers", "add", "ruby"], "--host is missing"),
        (["schedulers", "add", "embedded", "--host", "x"], "a scheduler 'embedded' already"),
        (["schedulers", "add", "ruby", "--host", "ruby.example", "--port", "70000"], "70000 is no port"),
        (
            ["schedulers", "add", "ruby", "--host", "ruby.example", "--password-prompt"],
            "Nothing was given for",
        ),
        (["schedulers", "edit", "ruby", "--port", "1"], "'ruby' is not"),
        (["schedulers", "edit", "embedded", "--port", "1"], "not reached over SSH"),
        (["schedulers", "remove", "embedded"], "always there"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], message: str, host: dict[str, paramiko.PKey]) -> None:
    said = manage(*words)
    assert said.code == 2
    assert message in said.err


def test_without_somebody_who_vouches_for_the_host_key_nothing_is_kept(
    host: dict[str, paramiko.PKey],
) -> None:
    said = add()
    assert said.code == 2
    assert f"--fingerprint {mark(host['ruby.example'])}" in said.err
    assert not Scheduler.objects.filter(name="ruby").exists()


def test_a_host_that_is_out_of_reach_is_said_and_nothing_is_kept(host: dict[str, paramiko.PKey]) -> None:
    host.clear()
    said = add("--accept-host-key")
    assert (said.code, "nobody is there" in said.err) == (1, True)
    assert "Are host and port right" in said.err
    assert "ssh -v -p 22 ruby.example" in said.err
    assert not Scheduler.objects.filter(name="ruby").exists()


def test_the_keys_of_jump_hosts_are_pinned_in_their_order(host: dict[str, paramiko.PKey]) -> None:
    host["gate"], host["inner"] = paramiko.RSAKey.generate(1024), paramiko.RSAKey.generate(1024)
    marks = [word for key in host.values() for word in ("--fingerprint", mark(key))]
    assert add("--jump", "me@gate:2022,inner", *marks).code == 0
    pinned = [connecting.as_pinned(host[name]) for name in ("gate", "inner")]
    assert ruby().jump_host_key.splitlines() == pinned


def test_a_schedd_on_this_machine_needs_no_key() -> None:
    assert manage("schedulers", "add", "here", "--host", "", "--no-check").code == 0
    assert manage("schedulers", "list").rows[1][:4] == [
        "here",
        "condor",
        "the schedd on this machine",
        "ready",
    ]


# --- list -----------------------------------------------------------------------------------------------


def test_the_list_says_where_and_why_nothing_is_sent(host: dict[str, paramiko.PKey]) -> None:
    add("--user", "alice", "--accept-host-key")
    assert manage("schedulers", "list").rows[1][2:4] == ["alice@ruby.example:22", "ready"]
    Scheduler.objects.filter(name="ruby").update(paused="ruby shows another host key", paused_by="access")
    assert manage("schedulers", "list").rows[1][3] == "paused: ruby shows another host key"


# --- edit -----------------------------------------------------------------------------------------------


def test_a_change_keeps_what_is_not_said_secrets_too(host: dict[str, paramiko.PKey]) -> None:
    add("--user", "alice", "--accept-host-key")
    Scheduler.objects.filter(name="ruby").update(password=PASSWORD, courier="here:1:2:3")
    before = ruby()
    assert manage("schedulers", "edit", "ruby", "--user", "bob").code == 0
    after = ruby()
    assert (after.username, after.password.reveal(), after.courier) == ("bob", PASSWORD, "here:1:2:3")
    assert after.host_key == before.host_key


def test_another_host_is_pinned_before_it_is_kept(host: dict[str, paramiko.PKey]) -> None:
    add("--accept-host-key")
    host["opal.example"] = paramiko.RSAKey.generate(1024)
    assert manage("schedulers", "edit", "ruby", "--host", "opal.example").code == 2
    assert ruby().host == "ruby.example"
    said = manage("schedulers", "edit", "ruby", "--host", "opal.example", "--accept-host-key")
    assert said.code == 0
    assert ruby().host_key == connecting.as_pinned(host["opal.example"])


def test_a_changed_host_key_is_pinned_by_a_person_and_then_it_is_tried_again(
    host: dict[str, paramiko.PKey],
) -> None:
    add("--accept-host-key")
    stopped = {"paused": "another host key", "paused_by": "access", "failures": 1}
    Scheduler.objects.filter(name="ruby").update(**stopped)
    host["ruby.example"] = paramiko.RSAKey.generate(1024)
    new = mark(host["ruby.example"])
    assert manage("schedulers", "edit", "ruby", "--host-key", "--fingerprint", "SHA256:other").code == 1
    assert ruby().paused == "another host key"
    assert manage("schedulers", "edit", "ruby", "--host-key", "--fingerprint", new).code == 0
    found = ruby()
    assert found.host_key == connecting.as_pinned(host["ruby.example"])
    assert (found.paused, found.paused_by, found.failures) == ("", "", 0)


def test_what_an_administrator_paused_stays_paused(host: dict[str, paramiko.PKey]) -> None:
    add("--accept-host-key")
    Scheduler.objects.filter(name="ruby").update(paused="new disks", paused_by="hand")
    assert manage("schedulers", "edit", "ruby", "--user", "bob").code == 0
    assert ruby().paused == "new disks"


def test_a_secret_that_no_key_opens_any_more_is_given_again(
    host: dict[str, paramiko.PKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    add("--accept-host-key")
    Scheduler.objects.filter(name="ruby").update(password=secrets.Secret("gAAAAA-lost"))
    monkeypatch.setattr("sys.stdin", Pipe(f"{PASSWORD}\n"))
    assert manage("schedulers", "edit", "ruby", "--password-prompt").code == 0
    assert ruby().password.reveal() == PASSWORD


def test_a_secret_is_forgotten_when_it_is_said(host: dict[str, paramiko.PKey]) -> None:
    add("--accept-host-key")
    Scheduler.objects.filter(name="ruby").update(password=PASSWORD, private_key=KEY)
    assert manage("schedulers", "edit", "ruby", "--forget", "password").code == 0
    assert (bool(ruby().password), ruby().private_key.reveal()) == (False, KEY)


# --- remove ---------------------------------------------------------------------------------------------


def test_one_that_no_job_ran_on_is_removed(host: dict[str, paramiko.PKey]) -> None:
    add("--accept-host-key")
    assert manage("schedulers", "remove", "ruby").code == 0
    assert not Scheduler.objects.filter(name="ruby").exists()


def test_one_with_jobs_stays(host: dict[str, paramiko.PKey], make_job: Any) -> None:
    add("--accept-host-key")
    job: Job = make_job("one")
    Attempt.objects.create(job=job, number=1, token="a" * 32, scheduler=ruby())
    said = manage("schedulers", "remove", "ruby")
    assert (said.code, "1 attempts of jobs" in said.err) == (5, True)
    assert ruby()


# --- rotate-key -----------------------------------------------------------------------------------------


def test_all_secrets_are_sealed_with_a_new_key(host: dict[str, paramiko.PKey]) -> None:
    add("--accept-host-key")
    Scheduler.objects.filter(name="ruby").update(password=PASSWORD, private_key=KEY)
    before, key = ruby().password.sealed, secrets.keys()[0]
    assert "2 secrets are sealed" in manage("schedulers", "rotate-key").out
    secrets.file().write_text(secrets.keys()[0])  # the new one alone opens them
    assert secrets.keys() != [key]
    assert ruby().password.sealed != before
    assert (ruby().password.reveal(), ruby().private_key.reveal()) == (PASSWORD, KEY)


def test_a_key_of_the_settings_is_exchanged_for_the_one_that_was_put_first(
    host: dict[str, paramiko.PKey], settings: Any
) -> None:
    old, new = Fernet.generate_key().decode(), Fernet.generate_key().decode()
    settings.ROOST_SECRETS_KEY = old
    add("--accept-host-key")
    Scheduler.objects.filter(name="ruby").update(password=PASSWORD)
    settings.ROOST_SECRETS_KEY = f"{new},{old}"
    assert manage("schedulers", "rotate-key").code == 0
    settings.ROOST_SECRETS_KEY = new
    assert ruby().password.reveal() == PASSWORD


def test_where_one_secret_cannot_be_opened_none_is_changed(host: dict[str, paramiko.PKey]) -> None:
    add("--accept-host-key")
    Scheduler.objects.filter(name="ruby").update(password=PASSWORD)
    Scheduler.objects.create(name="zircon", password=PASSWORD)
    Scheduler.objects.filter(name="zircon").update(password=secrets.Secret("gAAAAA-lost"))
    before = ruby().password.sealed
    said = manage("schedulers", "rotate-key")
    assert (said.code, "cannot be opened" in said.err) == (1, True)
    assert ruby().password.sealed == before


# --- check ----------------------------------------------------------------------------------------------


def checked(monkeypatch: pytest.MonkeyPatch, *found: Finding) -> Said:
    answer = {"findings": [vars(finding) for finding in found]}
    monkeypatch.setattr(checkups.errands, "ask", lambda *_, **__: answer)
    Scheduler.objects.create(name="ruby", host="ruby.example")
    return manage("schedulers", "check", "ruby", "--no-job")


def test_a_finding_is_a_line_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    slow = Finding(WARN, "own name", "is found\nonly after 5000 ms", "Put it into /etc/hosts.")
    said = checked(monkeypatch, Finding(OK, "schedd", "answers"), slow)
    assert said.out.splitlines() == [
        "ok   schedd: answers",
        "warn own name: is found only after 5000 ms -> Put it into /etc/hosts.",
    ]
    assert said.code == 0


def test_commands_to_be_typed_name_the_scheduler(monkeypatch: pytest.MonkeyPatch) -> None:
    said = checked(monkeypatch, Finding(FAIL, "folder", "is not there", "Give schedulers edit NAME --root."))
    assert said.out == "fail folder: is not there -> Give schedulers edit ruby --root.\n"


def test_who_is_not_let_in_reads_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: Any, **__: Any) -> None:
        raise AccessDenied("ruby does not let us in.")

    monkeypatch.setattr(checkups.errands, "ask", ask)
    Scheduler.objects.create(name="ruby", host="ruby.example")
    said = manage("schedulers", "check", "ruby")
    assert (said.code, "schedulers edit ruby --user, --key" in said.out) == (1, True)


def test_the_exit_code_says_that_something_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checked(monkeypatch, Finding(FAIL, "schedd", "does not answer", "Ask.")).code == 1


def test_the_embedded_one_has_nothing_to_reach() -> None:
    said = manage("schedulers", "check", "embedded")
    assert (said.code, said.out.startswith("ok ")) == (0, True)
