"""Places that are slow, false, or lost: they hold up nobody else's notices."""

from __future__ import annotations

import datetime
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from django.utils import timezone

from jobs_app.models import Notice
from jobs_app.notices import preferences, sending, webhook
from jobs_app.notices.webhook import Undelivered
from tests.unit.notices.test_sending import Receiver

ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"


@contextmanager
def listening(serve: Callable[[socket.socket], None]) -> Iterator[int]:
    """One connection is served."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def work() -> None:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                serve(connection)

        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        with socket.socket() as last:  # if nobody came
            last.connect_ex(server.getsockname())
        thread.join(60)
        assert not thread.is_alive()


@pytest.fixture(autouse=True)
def may_be_private(settings):
    settings.ROOST_PRIVATE_WEBHOOKS = True


# --- who sends a byte now and then ------------------------------------------------------------------------


def test_an_answer_that_never_ends_is_cut(monkeypatch):
    monkeypatch.setattr(webhook, "IN_ALL", 0.5)

    def drip(connection: socket.socket) -> None:
        try:
            while True:
                connection.sendall(b"H")
                time.sleep(0.05)
        except OSError:
            return

    begun = time.monotonic()
    with listening(drip) as port, pytest.raises(Undelivered, match="cannot be reached"):
        webhook.post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert time.monotonic() - begun < 30


def test_what_is_in_time_is_not_cut(monkeypatch):
    def answer(connection: socket.socket) -> None:
        connection.recv(65536)
        connection.sendall(ANSWER)

    with listening(answer) as port:
        webhook.post(f"http://127.0.0.1:{port}/", b"{}", {})
    assert not [thread for thread in threading.enumerate() if isinstance(thread, threading.Timer)]


# --- https ------------------------------------------------------------------------------------------------


def certificate(folder: Path, *names: str) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(each)) if each[0].isdigit() else x509.DNSName(each)
        for each in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = folder / f"{names[0]}.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@contextmanager
def over_https(path: Path) -> Iterator[Receiver]:
    server = Receiver()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # who hangs up is no error here
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


class TestHttps:
    def test_a_certificate_that_nobody_vouches_for_is_refused(self, tmp_path):
        with over_https(certificate(tmp_path, "127.0.0.1")) as server:
            with pytest.raises(Undelivered, match="certificate") as error:
                webhook.post(f"https://127.0.0.1:{server.server_port}/", b"SECRET", {})
            assert server.taken == []
        assert not error.value.for_good

    def test_one_that_is_vouched_for_is_taken(self, tmp_path, monkeypatch):
        path = certificate(tmp_path, "127.0.0.1")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with over_https(path) as server:
            webhook.post(f"https://127.0.0.1:{server.server_port}/hook?a=b", b"{}", {"X": "1"})
            ((headers, body),) = server.taken
        assert (headers["Host"], headers["X"], body) == (f"127.0.0.1:{server.server_port}", "1", b"{}")

    def test_one_of_another_name_is_refused(self, tmp_path, monkeypatch):
        path = certificate(tmp_path, "other.example")
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        with over_https(path) as server:
            with pytest.raises(Undelivered, match="certificate"):
                webhook.post(f"https://127.0.0.1:{server.server_port}/", b"SECRET", {})
            assert server.taken == []


# --- fairness ---------------------------------------------------------------------------------------------


def waiting(user, number: int, since: float = 0.0) -> None:
    now = timezone.now() - datetime.timedelta(seconds=since)
    Notice.objects.bulk_create(
        Notice(key=f"{user}{n}", user=user, channel="webhook", subject=str(n), due=now) for n in range(number)
    )


def test_one_who_takes_none_holds_up_nobody_else(alice, bob, monkeypatch):
    preferences.keep(alice, ["end"], webhook_url="http://dead.example/")
    preferences.keep(bob, ["end"], webhook_url="http://good.example/")
    asked = []

    def post(url: str, *_: object) -> None:
        asked.append(url)
        if "dead" in url:
            raise Undelivered("no route to host")

    monkeypatch.setattr(webhook, "post", post)
    waiting(alice, 200, since=100)
    waiting(bob, 3)
    assert sending.deliver() == 3
    assert asked.count("http://dead.example/") == 1
    assert Notice.objects.filter(user=alice, state="waiting", tries=0).count() == 199
    sending.deliver()
    assert asked.count("http://dead.example/") == 1  # the others wait, too
    Notice.objects.update(due=timezone.now())
    monkeypatch.setattr(webhook, "post", lambda *_: None)
    while sending.deliver():
        pass
    assert set(Notice.objects.values_list("state", flat=True)) == {"sent"}


def test_one_who_has_very_many_does_not_go_before_all_others(alice, bob, monkeypatch):
    for user in (alice, bob):
        preferences.keep(user, ["end"], webhook_url=f"http://{user}.example/")
    asked = []
    monkeypatch.setattr(webhook, "post", lambda url, *_: asked.append(url))
    waiting(alice, 100, since=100)
    waiting(bob, 1)
    sending.deliver()
    assert "http://bob.example/" in asked
    assert len(asked) == sending.TO_EACH + 1
