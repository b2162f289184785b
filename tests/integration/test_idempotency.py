"""The same order at the same time, from several threads with connections of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.contrib.auth.models import User
from django.db import connection

from jobs_app import orders
from jobs_app.models import Job

ORDER = orders.Order("examples.ising", [("a", {}), ("b", {})], "ising", parameters={"slices": 1})


@pytest.mark.django_db(transaction=True)
def test_equal_orders_at_the_same_time_make_their_jobs_once(alice: User) -> None:
    orders.create(alice, ORDER)  # its project and template are there
    Job.objects.all().delete()

    def ask(_: int) -> tuple[list[int], bool]:
        try:
            jobs, replayed = orders.create_once(alice, "k", ORDER)
            return [job.pk for job in jobs], replayed
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(ask, range(6)))
    assert Job.objects.count() == 2
    assert {tuple(pks) for pks, _ in answers} == {
        tuple(Job.objects.order_by("pk").values_list("pk", flat=True))
    }
    assert sorted(replayed for _, replayed in answers) == [False] + [True] * 5
