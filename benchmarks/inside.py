"""What runs in a process of the measured home: `python -m benchmarks.inside FUNCTION ARGUMENTS INTO`."""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any


def build(method: str, xs: Sequence[int], **parameters: Any) -> list[float]:
    manager = _manager()
    return [_seconds(partial(manager.build, method, x=x, **parameters)) for x in xs]


def create(count: int) -> list[float]:
    """Seconds that each create_job and save takes."""
    manager, user = _manager(), _user()

    def one(number: int) -> None:
        manager.create_job(name=f"job {number}", user=user, template_name="basic").save()

    return [_seconds(partial(one, number)) for number in range(count)]


def create_in_bulk(count: int) -> float:
    """Seconds that one call for so many jobs takes."""
    manager, user = _manager(), _user()
    names = [f"job {number}" for number in range(count)]
    return _seconds(partial(manager.create_jobs, names, user, template_name="basic"))


def let_see_all_jobs() -> None:
    """The person at this terminal is one of the staff from now on."""
    from jobs_app.management import person

    user = person.local()
    user.is_staff = True
    user.save()


def list_page(
    count: int, user: str = "", reverse: bool = False, offset: int = 0, after: int = 0
) -> list[float]:
    """Seconds that a page of 100 rows takes."""
    manager, owner = _manager(), _user(user) if user else None
    order = "-id" if reverse else "id"
    filters = {"pk__gt": after} if after else None

    def page() -> None:
        rows = list(manager.list_jobs(owner, order_by=order, filters=filters)[offset : offset + 100])
        assert len(rows) == 100, f"the page has {len(rows)} rows"

    return [_seconds(page) for _ in range(count)]


def clone(count: int) -> None:
    """More finished jobs: copies of the newest one, each with an address of its own."""
    from django.db import transaction

    from jobs_app.models import Attempt, Job

    users = [_user(f"user{number}").pk for number in range(100)]
    original = Job.objects.order_by("-id")[0]
    with transaction.atomic():
        job = {"address": "lower(hex(randomblob(16)))", "user_id": f"{users[0]} + n % {len(users)}"}
        _copy(Job, original.pk, count, {"id": f"{original.pk} + n", **job})
        attempt = {"job_id": f"{original.pk} + n", "token": "lower(hex(randomblob(16)))"}
        _copy(Attempt, original.attempts.get().pk, count, {"id": "NULL", **attempt})


def _copy(model: Any, pk: int, count: int, changed: dict[str, str]) -> None:
    """SQLite makes the rows itself: a million in seconds. `changed` may speak of n, which counts from 1."""
    from django.db import connection

    names = [field.column for field in model._meta.concrete_fields if not field.generated]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(name, f'original."{name}"') for name in names)
    table = model._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < %s) "
            f"INSERT INTO {table} ({columns}) "
            f"SELECT {values} FROM counter, {table} original WHERE original.id = %s",
            [count, pk],
        )


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _manager() -> Any:
    from benchmarks.work.app import Work

    return Work.get_job_manager()


def _user(name: str = "alice") -> Any:
    from django.contrib.auth import get_user_model

    return get_user_model().objects.get_or_create(username=name)[0]


def main(function: str, arguments: str, into: str) -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    module, _, name = function.rpartition(":")
    place = importlib.import_module(f"benchmarks.{module}") if module else sys.modules[__name__]
    answer = getattr(place, name)(**json.loads(arguments))
    Path(into).write_text(json.dumps(answer))


if __name__ == "__main__":
    main(*sys.argv[1:])
