"""The way of notices: each is tried until it is taken, less and less often; at last it is given up.

Who dies between sending and writing it down leads to a second sending: both carry the same id.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import time
from datetime import timedelta

from django.core.mail import EmailMessage
from django.utils import timezone

from jobs_app import conf
from jobs_app.models import Notice

from . import preferences, webhook
from .webhook import Undelivered

log = logging.getLogger(__name__)

AT_ONCE = 50
UNDER_WAY = timedelta(minutes=2)  # after which who tries it is believed dead
PAUSES = (10, 60, 300, 1800, 7200, 21600, 43200, 86400)  # seconds after each try; then it is given up
KEPT = timedelta(days=30)


def deliver(now_is_enough: float = 60.0) -> int:
    """Sends what is due; how many were taken."""
    until, taken = time.monotonic() + now_is_enough, 0
    due = Notice.objects.filter(state=Notice.WAITING, due__lte=timezone.now()).order_by("due")
    for notice in due.select_related("user")[:AT_ONCE]:
        if time.monotonic() > until:
            break
        taken += _claim(notice) and _try(notice)
    return taken


def _claim(notice: Notice) -> bool:
    same = Notice.objects.filter(pk=notice.pk, state=Notice.WAITING, due=notice.due, tries=notice.tries)
    return bool(same.update(due=timezone.now() + UNDER_WAY))


def _try(notice: Notice) -> bool:
    try:
        _SEND[notice.channel](notice)
    except Undelivered as error:
        _failed(notice, str(error), error.for_good)
        return False
    except Exception as error:
        log.exception("Notice %s could not be sent", notice.pk)
        _failed(notice, f"{type(error).__name__}: {error}", for_good=False)
        return False
    Notice.objects.filter(pk=notice.pk).update(
        state=Notice.SENT, sent=timezone.now(), tries=notice.tries + 1, error=""
    )
    return True


def _failed(notice: Notice, why: str, for_good: bool) -> None:
    over = for_good or notice.tries >= len(PAUSES)
    pause = timedelta(seconds=PAUSES[min(notice.tries, len(PAUSES) - 1)])
    known = {"tries": notice.tries + 1, "error": why[:1000], "due": timezone.now() + pause}
    state = Notice.DEAD if over else Notice.WAITING
    Notice.objects.filter(pk=notice.pk).update(**known, state=state)


def try_again(notice: Notice) -> None:
    """One that was given up."""
    known = {"state": Notice.WAITING, "tries": 0, "due": timezone.now()}
    Notice.objects.filter(pk=notice.pk, state=Notice.DEAD).update(**known)


def drop_old() -> None:
    Notice.objects.filter(created__lt=timezone.now() - KEPT).exclude(state=Notice.WAITING).delete()


def identity(notice: Notice) -> str:
    """The same at each try."""
    return f"msg_{hashlib.sha256(f'{conf.public_url()}:{notice.key}'.encode()).hexdigest()[:32]}"


# --- e-mail -------------------------------------------------------------------------------------------------


def _email(notice: Notice) -> None:
    if notice.user is None or not notice.user.email:
        raise Undelivered("The user has no e-mail address.", for_good=True)
    if not preferences.can_email():
        raise Undelivered("There is no mail server in the settings (ROOST_EMAIL_URL).", for_good=True)
    marks = {"Message-ID": f"<{identity(notice)}@roost>", "Auto-Submitted": "auto-generated"}
    subject = f"[Roost] {notice.subject}"
    EmailMessage(subject, as_text(notice), to=[notice.user.email], headers=marks).send()


def as_text(notice: Notice) -> str:
    known = notice.content
    lines = [notice.subject, "", str(known.get("reason", "")), ""]
    if known.get("not_complete"):
        lines += ["Not complete: " + ", ".join(map(str, known["not_complete"])), ""]
    return "\n".join([*lines, str(known.get("url", "")), "", "What you are told of: /notices/"])


# --- webhook ------------------------------------------------------------------------------------------------


def _webhook(notice: Notice) -> None:
    wanted = preferences.of(notice.user) if notice.user is not None else preferences.Preferences()
    if notice.user is None or not wanted.webhook:
        raise Undelivered("The user has no webhook any more.", for_good=True)
    body = json.dumps({"id": identity(notice), "subject": notice.subject, **notice.content}).encode()
    webhook.post(wanted.webhook, body, signed(preferences.secret_of(notice.user.pk), identity(notice), body))


def signed(secret: str, name: str, body: bytes) -> dict[str, str]:
    """The headers, as Standard Webhooks has them."""
    stamp = str(int(time.time()))
    digest = hmac.new(secret.encode(), f"{name}.{stamp}.".encode() + body, hashlib.sha256).digest()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Roost",
        "webhook-id": name,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


_SEND = {Notice.EMAIL: _email, Notice.WEBHOOK: _webhook}
