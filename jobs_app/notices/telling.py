"""From the history to notices: each step of a job of which somebody wants to be told becomes one, once.

The history is written in the transaction of the step, so nothing is missed whoever dies; a notice's key is
unique, so nothing is told twice however often the same piece of history is read. Of jobs made in one call
there is one notice when all of them are over; of a chain, when its last one is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db.models import Count, Max
from django.utils import timezone

from jobs_app import conf, states
from jobs_app.job_types import NOTICES
from jobs_app.models import (
    History,
    Job,
    JobBatch,
    JobBatchMember,
    JobDependency,
    Notice,
    NoticeCursor,
    NoticePreference,
)

from .preferences import Preferences, as_preferences

AT_ONCE = 500
LATE = timedelta(seconds=20)  # until rows with smaller numbers may still be committed
BAD = frozenset({"ERR", "VCP"})
OF_NOTE = [*states.FINAL, "HLD"]
GIVEN_UP = "It was to start after job "


@dataclass(frozen=True)
class Told:
    key: str
    subject: str
    content: dict[str, Any]


def tell() -> int:
    """How many notices were made."""
    cursor, made = _cursor(), 0
    last = cursor.history
    while rows := _steps(last):
        made += _tell(rows)
        last = rows[-1].pk
    _advance(cursor)
    return made


def _cursor() -> NoticeCursor:
    """Nobody is told of what was before there were notices."""
    found = NoticeCursor.objects.first()
    if found is not None:
        return found
    newest = History.objects.aggregate(newest=Max("pk"))["newest"] or 0
    return NoticeCursor.objects.get_or_create(pk=1, defaults={"history": newest})[0]


def _advance(cursor: NoticeCursor) -> None:
    old = History.objects.filter(pk__gt=cursor.history, at__lt=timezone.now() - LATE)
    newest = old.aggregate(newest=Max("pk"))["newest"]
    if newest:
        NoticeCursor.objects.filter(pk=cursor.pk, history__lt=newest).update(history=newest)


def _steps(after: int) -> list[History]:
    rows = History.objects.filter(pk__gt=after, after__in=OF_NOTE).order_by("pk")
    return list(rows.select_related("job__user")[:AT_ONCE])


def _tell(rows: Sequence[History]) -> int:
    users = {row.job.user_id for row in rows}
    wishes: dict[int | None, NoticePreference] = {
        row.user_id: row for row in NoticePreference.objects.filter(user__in=users)
    }
    notices = []
    for row in rows:
        preferences = as_preferences(wishes.get(row.job.user_id))
        if row.job.user is not None and _is_wanted(row, preferences):
            notices += [
                _notice(told, row.job.user, channel)
                for told in _told(row)
                for channel in _channels(row.job, preferences)
            ]
    return _insert(notices)


def _insert(notices: Sequence[Notice]) -> int:
    fresh = {notice.key: notice for notice in notices}
    known = set(Notice.objects.filter(key__in=list(fresh)).values_list("key", flat=True))
    new = [notice for key, notice in fresh.items() if key not in known]
    Notice.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _is_wanted(row: History, preferences: Preferences) -> bool:
    said = row.job.parameters.get("notify")
    on = preferences.on if said is None else (NOTICES if said is True else said or ())
    if row.after == "HLD":
        return "held" in on
    return "end" in on or ("failure" in on and (row.after in BAD or _may_be_of_many(row)))


def _may_be_of_many(row: History) -> bool:
    """Whether others fare badly is known when all are over."""
    return JobBatchMember.objects.filter(job=row.job_id).exists()


def _channels(job: Job, preferences: Preferences) -> tuple[str, ...]:
    """Who said it of the job alone gets it by e-mail."""
    if preferences.channels or job.parameters.get("notify") in (None, False):
        return preferences.channels
    return (Notice.EMAIL,) if job.user is not None and job.user.email else ()


def _notice(told: Told, user: Any, channel: str) -> Notice:
    return Notice(
        key=f"{told.key}:{channel}:{user.pk}",
        user=user,
        channel=channel,
        subject=one_line(told.subject),
        content=told.content,
        due=timezone.now(),
    )


def one_line(text: str) -> str:
    """A name may hold anything; a subject is one line of what can be seen."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:250]


# --- what is told -------------------------------------------------------------------------------------------


def _told(row: History) -> Iterator[Told]:
    batch = JobBatch.objects.filter(members__job=row.job_id).first()
    if row.after == "HLD":
        yield _held(row, batch)
    elif batch is not None and row.attempt <= 1:
        yield from _batch(batch, row)
    elif not _is_amid_a_chain(row):
        yield _ended(row)


def _held(row: History, batch: JobBatch | None) -> Told:
    day = f"{row.at:%Y-%m-%d}"
    key = f"held:batch:{batch.pk}:{day}" if batch is not None else f"held:{row.job_id}:{row.pk}"
    others = " (there may be more of its batch)" if batch is not None else ""
    return Told(key, f"Job {row.job_id} ({row.job.name}) is held{others}", _content(row, "job.held"))


def _ended(row: History) -> Told:
    word = states.JOB_STATES[row.after].word
    before = JobDependency.objects.filter(job=row.job_id).exists()
    what = "The chain that ends with job" if before else "Job"
    key = f"end:{row.job_id}:{row.attempt}"
    return Told(key, f"{what} {row.job_id} ({row.job.name}): {word}", _content(row, "job.ended"))


def _is_amid_a_chain(row: History) -> bool:
    """What goes on is told of at its end; what never began, by the one that failed."""
    if row.after == "COM":
        return JobDependency.objects.filter(before=row.job_id).exists()
    return row.why.startswith(GIVEN_UP)


def _content(row: History, event: str) -> dict[str, Any]:
    job = row.job
    return {
        "event": event,
        "job": job.pk,
        "name": job.name,
        "app": job.app,
        "attempt": row.attempt,
        "state": states.JOB_STATES[row.after].word,
        "reason": row.why,
        "at": row.at.isoformat(timespec="seconds"),
        "url": f"{conf.public_url()}/jobs/{job.pk}/",
    }


def _batch(batch: JobBatch, row: History) -> Iterator[Told]:
    jobs = Job.objects.filter(in_batch__batch=batch)
    if jobs.exclude(_status__in=states.FINAL).exists():
        return
    found = jobs.order_by().values_list("_status").annotate(count=Count("id"))
    counts = {states.JOB_STATES[code].word: count for code, count in found}
    JobBatch.objects.filter(pk=batch.pk, told=None).update(told=timezone.now())
    total, said = sum(counts.values()), ", ".join(f"{count} {word}" for word, count in sorted(counts.items()))
    failed = jobs.exclude(_status="COM").order_by("pk").values_list("pk", flat=True)
    content = {
        "event": "batch.ended",
        "batch": batch.pk,
        "jobs": total,
        "counts": counts,
        "not_complete": list(failed[:100]),
        "at": row.at.isoformat(timespec="seconds"),
        "url": f"{conf.public_url()}/jobs/",
    }
    yield Told(f"batch:{batch.pk}", f"{total} jobs ({row.job.name}, ...) are through: {said}", content)
