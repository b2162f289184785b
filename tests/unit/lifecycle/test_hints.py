"""What a courier does when somebody has called: one look, at all those jobs together."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app.lifecycle import execute, heard, hints
from jobs_app.lifecycle.heard import Call
from jobs_app.models import Attempt, Hint


@pytest.fixture
def asked(pool, monkeypatch) -> list[list[str]]:
    found: list[list[str]] = []
    query = pool.query

    def counted(tokens):
        found.append(sorted(tokens))
        return query(tokens)

    monkeypatch.setattr(pool, "query", counted)
    return found


@pytest.fixture
def jobs(courier, new_job) -> list[int]:
    """Sent a while ago."""
    found = [new_job(f"j{number}") for number in range(3)]
    for job in found:
        execute(job)
    courier.tick()
    Attempt.objects.update(sent=timezone.now() - timedelta(seconds=30))
    return [job.pk for job in found]


def look(courier) -> None:
    courier._looked = courier._hinted = -1000.0
    courier.tick()


def test_many_calls_about_several_jobs_are_one_question_to_the_pool(courier, jobs, asked):
    heard.hear([Call(pk, "10.0.0.1") for pk in jobs for _ in range(10)])
    look(courier)
    assert asked == [sorted(Attempt.objects.values_list("token", flat=True))]
    look(courier)
    assert len(asked) == 1
    assert set(Hint.objects.values_list("heard", flat=True)) == {10}


def test_calls_without_end_bring_no_look_before_its_time(courier, jobs, asked):
    for _ in range(5):
        heard.hear([Call(jobs[0], "10.0.0.1")])
        look(courier)
    assert len(asked) == 1
    Hint.objects.update(looked=timezone.now() - hints.AGAIN)
    look(courier)
    assert len(asked) == 2


def test_a_delayed_look_waits_in_the_database_for_its_time(courier, jobs, asked):
    heard.hear([Call(jobs[0], "10.0.0.1", delay=600)])
    look(courier)
    assert asked == []
    Hint.objects.update(due=timezone.now())
    look(courier)
    assert len(asked) == 1


def test_nobody_is_asked_about_what_was_just_sent(courier, jobs, asked):
    Attempt.objects.update(sent=timezone.now())
    heard.hear([Call(jobs[0], "10.0.0.1")])
    look(courier)
    assert asked == []


def test_the_same_in_one_go_is_taken_once(courier, jobs):
    call = Call(jobs[0], "10.0.0.1", version="1.0", nonce="n", said={"message": "x"})
    verdicts = [each.verdict.value for each in heard.hear([call, call])]
    assert verdicts == ["taken", "repeated"]
