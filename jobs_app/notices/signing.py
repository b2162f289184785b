"""How what goes to a webhook is signed: as Standard Webhooks says (www.standardwebhooks.com), so that whoever
receives it may use a package of theirs.

A secret is "whsec_" and the base64 of the key. Ours were not always so: the first ones had no padding, and
their whole text was the key. Those go on as they are, since the receivers know them, until their owner makes
a new one.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
import time

PREFIX = "whsec_"
BYTES = 32  # of a key; the standard asks for 24 to 64


def new_secret() -> str:
    return PREFIX + base64.b64encode(secrets.token_bytes(BYTES)).decode()


def follows_the_standard(secret: str) -> bool:
    return _decoded(secret) is not None


def headers(secret: str, name: str, body: bytes) -> dict[str, str]:
    stamp = str(int(time.time()))
    digest = hmac.new(_key(secret), f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Roost",
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _key(secret: str) -> bytes:
    return _decoded(secret) or secret.encode()


def _decoded(secret: str) -> bytes | None:
    """None of the first ones: 43 letters without padding are no base64."""
    if not secret.startswith(PREFIX):
        return None
    try:
        return base64.b64decode(secret.removeprefix(PREFIX), validate=True) or None
    except binascii.Error:
        return None
