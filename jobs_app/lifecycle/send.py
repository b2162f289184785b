"""Sending happens once, whatever dies or breaks meanwhile.

1. The attempts get a batch and are Sending, in one transaction, committed before the pool hears of it.
2. The pool is asked to take the batch, which carries a token.
3. What it answered is recorded: the attempts are Sent.

A batch without an answer is looked for on the pool by its token. Only if the pool surely does not have it, it
is sent again, under the same token.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from typing import NamedTuple

from django.db import transaction
from django.utils import timezone

from jobs_app import killpoints
from jobs_app.errors import RoostError
from jobs_app.models import Attempt, AttemptPhase, Batch, Segment
from jobs_app.pools.base import Garbled, PoolUnreachable, Refused, Sending, Sent, Task

from .close import close, postpone
from .link import Link
from .pausing import why_not_sending
from .prepare import prepare

log = logging.getLogger(__name__)

BATCH = 1000  # attempts; one command sends them


class Posted(NamedTuple):
    """A batch that was begun: where its attempts will be heard of, and how many they are."""

    segment: Segment
    attempts: int


def send_waiting(link: Link) -> Posted | None:
    """Sends one batch of what waits; None if nothing does."""
    attempts = _next_waiting(link)
    tasks = _prepared(attempts, link)
    if not tasks:
        return None
    batch, claimed = _claim(link, list(tasks))
    if not claimed:
        return None
    link.room.sent()
    killpoints.reach("courier.batch-committed")
    _send(link, batch, tasks if claimed == len(tasks) else _still_wanted(batch, tasks))
    return Posted(batch.segment, claimed)


def _next_waiting(link: Link) -> list[Attempt]:
    """Those whose turn it is, in their order. An attempt that was refused in company goes alone."""
    ids = [one.attempt for one in link.room.company(link.room.choose(BATCH).attempts)]
    if not ids:
        return []
    found = Attempt.objects.select_related("job__project").in_bulk(ids)
    return [found[pk] for pk in ids if pk in found]


def _prepared(attempts: Sequence[Attempt], link: Link) -> dict[int, Task]:
    """What can be sent. An attempt that cannot says why in its own row, and the others go on."""
    tasks = {}
    for attempt in attempts:
        attempt.scheduler = link.scheduler  # known: not to be read once for each
        try:
            tasks[attempt.pk] = prepare(attempt)
        except RoostError as error:
            close(attempt, "ERR", str(error), link.actor)
        except Exception as error:
            log.exception("Job %s cannot be prepared", attempt.job_id)
            postpone(attempt, error)
    return tasks


def _claim(link: Link, ids: Sequence[int]) -> tuple[Batch, int]:
    """A batch, and how many are in it: without those that were stopped meanwhile."""
    segment = link.open_segment()
    with transaction.atomic():
        batch = Batch.objects.create(token=secrets.token_hex(16), scheduler=link.scheduler, segment=segment)
        here = Attempt.objects.filter(pk__in=ids, scheduler=link.scheduler, phase=AttemptPhase.WAITING)
        waiting = here.filter(wish="", paused=False)
        claimed = waiting.update(phase=AttemptPhase.SENDING, batch=batch, on_pool=True)
        if not claimed:
            transaction.set_rollback(True)
    return batch, claimed


def _still_wanted(batch: Batch, tasks: dict[int, Task]) -> dict[int, Task]:
    claimed = Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING)
    ids = set(claimed.values_list("pk", flat=True))
    return {pk: task for pk, task in tasks.items() if pk in ids}


def _send(link: Link, batch: Batch, tasks: dict[int, Task]) -> None:
    sending = Sending(batch.token, batch.segment.name, tuple(tasks.values()))
    _ask(link, batch, lambda: link.pool.send(sending))


def _ask(link: Link, batch: Batch, verb: Callable[[], Sent]) -> None:
    try:
        sent = verb()
    except Refused as error:
        _refused(link, batch, str(error))
    except (PoolUnreachable, Garbled) as error:
        link.failed(error)
    else:
        killpoints.reach("courier.sent")
        adopt(link, batch, sent)
        link.answered()


def adopt(link: Link, batch: Batch, sent: Sent) -> None:
    """The pool has taken the batch over, apart from what it refused."""
    refused = Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING, token__in=list(sent.refused))
    for attempt in refused.select_related("job"):
        words = sent.refused[attempt.token]
        close(attempt, "ERR", f"{link.scheduler} refused the job: {words}", link.actor)
    now = timezone.now()
    with transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(remote_id=sent.remote_id, sent=now, **_said(sent))
        sending = Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING)
        for form in set(sent.forms.values()):
            tokens = [token for token, its in sent.forms.items() if its == form]
            sending.filter(token__in=tokens).update(form=form)
        sending.update(phase=AttemptPhase.SENT, sent=now)
    killpoints.reach("courier.sent-recorded")


def _refused(link: Link, batch: Batch, words: str) -> None:
    """A bad job must not take its company along: each goes alone next time, and bears its own refusal."""
    Batch.objects.filter(pk=batch.pk).update(refused=words or "refused without a word")
    attempts = list(Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING))
    if len(attempts) == 1:
        close(attempts[0], "ERR", f"{link.scheduler} refused the job: {words}", link.actor)
        return
    Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING).update(
        phase=AttemptPhase.WAITING, batch=None, on_pool=False, failures=1, last_error=words
    )


def settle(link: Link) -> bool:
    """Finds out about every batch that was begun and of which no answer is known; whether all are now."""
    known = True
    for batch in Batch.objects.filter(scheduler=link.scheduler, remote_id="", refused="").order_by("pk"):
        if not link.ready:
            return False
        known &= _settle(link, batch)
    return known


def _settle(link: Link, batch: Batch) -> bool:
    """What is said of one batch and cannot be read keeps no other one back."""
    try:
        sent = link.pool.look(batch.token)
    except PoolUnreachable as error:
        link.failed(error)
        return False
    except (Garbled, Refused) as error:
        log.error("Batch %s of %s cannot be found out about: %s", batch.token, link.scheduler, error)
        sending = Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING)
        sending.update(last_error=f"{type(error).__name__}: {error}")
        return False
    if sent is not None:
        adopt(link, batch, sent)
        link.answered()
    elif _drop_unwanted(batch, link):
        _send_again(link, batch) if link.sending else _take_back(batch, link)
    return True


def _drop_unwanted(batch: Batch, link: Link) -> bool:
    """Ends what was stopped before the pool ever had it; whether anything is left to be sent."""
    attempts = Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING)
    for attempt in attempts.filter(wish="remove"):
        close(attempt, "ABT", "Stopped before it was sent.", link.actor)
    if attempts.exists():
        return True
    Batch.objects.filter(pk=batch.pk).update(refused="Not sent: all its jobs were stopped.")
    return False


def _said(sent: Sent) -> dict[str, object]:
    """Of what was found again on the pool nothing is told."""
    texts = [[text, list(tokens), name] for text, tokens, name in sent.descriptions]
    return {"descriptions": texts} if texts else {}


def _take_back(batch: Batch, link: Link) -> None:
    """The pool does not have it, and is not to get it now."""
    sending = Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING)
    with transaction.atomic():
        Batch.objects.filter(pk=batch.pk).update(
            refused=f"Not sent: {why_not_sending(link.scheduler)}."[:500]
        )
        sending.update(phase=AttemptPhase.WAITING, batch=None, on_pool=False)


def _send_again(link: Link, batch: Batch) -> None:
    attempts = Attempt.objects.filter(batch=batch, phase=AttemptPhase.SENDING).order_by(
        "-job__priority", "pk"
    )
    tasks = _prepared(list(attempts.select_related("job__project")), link)
    if len(tasks) == attempts.count():
        _send(link, batch, tasks)
