"""How somebody outside proves that they may speak about a job.

A *capability* is a signature in the job's callback address: whoever has the address may say "look", no more.

A *report* says how a job is, so it is signed as a whole, with a key of the job's own: HMAC-SHA256 over
`<job>.<key's version>.<id>.<Unix seconds>.<body>`. Its time is believed for five minutes, its id once.
The key's version is `<attempt>.<replaced so often>`: a new attempt and `callbacks rotate` make it void.

Nothing here looks into the database, so a wrong signature is refused without it, whatever it is about.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare, salted_hmac

from jobs_app import conf

if TYPE_CHECKING:
    from django.http import HttpRequest

BELIEVED_SECONDS = 300
FALLBACK = "http://localhost:8000"

_LOOK = "roost.update-job-status"
_REPORT = "roost.report"
_VERSION = re.compile(r"[0-9]{1,9}\.[0-9]{1,9}")
_NONCE = re.compile(r"[A-Za-z0-9_.-]{1,64}")


def capability(job_id: int) -> str:
    return signing.Signer(salt=_LOOK).signature(str(job_id))


def is_capability(job_id: int, key: str) -> bool:
    wanted = (signing.Signer(key=each, salt=_LOOK).signature(str(job_id)) for each in _secrets())
    return sum(constant_time_compare(key, each) for each in wanted) > 0


def _secrets() -> Iterator[str]:
    """What signs now, and what has signed until lately."""
    yield settings.SECRET_KEY
    yield from settings.SECRET_KEY_FALLBACKS


def url(request: HttpRequest | None, job_id: int) -> str:
    """Where the job's scheduler or the job itself calls. The setting ROOST_PUBLIC_URL goes before the
    request's Host header, which its sender chooses."""
    path = f"{reverse('update-job-status', args=[job_id])}?key={capability(job_id)}"
    if conf.public_url() or request is None:
        return (conf.public_url() or FALLBACK) + path
    return request.build_absolute_uri(path)


def report_url(job_id: int) -> str:
    """Where signed reports go."""
    return (conf.public_url() or FALLBACK) + reverse("update-job-status", args=[job_id])


# --- reports ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Signed:
    """What stands beside a report, in the headers X-Roost-Key, -Id, -Timestamp and -Signature."""

    version: str
    nonce: str
    stamp: str
    signature: str

    @property
    def attempt(self) -> int:
        return int(self.version.partition(".")[0])


def version_of(attempt: int, replaced: int = 0) -> str:
    return f"{attempt}.{replaced}"


def report_key(job_id: int, version: str) -> str:
    """The job's own key: whoever has it may report for this job, and for no other."""
    return _report_key(job_id, version, settings.SECRET_KEY)


def _report_key(job_id: int, version: str, secret: str) -> str:
    return salted_hmac(_REPORT, f"{job_id}.{version}", secret=secret, algorithm="sha256").hexdigest()


def sign_report(job_id: int, version: str, nonce: str, stamp: str, body: bytes) -> str:
    return signature_with(report_key(job_id, version), job_id, version, nonce, stamp, body)


def signature_with(key: str, job_id: int, version: str, nonce: str, stamp: str, body: bytes) -> str:
    message = f"{job_id}.{version}.{nonce}.{stamp}.".encode() + body
    return hmac.new(key.encode(), message, hashlib.sha256).hexdigest()


def is_signed_report(job_id: int, signed: Signed, body: bytes) -> bool:
    if not (_VERSION.fullmatch(signed.version) and _NONCE.fullmatch(signed.nonce) and is_fresh(signed.stamp)):
        return False
    known = (_report_key(job_id, signed.version, secret) for secret in _secrets())
    said = (signed.version, signed.nonce, signed.stamp, body)
    wanted = [signature_with(key, job_id, *said) for key in known]
    return sum(constant_time_compare(signed.signature, each) for each in wanted) > 0


def is_fresh(stamp: str) -> bool:
    decimal = stamp.isascii() and stamp.isdecimal() and len(stamp) < 20
    return decimal and abs(time.time() - int(stamp)) <= BELIEVED_SECONDS
