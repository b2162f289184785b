"""The judge is the package that the receivers of Standard Webhooks use."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from jobs_app.notices import preferences, signing, webhook
from jobs_app.notices.webhook import Undelivered
from tests.servers import free_port, wait_for_port

BODY = b'{"subject": "B\xc3\xa4ume", "url": "http://x/jobs/1/"}'
OLD = "whsec_" + "k" * 43
DOCS = Path(__file__).resolve().parents[3] / "docs" / "notices.md"


def test_the_standard_s_own_package_accepts_what_is_signed():
    for _ in range(20):
        secret = signing.new_secret()
        said = Webhook(secret).verify(BODY, signing.headers(secret, "msg_1", BODY))
        assert said["subject"] == "B\u00e4ume"


def test_it_refuses_another_body_another_id_and_another_secret():
    secret = signing.new_secret()
    headers = signing.headers(secret, "msg_1", BODY)
    wrong = [
        (secret, BODY + b" ", headers),
        (secret, BODY, {**headers, "webhook-id": "msg_2"}),
        (signing.new_secret(), BODY, headers),
    ]
    for key, body, known in wrong:
        with pytest.raises(WebhookVerificationError, match="No matching signature"):
            Webhook(key).verify(body, known)


def test_a_secret_is_32_random_bytes_in_padded_base64():
    first, second = signing.new_secret(), signing.new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"), validate=True)) == 32


@pytest.mark.parametrize("old", [OLD, "whsec_" + "-_" * 21 + "k"])
def test_a_secret_of_the_old_form_is_the_key_as_it_stands(old):
    headers = signing.headers(old, "msg_1", BODY)
    text = f"msg_1.{headers['webhook-timestamp']}.".encode() + BODY
    digest = hmac.new(old.encode(), text, hashlib.sha256).digest()
    assert headers["webhook-signature"] == f"v1,{base64.b64encode(digest).decode()}"
    assert not signing.follows_the_standard(old)


def test_who_has_no_webhook_gets_no_secret(alice):
    assert preferences.keep(alice, ["end"], new_secret=True) == ""
    assert not preferences.has_old_secret(alice.pk)


@pytest.fixture
def receiver(tmp_path: Path, settings) -> Iterator[tuple[str, str, subprocess.Popen[str]]]:
    """The program of the documentation, as typed: its address, its secret, itself."""
    settings.ROOST_PRIVATE_WEBHOOKS = True
    (program,) = re.findall(r"^```python\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    (tmp_path / "receiver.py").write_text(program)
    port, secret = free_port(), signing.new_secret()
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, tmp_path / "receiver.py"],
            env={**os.environ, "PORT": str(port), "WEBHOOK_SECRET": secret},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    wait_for_port(port, process, tmp_path / "log")
    yield f"http://127.0.0.1:{port}/", secret, process
    process.kill()
    process.communicate()


def test_the_receiver_of_the_documentation_takes_ours_and_no_others(receiver):
    address, secret, process = receiver
    with pytest.raises(Undelivered, match="401"):
        webhook.post(address, BODY, signing.headers(OLD, "msg_1", BODY))
    webhook.post(address, BODY, signing.headers(secret, "msg_1", BODY))
    assert process.stdout.readline() == "B\u00e4ume http://x/jobs/1/\n"
