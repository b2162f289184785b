"""What is said about jobs over HTTP, written down: many calls in one transaction, each answered after it.

A hint wants a look at the job's pool. However many come, its courier looks once, and soon enough again.
A report has its receipt, so it is taken once. Its message is shown at once; of an EXTERNAL job it is the
authority, and is acted upon after that (see `said`).
"""

from __future__ import annotations

import enum
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from jobs_app import conf
from jobs_app.models import Attempt, Counter, Hint, Job, KeyVersion, Report, Throttle
from jobs_app.models.plain import rows
from jobs_app.throttling import Limit

from .change import message as fitting

EXTERNAL = "EXTERNAL"
COUNTED = "callbacks"
WINDOW = timedelta(seconds=60)
FROM_ADDRESS = Limit("callback from an address", 0)  # how many: conf.callbacks_an_address()
SLOTS = 16  # rows of a counter


class Verdict(enum.Enum):
    TAKEN = "taken"
    VOID = "void"  # there is no such job, or the address or the key is good no more
    REPEATED = "repeated"
    TOO_MANY = "too many"


@dataclass(frozen=True)
class Call:
    """One call whose signature was right. Without `nonce` it is a hint."""

    job_id: int
    address: str
    delay: int = 0
    version: str = ""
    nonce: str = ""
    said: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Heard:
    verdict: Verdict
    is_authority: bool = False  # what it says is how the job is
    scheduler_id: int | None = None


@dataclass(frozen=True)
class _Known:
    """What has to be known of a job to hear a call."""

    type: str
    live: bool  # not over, or not for long
    version: str
    scheduler_id: int | None


def hear(calls: Sequence[Call], slot: int = 0) -> list[Heard]:
    """In the order of the calls. When this returns all of it is committed; if it raises, nothing is."""
    now = timezone.now()
    with transaction.atomic():
        known = _known({call.job_id for call in calls}, now)
        if not any(_is_authority(call, known.get(call.job_id)) for call in calls):
            _need_no_disk()
        verdicts = [_first_verdict(call, known.get(call.job_id)) for call in calls]
        _refuse_too_many(calls, verdicts, known, now, slot % SLOTS)
        _keep_receipts(calls, verdicts, known, now)
        _show_messages(calls, verdicts, known)
        _count(sum(verdict is Verdict.TAKEN for verdict in verdicts), slot)
    return [_heard(call, verdict, known) for call, verdict in zip(calls, verdicts, strict=True)]


def _need_no_disk() -> None:
    """Of all but EXTERNAL jobs the pool is believed, so nothing is lost if PostgreSQL's machine loses power
    within the second. What was answered outlives all of our processes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit TO OFF")


def _heard(call: Call, verdict: Verdict, known: Mapping[int, _Known]) -> Heard:
    job = known.get(call.job_id)
    if job is None or verdict is not Verdict.TAKEN:
        return Heard(verdict)
    return Heard(verdict, _is_authority(call, job), job.scheduler_id)


def _is_authority(call: Call, job: _Known | None) -> bool:
    """Whether what it says is how the job is: a report, and nobody else tells."""
    return bool(call.nonce) and job is not None and job.type == EXTERNAL


def _known(ids: Iterable[int], now: datetime) -> dict[int, _Known]:
    wanted = sorted(ids)
    places = ", ".join(["%s"] * len(wanted))
    since = _stored(now - timedelta(seconds=conf.callback_grace()))
    found = rows(_LOOK.format(places=places), [since, *wanted])
    return {
        pk: _Known(kind, bool(live), f"{attempt}.{replaced}", scheduler)
        for pk, kind, live, attempt, replaced, scheduler in found
    }


_LOOK = f"""
    SELECT job.id, job.type,
        CASE WHEN job.completion_time IS NULL OR job.completion_time > %s THEN 1 ELSE 0 END,
        job.number_of_attempts, COALESCE(key.version, 0), attempt.scheduler_id
    FROM {Job._meta.db_table} job
    LEFT JOIN {Attempt._meta.db_table} attempt
        ON attempt.job_id = job.id AND attempt.number = job.number_of_attempts
    LEFT JOIN {KeyVersion._meta.db_table} key ON key.job_id = job.id
    WHERE job.id IN ({{places}})"""  # noqa: S608 - names of tables


def _first_verdict(call: Call, job: _Known | None) -> Verdict:
    if job is None or not job.live or (call.nonce and call.version != job.version):
        return Verdict.VOID
    return Verdict.TAKEN


# --- how many -----------------------------------------------------------------------------------------------


def _refuse_too_many(
    calls: Sequence[Call], verdicts: list[Verdict], known: Mapping[int, _Known], now: datetime, slot: int
) -> None:
    taken = [call for call, verdict in zip(calls, verdicts, strict=True) if verdict is Verdict.TAKEN]
    addresses = _busy_addresses(calls, now, slot)
    jobs = _busy_jobs(_hint_rows(taken, known, now), now)
    for at, call in enumerate(calls):
        if verdicts[at] is Verdict.TAKEN and (call.address in addresses or call.job_id in jobs):
            verdicts[at] = Verdict.TOO_MANY


def _busy_addresses(calls: Sequence[Call], now: datetime, slot: int) -> set[str]:
    """Those that have called too often, whatever they said. A whole cluster has one address, and processes
    would wait for each other at its row, so each counts in a row of its own."""
    most = conf.callbacks_an_address()
    if not most:
        return set()
    tally = Tally(call.address for call in calls)
    keys = {_key(address, slot): address for address in tally}
    until = _stored(now + WINDOW)
    values = [(key, tally[keys[key]], until) for key in sorted(keys)]
    counts = _upsert(_ADDRESSES, values, _stored(now))
    busy = [keys[key] for key, count in counts if count > most / SLOTS]
    return {address for address in busy if _from_address(address, now) > most}


def _key(address: str, slot: int) -> str:
    return FROM_ADDRESS.key(f"{address} {slot}")


def _from_address(address: str, now: datetime) -> int:
    """How many calls all processes have counted. Asked for by those above their share alone, so many
    processes together may take up to twice as many as are allowed."""
    keys = [_key(address, slot) for slot in range(SLOTS)]
    counted = Throttle.objects.filter(key__in=keys, until__gt=now).aggregate(all=Sum("count"))
    return counted["all"] or 0


_ADDRESSES = f"""
    INSERT INTO {Throttle._meta.db_table} AS t (key, count, until) VALUES {{rows}}
    ON CONFLICT (key) DO UPDATE SET
        count = CASE WHEN t.until <= %s THEN excluded.count ELSE t.count + excluded.count END,
        until = CASE WHEN t.until <= %s THEN excluded.until ELSE t.until END
    RETURNING key, count"""  # noqa: S608


def _hint_rows(calls: Sequence[Call], known: Mapping[int, _Known], now: datetime) -> list[tuple[Any, ...]]:
    """One for each job, in one order for all processes, so that none waits for another in a circle."""
    found = []
    for job_id in sorted({call.job_id for call in calls}):
        mine = [call for call in calls if call.job_id == job_id]
        scheduler = known[job_id].scheduler_id
        due = [now + timedelta(seconds=call.delay) for call in mine] if scheduler else []
        later = [at for at in due if at > now]
        first, last = (_stored(times[0]) if times else None for times in (sorted(due), sorted(later)[-1:]))
        found.append((job_id, scheduler, first, last, len(mine), len(mine), _stored(now + WINDOW)))
    return found


def _busy_jobs(values: Sequence[tuple[Any, ...]], now: datetime) -> set[int]:
    counts = _upsert(_HINTS, values, _stored(now)) if values else []
    most = conf.callbacks_a_job()
    return {job_id for job_id, count in counts if most and count > most}


_HINTS = f"""
    INSERT INTO {Hint._meta.db_table} AS h (job_id, scheduler_id, due, later, heard, counted, "window")
    VALUES {{rows}}
    ON CONFLICT (job_id) DO UPDATE SET
        scheduler_id = excluded.scheduler_id,
        due = CASE WHEN h.due IS NULL OR h.due > excluded.due THEN excluded.due ELSE h.due END,
        later = CASE WHEN h.later IS NULL OR h.later < excluded.later
            THEN COALESCE(excluded.later, h.later) ELSE h.later END,
        heard = h.heard + excluded.heard,
        counted = CASE WHEN h."window" <= %s THEN excluded.counted ELSE h.counted + excluded.counted END,
        "window" = CASE WHEN h."window" <= %s THEN excluded."window" ELSE h."window" END
    RETURNING job_id, counted"""  # noqa: S608


def _upsert(statement: str, values: Sequence[tuple[Any, ...]], now: Any) -> list[tuple[Any, ...]]:
    row = "(" + ", ".join(_PLACES[connection.vendor][len(values[0])]) + ")"
    given = [each for one in values for each in one]
    return rows(statement.format(rows=", ".join([row] * len(values))), [*given, now, now])


# PostgreSQL asks for the types of columns of which it sees only nothing.
_PLACES = {
    "sqlite": {3: ["%s"] * 3, 7: ["%s"] * 7},
    "postgresql": {
        3: ["%s", "%s", "%s"],
        7: ["%s", "%s::bigint", "%s::timestamptz", "%s::timestamptz", "%s", "%s", "%s"],
    },
}


def _stored(time: datetime) -> Any:
    return Hint._meta.get_field("window").get_db_prep_save(time, connection)


# --- reports ------------------------------------------------------------------------------------------------


def _keep_receipts(
    calls: Sequence[Call], verdicts: list[Verdict], known: Mapping[int, _Known], now: datetime
) -> None:
    """What has one already was heard before; of two of the same in one go the second was."""
    new: dict[tuple[int, str], int] = {}
    for at, call in enumerate(calls):
        if call.nonce and verdicts[at] is Verdict.TAKEN:
            verdicts[at] = Verdict.REPEATED
            new.setdefault((call.job_id, call.nonce), at)
    values = [_receipt(calls[at], known[calls[at].job_id], now) for at in new.values()]
    for job_id, nonce in _insert_receipts(values) if values else ():
        verdicts[new[job_id, nonce]] = Verdict.TAKEN


def _receipt(call: Call, job: _Known, now: datetime) -> tuple[Any, ...]:
    said = Report._meta.get_field("said").get_db_prep_save(dict(call.said), connection)
    attempt = int(call.version.partition(".")[0])
    return (call.job_id, call.nonce, attempt, said, _stored(now), job.type != EXTERNAL, "")


def _insert_receipts(values: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    """Those that are new. In one order for all processes."""
    one = "(%s, %s, %s, %s, %s, %s, %s)"
    ordered = sorted(values, key=lambda row: row[:2])
    statement = _RECEIPTS.format(rows=", ".join([one] * len(ordered)))
    return rows(statement, [each for row in ordered for each in row])


_RECEIPTS = f"""
    INSERT INTO {Report._meta.db_table} (job_id, nonce, attempt, said, received, applied, refused)
    VALUES {{rows}} ON CONFLICT (job_id, nonce) DO NOTHING RETURNING job_id, nonce"""  # noqa: S608


def _show_messages(calls: Sequence[Call], verdicts: Sequence[Verdict], known: Mapping[int, _Known]) -> None:
    """The newest of each job, where no report decides how it is."""
    told: dict[int, str] = {}
    for call, verdict in zip(calls, verdicts, strict=True):
        text = spoken(call.said)
        if verdict is Verdict.TAKEN and text and known[call.job_id].type != EXTERNAL:
            told[call.job_id] = text
    if told:
        values = [each for job_id, text in sorted(told.items()) for each in (job_id, fitting(text))]
        rows(_MESSAGES[connection.vendor].format(rows=", ".join(["(%s, %s)"] * len(told))), values)


_TELL = f"""
    WITH told (job_id, words) AS (VALUES {{{{rows}}}})
    UPDATE {Job._meta.db_table} SET status_message = told.words FROM told
    WHERE {Job._meta.db_table}.id = told.job_id{{cast}} AND status IN ('RUN', 'VAR')
    RETURNING {Job._meta.db_table}.id"""  # noqa: S608
_MESSAGES = {"sqlite": _TELL.format(cast=""), "postgresql": _TELL.format(cast="::bigint")}


def spoken(said: Mapping[str, Any]) -> str:
    """ "slice 3: warming up (40 %)" """
    part = f"slice {said['slice']}" if said.get("slice") is not None else ""
    text = ": ".join(each for each in (part, said.get("message", "")) if each)
    done = f"({said['progress']:g} %)" if said.get("progress") is not None else ""
    return " ".join(each for each in (text, done) if each) if said.get("message") or done else ""


def _count(number: int, slot: int) -> None:
    if number:
        rows(_COUNT, [COUNTED, slot % SLOTS, number])


_COUNT = f"""
    INSERT INTO {Counter._meta.db_table} AS c (name, slot, value) VALUES (%s, %s, %s)
    ON CONFLICT (name, slot) DO UPDATE SET value = c.value + excluded.value RETURNING id"""  # noqa: S608
