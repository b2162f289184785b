"""Figures for Prometheus, in its text format. What is final may be much: it is counted now and then."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.db.models import Avg, Count, F, Max, Sum
from django.utils import timezone

from jobs_app import health, states
from jobs_app.lifecycle.heartbeat import BACKGROUND
from jobs_app.models import Attempt, AttemptPhase, Counter, Heartbeat, Hint, Job, Notice, Scheduler

FINAL_EVERY = 60.0  # seconds
RECENT = timedelta(minutes=5)

Sample = tuple[Mapping[str, str], float]
Family = tuple[str, str, str, Iterable[Sample]]  # name, kind, help, samples

_kept: dict[str, tuple[float, Any]] = {}


def text() -> str:
    return "".join(line for family in families() for line in _lines(*family))


def families() -> Iterator[Family]:
    yield "roost_jobs", "gauge", "Jobs by state.", _jobs()
    yield "roost_attempts", "gauge", "Attempts that are not over, by scheduler and phase.", _attempts()
    yield from _schedulers()
    yield "roost_ended_recently", "gauge", "Attempts that ended in the last 5 minutes, by status.", _ended()
    yield "roost_run_seconds_recently", "gauge", "Mean time from start to end of those.", _durations()
    yield "roost_callbacks_total", "counter", "Callbacks that were accepted.", _counted("callbacks")
    yield "roost_looks_waiting", "gauge", "Looks that callbacks asked for.", _one(_looks_waiting())
    yield "roost_notices", "gauge", "Notices that wait, and those given up.", _notices()
    yield "roost_background_age_seconds", "gauge", "Since the background was seen to work.", _background_age()


def _lines(name: str, kind: str, help: str, samples: Iterable[Sample]) -> Iterator[str]:
    yield f"# HELP {name} {help}\n# TYPE {name} {kind}\n"
    for labels, value in samples:
        yield f"{name}{_labels(labels)} {value:.10g}\n"


def _labels(labels: Mapping[str, str]) -> str:
    return (
        "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"
        if labels
        else ""
    )


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _one(value: float | None) -> list[Sample]:
    return [] if value is None else [({}, value)]


def _now_and_then(name: str, look: Callable[[], Any]) -> Any:
    at, value = _kept.get(name, (0.0, None))
    if time.monotonic() - at > FINAL_EVERY or value is None:
        value = look()
        _kept[name] = (time.monotonic(), value)
    return value


def _jobs() -> list[Sample]:
    found = {**_now_and_then("final", _count_final), **_count_active()}
    return [({"state": state.word}, found.get(code, 0)) for code, state in states.JOB_STATES.items()]


def _count_final() -> dict[str, int]:
    """And those that were never executed. An index alone tells, whatever their number."""
    rows = Job.objects.exclude(stage=states.AT_WORK).order_by()
    return dict(rows.values_list("stage").annotate(count=Count("id")))


def _count_active() -> dict[str, int]:
    rows = Job.objects.filter(stage=states.AT_WORK).order_by()
    return dict(rows.values_list("_status").annotate(count=Count("id")))


def _attempts() -> list[Sample]:
    live = Attempt.objects.filter(phase__in=[phase for phase in AttemptPhase if phase != AttemptPhase.FINAL])
    found = live.order_by().values_list("scheduler__name", "phase").annotate(count=Count("id"))
    return [({"scheduler": name or "", "phase": phase}, count) for name, phase, count in found]


def _schedulers() -> Iterator[Family]:
    known = [(scheduler, health.of(scheduler)) for scheduler in Scheduler.objects.all()]
    for name, (what, look) in _OF_SCHEDULER.items():
        samples = [
            ({"scheduler": row.name}, value) for row, each in known if (value := look(each)) is not None
        ]
        yield f"roost_scheduler_{name}", "gauge", what, samples


_OF_SCHEDULER: dict[str, tuple[str, Callable[[Mapping[str, Any]], float | None]]] = {
    "sends": ("Whether jobs are sent there.", lambda known: float(known["sends"])),
    "troubles": ("What an operator should look at.", lambda known: len(known["troubles"])),
    "courier_alive": ("Whether a courier works for it.", lambda known: float(known["courier"]["alive"])),
    "view_age_seconds": ("Since something was read from it.", lambda known: known["view"]["age"]),
    "lag_p50_seconds": ("From an event to its record.", lambda known: _lag(known, "p50")),
    "lag_p99_seconds": ("From an event to its record.", lambda known: _lag(known, "p99")),
    "submit_p50_seconds": (
        "From the decision to send to the pool's word.",
        lambda known: known["submit"]["p50"],
    ),
    "submit_p99_seconds": (
        "From the decision to send to the pool's word.",
        lambda known: known["submit"]["p99"],
    ),
    "submits_last_hour": (
        "Batches that were sent in the last hour.",
        lambda known: known["submit"]["batches"],
    ),
    "logins_today": ("Logins of all processes.", lambda known: known["logins"]["today"]),
    "failures": ("Failures of the link in a row.", lambda known: known["link"]["failures"]),
}


def _lag(known: Mapping[str, Any], quantile: str) -> float | None:
    lag = known["view"]["lag"]
    return lag.get(quantile) if isinstance(lag, Mapping) else None


def _recent() -> Any:
    """Jobs, for those have an index of their ends."""
    return Job.objects.filter(completion_time__gt=timezone.now() - RECENT).order_by()


def _ended() -> list[Sample]:
    found = _recent().values_list("_status").annotate(count=Count("id"))
    return [({"state": states.JOB_STATES[code].word}, count) for code, count in found]


def _durations() -> list[Sample]:
    started = _recent().exclude(start_time=None)
    mean = started.aggregate(mean=Avg(F("completion_time") - F("start_time")))["mean"]
    return _one(mean.total_seconds() if mean is not None else None)


def _counted(name: str) -> list[Sample]:
    return _one(Counter.objects.filter(name=name).aggregate(all=Sum("value"))["all"] or 0)


def _looks_waiting() -> int:
    return Hint.objects.filter(due__isnull=False).count()


def _notices() -> list[Sample]:
    open_ones = Notice.objects.exclude(state=Notice.SENT).order_by()
    return [
        ({"state": state}, count)
        for state, count in open_ones.values_list("state").annotate(count=Count("id"))
    ]


def _background_age() -> list[Sample]:
    at = Heartbeat.objects.filter(name=BACKGROUND).aggregate(at=Max("at"))["at"]
    return _one((timezone.now() - at).total_seconds() if at else None)
