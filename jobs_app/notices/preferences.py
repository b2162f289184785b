"""What a user is told of, and where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction

from jobs_app import audit
from jobs_app.errors import Invalid, SecretLost
from jobs_app.job_types import NOTICES
from jobs_app.models import Notice, NoticePreference

from . import signing, webhook

LONGEST = 1000
MADE = " The webhook has a new secret."


@dataclass(frozen=True)
class Preferences:
    on: tuple[str, ...] = ()
    email: bool = False
    webhook: str = ""

    @property
    def channels(self) -> tuple[str, ...]:
        return (*[Notice.EMAIL] * self.email, *[Notice.WEBHOOK] * bool(self.webhook))


def can_email() -> bool:
    return not settings.EMAIL_BACKEND.endswith("smtp.EmailBackend") or bool(settings.EMAIL_HOST)


def of(user: Any) -> Preferences:
    row = NoticePreference.objects.filter(user=user.pk).first()
    return as_preferences(row)


def as_preferences(row: NoticePreference | None) -> Preferences:
    if row is None:
        return Preferences()
    return Preferences(tuple(event for event in NOTICES if event in row.on), row.email, row.webhook)


def keep(
    user: Any, on: Iterable[str], *, email: bool = False, webhook_url: str = "", new_secret: bool = False
) -> str:
    """For pages and the API alike. The secret that signs what goes to the webhook, where it is new or a new
    one was asked for; else empty."""
    events, address = list(on), webhook_url.strip()
    _check(user, events, email, address)
    row = NoticePreference.objects.filter(user=user.pk).first() or NoticePreference(user=user)
    needs_secret = bool(address) and (new_secret or address != row.webhook)
    row.on, row.email, row.webhook = events, email, address
    made = signing.new_secret() if needs_secret else ""
    if made or not address:
        row.secret = made
    with transaction.atomic():
        row.save()
        renewed = MADE if made and new_secret else ""
        audit.tell(
            user, f"Is told of {', '.join(events) or 'nothing'} by {_places(email, address)}.{renewed}"
        )
    return made


def _places(email: bool, address: str) -> str:
    """Without the webhook's path, which may be what opens it."""
    places = ["e-mail"] if email else []
    places += [f"webhook {webhook.check(address).host}"] if address else []
    return ", ".join(places) or "nothing"


def _check(user: Any, events: list[str], email: bool, address: str) -> None:
    if unknown := [event for event in events if event not in NOTICES]:
        raise Invalid(f"{unknown[0]!r} is nothing that one can be told of. There is: {', '.join(NOTICES)}.")
    if email and not user.email:
        raise Invalid("There is no e-mail address in your account. Add it at /account/.")
    if address:
        webhook.check(address[: LONGEST + 1])
    if len(address) > LONGEST:
        raise Invalid(f"The webhook's address has more than {LONGEST} letters.")


def secret_of(user_id: int) -> str:
    row = NoticePreference.objects.filter(user=user_id).first()
    return row.secret.reveal() if row is not None and row.secret else ""


def has_old_secret(user_id: int) -> bool:
    """One whose whole text is the key, which no package for Standard Webhooks accepts."""
    try:
        secret = secret_of(user_id)
    except SecretLost:  # of any form: what is not sent because of it says so
        return False
    return bool(secret) and not signing.follows_the_standard(secret)
