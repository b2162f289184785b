from __future__ import annotations

import json
import socket
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from django.core import mail
from django.utils import timezone
from standardwebhooks import Webhook

from jobs_app.errors import Invalid
from jobs_app.models import Notice
from jobs_app.notices import preferences, sending, webhook
from jobs_app.notices.webhook import Undelivered


@pytest.fixture
def alice(alice):
    alice.email = "alice@example.org"
    alice.save()
    return alice


@pytest.fixture
def notice(alice):
    def make(channel: str = "email", **fields) -> Notice:
        given = {"subject": "Job 1 (cool): Complete", "content": {"event": "job.ended", "job": 1}, **fields}
        key = f"k{Notice.objects.count()}"
        return Notice.objects.create(key=key, user=alice, channel=channel, due=timezone.now(), **given)

    return make


class Receiver(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Taker)
        self.taken: list[tuple[dict, bytes]] = []
        self.status = 200


class Taker(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.taken.append((dict(self.headers), body))
        self.send_response(self.server.status)
        self.send_header("Location", "http://127.0.0.1:1/")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture
def receiver(settings):
    settings.ROOST_PRIVATE_WEBHOOKS = True
    server = Receiver()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def due_again() -> None:
    Notice.objects.update(due=timezone.now())


def test_an_email_goes_to_its_user_and_says_what_it_is(notice):
    notice()
    assert sending.deliver() == 1
    (sent,) = mail.outbox
    assert (sent.to, sent.subject) == (["alice@example.org"], "[Roost] Job 1 (cool): Complete")
    assert sent.extra_headers["Auto-Submitted"] == "auto-generated"
    assert Notice.objects.get().state == Notice.SENT
    assert sending.deliver() == 0


def test_a_webhook_is_signed_and_carries_the_same_id_at_each_try(notice, alice, receiver):
    secret = preferences.keep(alice, ["end"], webhook_url=f"http://127.0.0.1:{receiver.server_port}/x?y=1")
    notice("webhook")
    receiver.status = 500
    assert sending.deliver() == 0
    receiver.status = 204
    due_again()
    assert sending.deliver() == 1
    (first, _), (second, body) = receiver.taken
    assert first["webhook-id"] == second["webhook-id"] == json.loads(body)["id"]
    assert Webhook(secret).verify(body, second)["job"] == 1


def test_it_is_tried_less_and_less_often_and_given_up_with_its_reason(notice, alice, receiver):
    preferences.keep(alice, ["end"], webhook_url=f"http://127.0.0.1:{receiver.server_port}/")
    notice("webhook")
    receiver.status, pauses = 503, []
    while Notice.objects.get().state == Notice.WAITING:
        sending.deliver()
        pauses.append(round((Notice.objects.get().due - timezone.now()).total_seconds()))
        due_again()
    assert pauses[:3] == [10, 60, 300]
    assert len(pauses) == len(sending.PAUSES) + 1
    assert "503" in Notice.objects.get().error
    sending.try_again(Notice.objects.get())
    receiver.status = 200
    assert sending.deliver() == 1


def test_no_redirect_is_followed(notice, alice, receiver):
    preferences.keep(alice, ["end"], webhook_url=f"http://127.0.0.1:{receiver.server_port}/")
    notice("webhook")
    receiver.status = 307
    assert sending.deliver() == 0
    assert len(receiver.taken) == 1


def test_who_dies_while_sending_leaves_it_to_another_one_later(notice):
    row = notice()
    assert sending._claim(row)
    assert sending.deliver() == 0
    Notice.objects.update(due=timezone.now() - timedelta(seconds=1))
    assert sending.deliver() == 1


def test_two_workers_send_it_once(notice):
    row = notice()
    assert sending._claim(row)
    assert not sending._claim(row)


@pytest.mark.parametrize(
    "place",
    [
        *("127.0.0.1", "10.1.2.3", "192.168.0.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1"),
        *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:0:7f00:1::"),
    ],
)
def test_no_address_that_only_this_server_can_reach(place):
    assert not webhook.is_public(place)


def test_public_ones_are():
    assert webhook.is_public("1.1.1.1")
    assert webhook.is_public("2606:4700::1111")


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1", "127.1", "[::1]"])
def test_no_spelling_of_this_machine_gets_through(host):
    with pytest.raises(Undelivered):
        webhook.post(f"http://{host}:1/", b"", {})


def test_a_name_is_refused_if_one_of_its_addresses_is_private(monkeypatch):
    answers = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, 80)) for ip in ("1.1.1.1", "10.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers)
    with pytest.raises(Undelivered, match="not a public address") as error:
        webhook.post("http://chat.example/", b"", {})
    assert error.value.for_good


@pytest.mark.parametrize(
    "url",
    [
        *(
            "",
            "ftp://a/",
            "file:///etc/passwd",
            "http://",
            "http://u:p@a/",
            "http://a/\r\nX: y",
            "http://a b/",
        ),
        *("javascript:x", "http://é.example/", "http://a:99999/", "//a/", "http://[::1"),
    ],
)
def test_what_is_no_web_address_is_refused(url):
    with pytest.raises(Invalid):
        webhook.check(url)


def test_no_mail_server_is_said(notice, settings):
    settings.EMAIL_BACKEND, settings.EMAIL_HOST = "django.core.mail.backends.smtp.EmailBackend", ""
    notice()
    sending.deliver()
    row = Notice.objects.get()
    assert (row.state, "ROOST_EMAIL_URL" in row.error) == (Notice.DEAD, True)


def test_preferences_are_checked(alice, charlie):
    with pytest.raises(Invalid, match="nothing that one can be told of"):
        preferences.keep(alice, ["everything"])
    with pytest.raises(Invalid, match="no e-mail address"):
        preferences.keep(charlie, ["end"], email=True)


def test_a_secret_is_shown_once_and_stays_with_its_webhook(alice):
    first = preferences.keep(alice, ["end"], webhook_url="https://chat.example/1")
    assert first.startswith("whsec_")
    assert preferences.keep(alice, ["held"], webhook_url="https://chat.example/1") == ""
    assert preferences.secret_of(alice.pk) == first
    assert preferences.keep(alice, ["held"], webhook_url="https://chat.example/2") not in ("", first)
