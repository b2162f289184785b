"""What is over is forgotten on its pool, by the scheduler's courier. The rows say what is still kept there:
whoever died between an attempt's end and this, the next courier does it.
"""

from __future__ import annotations

from collections.abc import Collection

from jobs_app.models import Attempt, RemoteCopy
from jobs_app.models.plain import rows
from jobs_app.pools.base import PoolError

from .link import Link

AT_ONCE = 200

# As the index attempt_forget has it, word for word: else SQLite does not use it.
_OVER = f"""
    SELECT id, token FROM {Attempt._meta.db_table}
    WHERE scheduler_id = %s AND on_pool AND phase = 'final' LIMIT {AT_ONCE}
"""  # noqa: S608


def forget_over(link: Link) -> bool:
    """Once all results are safe here; whether there was anything."""
    over = dict(rows(_OVER, [link.scheduler.pk]))
    if not over:
        return False
    try:
        if unkept := _unkept(over.values()):
            link.pool.forget(unkept)
    except PoolError as error:
        link.failed(error)
        return False
    Attempt.objects.filter(pk__in=list(over)).update(on_pool=False)
    return True


def _unkept(tokens: Collection[str]) -> list[str]:
    """What is kept there for a while is dropped in its own time (see copies)."""
    kept = set(RemoteCopy.objects.filter(token__in=tokens).values_list("token", flat=True))
    return [token for token in tokens if token not in kept]
