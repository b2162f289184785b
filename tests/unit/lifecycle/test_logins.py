"""All processes together keep to one budget of logins."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from jobs_app.lifecycle import logins
from jobs_app.models import Scheduler

pytestmark = pytest.mark.django_db


@pytest.fixture
def cluster() -> Scheduler:
    return Scheduler.objects.create(name="cluster", logins_per_hour=2)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    class Clock:
        time = datetime(2026, 5, 4, 22, 10, tzinfo=UTC)

        def now(self) -> datetime:
            return self.time

    clock = Clock()
    monkeypatch.setattr(logins, "timezone", clock)
    return clock


def test_logins_are_counted(cluster: Scheduler, clock: Any) -> None:
    logins.count(cluster.pk)
    logins.count(cluster.pk)
    cluster.refresh_from_db()
    assert (logins.this_hour(cluster), logins.today(cluster)) == (2, 2)


def test_who_would_go_beyond_the_budget_is_told_when_it_may(cluster: Scheduler, clock: Any) -> None:
    logins.count(cluster.pk)
    logins.count(cluster.pk)
    with pytest.raises(logins.TooManyLogins, match=r"2 logins of this hour .* before 23:00 UTC"):
        logins.count(cluster.pk)
    cluster.refresh_from_db()
    assert cluster.logins_today == 2


def test_the_next_hour_has_a_budget_of_its_own_and_the_day_goes_on(cluster: Scheduler, clock: Any) -> None:
    logins.count(cluster.pk)
    logins.count(cluster.pk)
    clock.time = datetime(2026, 5, 4, 23, 5, tzinfo=UTC)
    cluster.refresh_from_db()
    assert (logins.this_hour(cluster), logins.today(cluster)) == (0, 2)
    logins.count(cluster.pk)
    cluster.refresh_from_db()
    assert (logins.this_hour(cluster), logins.today(cluster)) == (1, 3)


def test_the_next_day_begins_at_none(cluster: Scheduler, clock: Any) -> None:
    logins.count(cluster.pk)
    clock.time = datetime(2026, 5, 5, 0, 1, tzinfo=UTC)
    cluster.refresh_from_db()
    assert logins.today(cluster) == 0
    logins.count(cluster.pk)
    cluster.refresh_from_db()
    assert (logins.this_hour(cluster), logins.today(cluster)) == (1, 1)


def test_a_budget_of_zero_is_none(cluster: Scheduler, clock: Any) -> None:
    Scheduler.objects.update(logins_per_hour=0)
    for _ in range(5):
        logins.count(cluster.pk)
    cluster.refresh_from_db()
    assert logins.today(cluster) == 5
