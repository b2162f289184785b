"""How often somebody may fail to prove who they are: counted in the database, for all processes together.

Failures count, successes do not; a success of an account forgets its failures. Counts are kept by a hash of
what is counted and end by themselves.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils import timezone

from jobs_app import conf
from jobs_app.models import Throttle

if TYPE_CHECKING:
    from django.http import HttpRequest

WINDOW = timedelta(minutes=5)


@dataclass(frozen=True)
class Limit:
    """So many failures of one `who` within the window."""

    what: str
    most: int

    def key(self, who: str) -> str:
        return hashlib.sha256(f"{self.what}\0{who}".encode("utf-8", "replace")).hexdigest()


SIGN_IN_ADDRESS = Limit("sign-in from an address", 50)
SIGN_IN_ACCOUNT = Limit("sign-in to an account", 10)
TOKEN_ADDRESS = Limit("token from an address", 50)

Counted = tuple[Limit, str]


def wait_seconds(counted: Iterable[Counted]) -> int:
    """How long until another try is taken; 0: it is taken now."""
    wanted = {limit.key(who): limit.most for limit, who in counted}
    now = timezone.now()
    rows = Throttle.objects.filter(key__in=wanted, until__gt=now).values_list("key", "count", "until")
    waits = [(until - now).total_seconds() for key, count, until in rows if count >= wanted[key]]
    return int(max(waits)) + 1 if waits else 0


def failed(counted: Iterable[Counted]) -> None:
    now = timezone.now()
    Throttle.objects.filter(until__lte=now).delete()
    for limit, who in counted:
        _add_one(limit.key(who))


def _add_one(key: str) -> None:
    if Throttle.objects.filter(key=key).update(count=F("count") + 1):
        return
    try:
        with transaction.atomic():
            Throttle.objects.create(key=key, count=1, until=timezone.now() + WINDOW)
    except IntegrityError:  # another process was first
        Throttle.objects.filter(key=key).update(count=F("count") + 1)


def forget(counted: Iterable[Counted]) -> None:
    Throttle.objects.filter(key__in=[limit.key(who) for limit, who in counted]).delete()


def address(request: HttpRequest) -> str:
    """Who asks. What a proxy says of it is believed only as far as ROOST_PROXIES tells how many are ours:
    each adds one address at the end, and what stands before those its sender chose."""
    direct = str(request.META.get("REMOTE_ADDR", ""))
    said = [part.strip() for part in request.META.get("HTTP_X_FORWARDED_FOR", "").split(",") if part.strip()]
    proxies = conf.proxies()
    return said[-proxies] if proxies and len(said) >= proxies else direct
