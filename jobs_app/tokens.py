"""Tokens: what programs sign in with.

"roost_<prefix>_<secret>", of which the row keeps the prefix and a hash of the whole. The secret is random and
long, so a quick hash is as good as a slow one. The text is shown once, when it is made.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from jobs_app import audit
from jobs_app.errors import Invalid, NotAllowed, Unknown
from jobs_app.models import ApiToken
from jobs_app.parameters import unknown
from jobs_app.permissions import SCOPES, Caller, is_somebody

if TYPE_CHECKING:
    from jobs_app.permissions import Remote

BEGIN = "roost"
COARSE = timedelta(minutes=1)  # `last_used` is written this often at most
LONGEST_NAME = 100


def make(
    name: str,
    owner: Any,
    scopes: Iterable[str],
    *,
    expires: datetime | None = None,
    app: str = "",
    by: Any = None,
) -> tuple[ApiToken, str]:
    """The row and the token's text, which nobody can find out afterwards. `owner` None: a service's."""
    fields = {"name": checked_name(name), "owner": owner, "scopes": checked_scopes(scopes), "app": app}
    if app and owner is not None:
        raise Invalid("Only a service's token is for one app; a person's reaches as far as the person.")
    if expires is not None and expires <= timezone.now():
        raise Invalid(f"The token would have expired at {expires:%Y-%m-%d %H:%M}. Give a later time.")
    while True:
        prefix = secrets.token_hex(5)
        text = f"{BEGIN}_{prefix}_{secrets.token_urlsafe(32)}"
        try:
            with transaction.atomic():
                row = ApiToken.objects.create(prefix=prefix, digest=_digest(text), expires=expires, **fields)
                audit.tell(by, f"Made the token {_told(row)}: {', '.join(row.scopes)}; {_until(row)}.")
                return row, text
        except IntegrityError:  # the prefix is taken, once in a trillion
            continue


def checked_name(name: str) -> str:
    if not 0 < len(name.strip()) <= LONGEST_NAME or not name.isprintable():
        raise Invalid(f"A token needs a name of up to {LONGEST_NAME} characters: what it is for.")
    return name.strip()


def checked_scopes(scopes: Iterable[str]) -> list[str]:
    wanted = set(scopes)
    for scope in sorted(wanted - SCOPES.keys()):
        raise Invalid(unknown("scope", scope, SCOPES, "a token"))
    if not wanted:
        raise Invalid(f"A token without scopes can do nothing. Choose among {', '.join(SCOPES)}.")
    return [scope for scope in SCOPES if scope in wanted]


def find(text: str) -> Caller | None:
    """Who comes with this token, if it is one that is good now."""
    begin, _, rest = text.partition("_")
    prefix = rest.partition("_")[0]
    if begin != BEGIN or not prefix.isalnum() or not prefix.isascii() or len(text) > 200:
        return None
    row = ApiToken.objects.select_related("owner").filter(prefix=prefix).first()
    if row is None or not constant_time_compare(row.digest, _digest(text)) or not is_good(row):
        return None
    caller = Caller(row.pk, row.name, frozenset(row.scopes), row.owner, row.app)
    if not is_somebody(caller):
        return None
    _note_use(row)
    return caller


def is_good(token: ApiToken) -> bool:
    return token.revoked is None and (token.expires is None or token.expires > timezone.now())


def revoke(token: ApiToken, by: Any = None) -> None:
    with transaction.atomic():
        if ApiToken.objects.filter(pk=token.pk, revoked=None).update(revoked=timezone.now()):
            audit.tell(by, f"Revoked the token {_told(token)}.")


def _told(token: ApiToken) -> str:
    whose = token.owner.get_username() if token.owner else f"service {token.app}".strip()
    return f"{BEGIN}_{token.prefix} ({token.name}) of {whose}"


def _until(token: ApiToken) -> str:
    return f"until {token.expires:%Y-%m-%d}" if token.expires else "without end"


def of(person: Remote) -> QuerySet[ApiToken]:
    """The tokens that this person may see and revoke: their own; a superuser also the services'."""
    user = person.user if isinstance(person, Caller) else person
    if user is None or not user.is_authenticated:
        return ApiToken.objects.none()
    return ApiToken.objects.filter(
        Q(owner=user.pk) | Q(owner=None) if user.is_superuser else Q(owner=user.pk)
    )


def by_prefix(prefix: str) -> ApiToken:
    found = ApiToken.objects.filter(prefix=prefix.removeprefix(f"{BEGIN}_").partition("_")[0]).first()
    if found is None:
        raise Unknown(f"There is no token {prefix[:20]!r}. `tokens list` shows them.")
    return found


def refuse_more(person: Remote, scopes: Iterable[str], expires: datetime | None) -> None:
    """With a token one makes no token that can do more, or that lives longer."""
    if not isinstance(person, Caller):
        return
    if more := sorted(set(scopes) - person.scopes):
        raise NotAllowed(f"This token has not the scope {', '.join(more)}, so it cannot give it to another.")
    own = ApiToken.objects.values_list("expires", flat=True).get(pk=person.token)
    if own is not None and (expires is None or expires > own):
        raise NotAllowed(f"This token expires at {own:%Y-%m-%d %H:%M} UTC, so another made with it has to.")


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _note_use(token: ApiToken) -> None:
    now = timezone.now()
    if token.last_used is None or token.last_used < now - COARSE:
        ApiToken.objects.filter(pk=token.pk).update(last_used=now)
