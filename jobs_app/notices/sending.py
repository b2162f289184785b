"""The way of notices: each is tried until it is taken, less and less often; at last it is given up. A place
that takes none holds up nobody else's.

Who dies between sending and writing it down leads to a second sending: both carry the same id.
"""

from __future__ import annotations

import hashlib
import json
import logging
import smtplib
import time
from datetime import timedelta

from django.core.mail import EmailMessage
from django.db.models import Min, QuerySet
from django.utils import timezone

from jobs_app import conf
from jobs_app.models import Notice

from . import preferences, signing, webhook
from .webhook import Undelivered

log = logging.getLogger(__name__)

AT_ONCE, TO_EACH = 50, 10  # places, and notices to each
UNDER_WAY = timedelta(minutes=2)  # after which who tries it is believed dead
PAUSES = (10, 60, 300, 1800, 7200, 21600, 43200, 86400)  # seconds after each try; then it is given up
OTHERS_WAIT = timedelta(seconds=60)  # to a place that has just not taken one
KEPT = timedelta(days=30)


def deliver(now_is_enough: float = 60.0) -> int:
    """Sends what is due; how many were taken."""
    until, taken = time.monotonic() + now_is_enough, 0
    places = _due().values_list("user", "channel").annotate(first=Min("due")).order_by("first")
    for user_id, channel, _ in places[:AT_ONCE]:
        if time.monotonic() > until:
            break
        taken += _deliver_to(user_id, channel)
    return taken


def _due() -> QuerySet[Notice]:
    return Notice.objects.filter(state=Notice.WAITING, due__lte=timezone.now()).order_by()


def _deliver_to(user_id: int | None, channel: str) -> int:
    """Some of a user's; where one is not taken, the others are not tried now."""
    mine = _due().filter(user=user_id, channel=channel)
    taken = 0
    for notice in mine.select_related("user").order_by("due")[:TO_EACH]:
        if not _claim(notice):
            continue
        if not _try(notice):
            mine.update(due=timezone.now() + OTHERS_WAIT)
            break
        taken += 1
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
    except Exception as error:  # a fault of ours keeps no other notice from going out
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
    mail = EmailMessage(subject, as_text(notice), to=[notice.user.email], headers=marks)
    try:
        mail.send()
    except smtplib.SMTPRecipientsRefused as error:
        codes = [code for code, _ in error.recipients.values()]
        said = "; ".join(text.decode("utf-8", "replace") for _, text in error.recipients.values())
        raise Undelivered(f"{notice.user.email} is refused: {said}", for_good=min(codes) >= 500) from error
    except (smtplib.SMTPException, OSError) as error:
        raise Undelivered(f"The mail server did not take it: {str(error) or type(error).__name__}") from error


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
    headers = signing.headers(preferences.secret_of(notice.user.pk), identity(notice), body)
    webhook.post(wanted.webhook, body, headers)


_SEND = {Notice.EMAIL: _email, Notice.WEBHOOK: _webhook}
