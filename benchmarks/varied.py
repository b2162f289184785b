"""A million jobs of many kinds, as the jobs table and the API have to find their way through: 100 people,
their groups, states as they are found (most jobs are over), templates, dates, names, state points, shares.

On SQLite they are made once and kept; on PostgreSQL in a server of the measurement's own.
"""

from __future__ import annotations

import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.home import ROOT, Home
from benchmarks.million import CACHE
from tests import servers

ROWS = 1_000_000
OLD = 3600.0  # seconds
PEOPLE = 100
FEW, MANY = 1_000, 100_000  # jobs that are shared with the two groups


@contextmanager
def on_sqlite(folder: Path, say: Callable[[str], None]) -> Iterator[Home]:
    """A copy, which may be written."""
    kept = CACHE / f"varied-{_schema()}"
    if not (kept / "complete").exists():
        say(f"making {ROWS:,} varied jobs in {kept} (once) ...")
        _forget_old()
        with Home(kept) as made:
            made.call("varied:fill", count=ROWS)
        (kept / "complete").touch()
    shutil.copytree(kept, folder)
    with Home(folder) as ours:
        yield ours


@contextmanager
def on_postgresql(folder: Path, say: Callable[[str], None], **settings: str) -> Iterator[Home]:
    with servers.postgres() as url, Home(folder, ROOST_DATABASE_URL=url, **settings) as ours:
        say(f"making {ROWS:,} varied jobs on PostgreSQL ...")
        ours.call("varied:fill", count=ROWS)
        yield ours


def _forget_old() -> None:
    """Those of other schemas; not what another measurement is just making."""
    for other in CACHE.glob("varied-*"):
        if time.time() - other.stat().st_mtime > OLD:
            shutil.rmtree(other)


def _schema() -> str:
    digest = hashlib.sha256(Path(__file__).read_bytes())
    for file in sorted((ROOT / "jobs_app" / "migrations").glob("*.py")):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:12]


# --- inside -------------------------------------------------------------------------------------------------


def fill(count: int) -> None:
    """The database makes the rows itself."""
    from django.core.management.color import no_style
    from django.db import connection, transaction

    from jobs_app.models import Job

    people = _people()
    first = _first(people[0])
    with transaction.atomic():
        _copy(first, count - 1, _changed(people, first))
        _share("few", FEW, count)
        _share("many", MANY, count)
    with connection.cursor() as cursor:
        for reset in connection.ops.sequence_reset_sql(no_style(), [Job]):
            cursor.execute(reset)
        cursor.execute("ANALYZE" if connection.vendor == "sqlite" else "VACUUM ANALYZE")


def _people() -> list[Any]:
    from django.contrib.auth.models import Group, User

    few, many = (Group.objects.create(name=name) for name in ("few", "many"))
    people = [User.objects.create_user(f"user{number}") for number in range(PEOPLE)]
    few.user_set.set(people[10:20])
    many.user_set.set(people[20:30])
    User.objects.create_user("operator", is_staff=True)
    return people


def _first(user: Any) -> Any:
    from jobs_app.models import Job, Scheduler, Template

    for name in ("east", "west"):
        Scheduler.objects.create(name=name, kind=Scheduler.EXTERNAL)
    for number in range(10):
        Template.objects.create(app=f"app{number % 5}", name=f"template{number}", type="SCRIPT", digest="x")
    from benchmarks.inside import _manager

    job = _manager().create_job("job 0", user, template_name="basic")
    job.save()
    return Job.objects.get(pk=job.pk)


def _changed(people: list[Any], first: Any) -> dict[str, str]:
    """What differs from the first one, in SQL that may speak of n. Primes keep the columns independent."""
    from jobs_app.models import Scheduler, Template

    templates = Template.objects.filter(name__startswith="template").order_by("pk")
    pools = Scheduler.objects.filter(name__in=["east", "west"]).order_by("pk")
    state = (
        "CASE WHEN n % 1000 < 930 THEN 'COM' WHEN n % 1000 < 970 THEN 'ERR' WHEN n % 1000 < 990 THEN 'ABT' "
        "WHEN n % 1000 < 994 THEN 'RUN' WHEN n % 1000 < 996 THEN 'SUB' WHEN n % 1000 < 998 THEN 'HLD' "
        "ELSE 'PEN' END"
    )
    return {
        "id": f"{first.pk} + n",
        "status": state,
        "app": "'app' || ((n / 7) % 5)",
        "user_id": f"{people[0].pk} + (n / 3) % {len(people)}",
        "template_id": f"{templates[0].pk} + (n / 11) % 10",
        "scheduler_id": f"{pools[0].pk} + (n / 13) % 2",
        "name": "'run ' || ((CAST(n AS bigint) * 7919) % 1000003) || ' of the ' || (n % 97) || '. basin'",
        "address": "NULL",
        "statepoint": _statepoint(),
        "creation_time": _moment(30),
        "completion_time": f"CASE WHEN n % 1000 < 990 THEN {_moment(25)} END",
        "slices_total": "1 + n % 100",
    }


def _statepoint() -> str:
    from django.db import connection

    text = """'{"a": ' || (n % 1000) || ', "b": {"c": ' || (n % 7) || '}}'"""
    return f"({text})::jsonb" if connection.vendor == "postgresql" else text


def _moment(seconds: int) -> str:
    """So many seconds between one and the next: a million in a year."""
    from django.db import connection

    back = f"(1000000 - n) * {seconds}"
    if connection.vendor == "postgresql":
        return f"now() - {back} * interval '1 second'"
    return f"strftime('%%Y-%%m-%%d %%H:%%M:%%f', 'now', '-' || ({back}) || ' seconds')"


def _copy(first: Any, count: int, changed: dict[str, str]) -> None:
    from django.db import connection

    from jobs_app.models import Job

    names = [field.column for field in Job._meta.concrete_fields if not field.generated]
    columns = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(changed.get(str(name), f'first."{name}"') for name in names)
    with connection.cursor() as cursor:
        cursor.execute(
            "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < %s) "
            f"INSERT INTO jobs_app_job ({columns}) "
            f"SELECT {values.replace('% ', '%% ')} FROM counter, jobs_app_job first WHERE first.id = %s",
            [count, first.pk],
        )


def _share(group: str, number: int, of: int) -> None:
    from django.contrib.auth.models import Group

    from jobs_app.models import Job, JobShare

    first = Job.objects.order_by("pk").values_list("pk", flat=True)[0]
    to = Group.objects.get(name=group).pk
    rows = (JobShare(job_id=first + place, group_id=to) for place in range(0, of, of // number))
    JobShare.objects.bulk_create(rows, batch_size=5_000)
