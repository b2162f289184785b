"""How somebody outside proves that they may speak about a job.

A *capability* is a signature in the job's callback address: whoever has the address may say "look", no more.
A *report* of an EXTERNAL job says what its state is, so it is signed as a whole: HMAC-SHA256 with the job's
own key over `<id>.<Unix seconds>.<body>`. It is believed for five minutes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core import signing
from django.urls import reverse
from django.utils.crypto import constant_time_compare

from jobs_app import conf

if TYPE_CHECKING:
    from django.http import HttpRequest

_SALT = "roost.update-job-status"
FALLBACK = "http://localhost:8000"


def token(job_id: int) -> str:
    return signing.Signer(salt=_SALT).signature(str(job_id))


def is_valid(job_id: int | str, given: str) -> bool:
    return constant_time_compare(given, signing.Signer(salt=_SALT).signature(str(job_id)))


def url(request: HttpRequest | None, job_id: int) -> str:
    """Where the job's scheduler or the job itself calls. The setting ROOST_PUBLIC_URL goes before the
    request's Host header, which its sender chooses."""
    path = f"{reverse('update-job-status', args=[job_id])}?token={token(job_id)}"
    if conf.public_url() or request is None:
        return (conf.public_url() or FALLBACK) + path
    return request.build_absolute_uri(path)
