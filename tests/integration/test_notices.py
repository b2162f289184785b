"""Notices on their way to a real mail server and a real listener, while who sends them is killed."""

from __future__ import annotations

import json
import mailbox
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from email.message import Message
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from jobs_app.models import Notice
from jobs_app.notices import preferences, sending
from tests.servers import free_port, wait_for_port
from tests.unit.notices.test_sending import Receiver
from tests.unit.notices.test_sending import receiver as receiver

ROOT = Path(__file__).resolve().parents[2]
MANY, DEATHS = 60, 4
PATIENCE = 120.0
LOOP = """
import django
django.setup()
from jobs_app.notices.sending import deliver
while True:
    deliver()
"""


class MailServer:
    def __init__(self, folder: Path) -> None:
        self.port, self.folder = free_port(), folder / "mail"
        log = (folder / "smtp.log").open("wb")
        listen = ["-n", "-l", f"127.0.0.1:{self.port}"]
        command = [sys.executable, "-W", "ignore", "-m", "aiosmtpd", *listen]
        handler = ["-c", "aiosmtpd.handlers.Mailbox", str(self.folder)]
        self.process = subprocess.Popen([*command, *handler], stdout=log, stderr=log)
        log.close()
        wait_for_port(self.port, self.process, folder / "smtp.log")

    @property
    def got(self) -> list[Message]:
        return list(mailbox.Maildir(self.folder, create=False))

    def end(self) -> None:
        self.process.kill()
        self.process.wait(60)


@pytest.fixture
def mail(tmp_path: Path, settings: Any) -> Iterator[MailServer]:
    server = MailServer(tmp_path)
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
    yield server
    server.end()


@pytest.fixture
def alice(transactional_db: None, alice: Any) -> Any:
    alice.email = "alice@example.org"
    alice.save()
    return alice


def waiting(alice: Any, channel: str, number: int = MANY) -> set[str]:
    """Their ids."""
    rows = [
        Notice(key=f"{channel}{n}", user=alice, channel=channel, subject=f"Job {n}", due=timezone.now())
        for n in range(number)
    ]
    return {sending.identity(row) for row in Notice.objects.bulk_create(rows)}


def test_a_real_mail_server_takes_one(mail: MailServer, alice: Any) -> None:
    (name,) = waiting(alice, "email", 1)
    Notice.objects.update(subject="Job 1 (Bäume): Complete", content={"url": "http://x/jobs/1/"})
    assert sending.deliver() == 1
    (letter,) = mail.got
    assert (letter["To"], letter["Message-ID"]) == ("alice@example.org", f"<{name}@roost>")
    assert letter["Auto-Submitted"] == "auto-generated"
    assert "http://x/jobs/1/" in letter.get_payload()


def test_a_mail_server_that_is_away_gets_it_when_it_is_back(
    mail: MailServer, alice: Any, settings: Any
) -> None:
    waiting(alice, "email", 1)
    settings.EMAIL_PORT = free_port()
    assert sending.deliver() == 0
    row = Notice.objects.get()
    assert (row.state, row.tries, "mail server" in row.error) == (Notice.WAITING, 1, True)
    settings.EMAIL_PORT = mail.port
    Notice.objects.update(due=timezone.now())
    assert sending.deliver() == 1


@pytest.mark.parametrize(("code", "state"), [(550, Notice.DEAD), (451, Notice.WAITING)])
def test_who_is_refused_for_good_is_not_tried_again(
    mail: MailServer, alice: Any, code: int, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import smtplib

    def rcpt(*_: object, **__: object) -> tuple[int, bytes]:
        return code, b"no such mailbox"

    monkeypatch.setattr(smtplib.SMTP, "rcpt", rcpt)
    waiting(alice, "email", 1)
    assert sending.deliver() == 0
    row = Notice.objects.get()
    assert (row.state, "no such mailbox" in row.error) == (state, True)


def sender(home: Path, port: int) -> subprocess.Popen[bytes]:
    """Another process, which sends until it is killed."""
    named = connection.settings_dict["NAME"]
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "ROOST_HOME": str(home),
        "ROOST_PRIVATE_WEBHOOKS": "1",
        "ROOST_EMAIL_URL": f"smtp://127.0.0.1:{port}",
    }
    if connection.vendor == "sqlite":
        code = f"import config.settings as s; s.DATABASES['default']['NAME'] = {str(named)!r}\n" + LOOP
    else:
        code = f"import config.settings as s; s.DATABASES['default']['NAME'] = {named!r}\n" + LOOP
    return subprocess.Popen([sys.executable, "-c", code], env=environment, cwd=ROOT)


def kill_again_and_again(start: Callable[[], subprocess.Popen[bytes]], arrived: Callable[[], int]) -> None:
    """Each is killed at another moment of its work; the last one may finish."""
    chance = random.Random(7)
    for _ in range(DEATHS):
        before = arrived()
        process = start()
        try:
            until(lambda: arrived() > before or not left())  # noqa: B023 - it is called in this round
            time.sleep(chance.uniform(0, 0.05))
        finally:
            process.kill()
            process.wait(60)
        Notice.objects.filter(state=Notice.WAITING).update(due=timezone.now())  # as if minutes had passed
    process = start()
    try:
        until(lambda: not left())
    finally:
        process.kill()
        process.wait(60)


def left() -> int:
    return Notice.objects.filter(state=Notice.WAITING).count()


def until(done: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_kill_9_of_who_sends_webhooks_loses_none(receiver: Receiver, alice: Any, home: Path) -> None:
    """Twice at most those that were on their way at a death, and then under the same id."""
    preferences.keep(alice, ["end"], webhook_url=f"http://127.0.0.1:{receiver.server_port}/")
    wanted = waiting(alice, "webhook")
    kill_again_and_again(lambda: sender(home, 1), lambda: len(receiver.taken))
    got = Counter(json.loads(body)["id"] for _, body in receiver.taken)
    assert set(got) == wanted
    assert sum(got.values()) <= MANY + DEATHS
    assert set(Notice.objects.values_list("state", flat=True)) == {Notice.SENT}


def test_kill_9_of_who_sends_mail_loses_none(mail: MailServer, alice: Any, home: Path) -> None:
    wanted = waiting(alice, "email")
    kill_again_and_again(lambda: sender(home, mail.port), lambda: len(mail.got))
    got = Counter(letter["Message-ID"].strip("<>").removesuffix("@roost") for letter in mail.got)
    assert set(got) == wanted
    assert sum(got.values()) <= MANY + DEATHS
