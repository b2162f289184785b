"""Why jobs wait on their pool: asked for those that have waited a while, and kept in their rows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Protocol, runtime_checkable

from django.db.models import F, Q
from django.utils import timezone

from jobs_app.models import Attempt, AttemptPhase
from jobs_app.pools.base import PoolError

from .link import Link

EVERY = 20.0  # seconds
SOON = timedelta(seconds=15)  # so long nobody wonders
AGAIN = timedelta(minutes=1)
AT_ONCE = 200


@runtime_checkable
class Explaining(Protocol):
    """A pool that can say why slices wait."""

    def why_idle(self, attempts: Sequence[str]) -> Mapping[str, str]: ...


def explain(link: Link) -> None:
    pool = link.pool
    waiting = _waiting(link) if isinstance(pool, Explaining) else []
    if not waiting or not isinstance(pool, Explaining):
        return
    try:
        found = pool.why_idle(waiting)
    except PoolError as error:
        link.failed(error)
        return
    _keep(found)


def _waiting(link: Link) -> list[str]:
    """Those that were asked about longest ago come first."""
    now = timezone.now()
    sent = Attempt.objects.filter(scheduler=link.scheduler, phase=AttemptPhase.SENT, sent__lt=now - SOON)
    known = F("job__slices_running") + F("job__slices_done") + F("job__slices_failed") + F("job__slices_held")
    open_ = sent.filter(job___status__in=("SUB", "RUN", "VAR"), job__slices_total__gt=known).filter(
        Q(idle_asked=None) | Q(idle_asked__lt=now - AGAIN)
    )
    first = F("idle_asked").asc(nulls_first=True)
    return list(open_.order_by(first, "pk").values_list("token", flat=True)[:AT_ONCE])


def _keep(found: Mapping[str, str]) -> None:
    now = timezone.now()
    for why in set(found.values()):
        tokens = [token for token, said in found.items() if said == why]
        Attempt.objects.filter(token__in=tokens).update(idle=why, idle_asked=now)


# --- what would help ----------------------------------------------------------------------------------------

_NO_MACHINE = re.compile(
    r"No machine has (?P<quite>quite )?(?P<asked>[\d.e+]+ ?(?:[GM]B)?) (?P<what>cores|GPUs|of memory|of disk)"
    r"[;:] the largest has (?P<there>[\d.e+]+ ?(?:[GM]B)?|a little less)\."
)
_LIMIT = {"cores": "cpus", "GPUs": "gpus", "of memory": "memory", "of disk": "disk"}
_MEGABYTES = {"GB": 1024, "MB": 1}
_ROUNDED = 0.99  # sizes are told with three digits


def fitting(why: str) -> tuple[str, int] | None:
    """The limit that is larger than every machine, and what the largest of them has."""
    found = _NO_MACHINE.fullmatch(why)
    if found is None:
        return None
    number, _, unit = found["asked" if found["quite"] else "there"].partition(" ")
    size = float(number) * (_MEGABYTES[unit] * _ROUNDED if unit else 1)
    return (_LIMIT[found["what"]], int(size)) if size >= 1 else None
