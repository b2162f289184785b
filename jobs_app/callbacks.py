"""How somebody outside proves that they may speak about a job.

A *capability* is a signature in the job's callback address: whoever has the address may say "look", no more.
A *report* of an EXTERNAL job says what its state is, so it is signed as a whole: HMAC-SHA256 with the job's
own key over `<id>.<Unix seconds>.<body>`. It is believed for five minutes.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from typing import TYPE_CHECKING

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


def capability(job_id: int) -> str:
    return signing.Signer(salt=_LOOK).signature(str(job_id))


def is_capability(job_id: int, key: str) -> bool:
    return constant_time_compare(key, capability(job_id))


def url(request: HttpRequest | None, job_id: int) -> str:
    """Where the job's scheduler or the job itself calls. The setting ROOST_PUBLIC_URL goes before the
    request's Host header, which its sender chooses."""
    path = f"{reverse('update-job-status', args=[job_id])}?key={capability(job_id)}"
    if conf.public_url() or request is None:
        return (conf.public_url() or FALLBACK) + path
    return request.build_absolute_uri(path)


def report_key(job_id: int) -> str:
    """The job's own key: whoever has it may report for this job, and for no other."""
    return salted_hmac(_REPORT, str(job_id), algorithm="sha256").hexdigest()


def sign_report(job_id: int, stamp: str, body: bytes) -> str:
    message = f"{job_id}.{stamp}.".encode() + body
    return hmac.new(report_key(job_id).encode(), message, hashlib.sha256).hexdigest()


def is_signed_report(job_id: int, stamp: str, signature: str, body: bytes) -> bool:
    fresh = stamp.isdecimal() and len(stamp) < 20 and abs(time.time() - int(stamp)) <= BELIEVED_SECONDS
    return fresh and constant_time_compare(signature, sign_report(job_id, stamp, body))
