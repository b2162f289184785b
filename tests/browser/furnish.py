"""Users, sessions and jobs in all states, for a server that browsers look at. Prints the sessions' keys.

python -m tests.browser.furnish 1000     # and so many finished jobs more
"""

from __future__ import annotations

import datetime
import json
import os
import sys
from typing import Any

PASSWORD = "correct horse battery"
NOW = datetime.datetime(2026, 3, 14, 9, 26, 53, tzinfo=datetime.UTC)
STATES = {
    "PEN": ("draft", ""),
    "HLD": ("thirsty", "2310 MB used, 2048 MB asked for."),
    "PAS": ("resting", "Paused by alice."),
    "ERR": ("broken", "analysis, slice 2: ValueError: a gust of 12 broke the mast"),
    "VCP": ("half done", "1 of 4 slices failed."),
    "ABT": ("stopped", "Stopped by alice."),
    "COM": ("finished", ""),
}
LENGTH = datetime.timedelta(minutes=3, seconds=7)


def main() -> None:
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    from django.contrib.auth.models import Group, User

    group = Group.objects.create(name="hydrology")
    alice, staff = User.objects.create_user("alice", password=PASSWORD), User.objects.create_superuser("olga")
    crowd, ada = User.objects.create_user("crowd"), User.objects.create_user("ada")
    alice.groups.add(group)
    _in_all_states(alice)
    _real(alice)
    _of_a_working_day(ada)
    from tests.browser import showcase

    jobs = showcase.furnish()
    if len(sys.argv) > 1:
        _many(crowd, int(sys.argv[1]))
    people = (alice, staff, crowd, ada, User.objects.get(username="grace"))
    print(json.dumps({"sessions": {user.username: session(user) for user in people}, "jobs": jobs}))


def session(user: Any) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    store = SessionStore()
    store[SESSION_KEY] = str(user.pk)
    store[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    store[HASH_SESSION_KEY] = user.get_session_auth_hash()
    store.create()
    return str(store.session_key)


def _in_all_states(owner: Any) -> None:
    """As if the lifecycle had brought them there: rows without a pool behind them."""
    for code, (name, why) in STATES.items():
        _job(owner, code, name, why)


def _real(owner: Any) -> None:
    """One that the server runs as soon as it is there."""
    from jobs_app.manager import JobManager

    job = JobManager("tests.browser.lab").create_job("real", owner, "forecast", slices=2)
    job.execute()


def _of_a_working_day(owner: Any) -> None:
    """For the pictures."""
    from jobs_app.models import Job

    for minutes, (code, name, why, total, done, failed, held, running) in enumerate(DAY):
        job = _job(owner, code, name, why)
        began = NOW + datetime.timedelta(minutes=7 * minutes)
        length = datetime.timedelta(minutes=3 + minutes, seconds=7 * minutes)
        Job.objects.filter(pk=job.pk).update(
            app="hydrology",
            slices_total=total,
            slices_done=done,
            slices_failed=failed,
            slices_held=held,
            slices_running=running,
            creation_time=began,
            start_time=began if code != "PEN" else None,
            completion_time=began + length if code in ("COM", "VCP", "ERR", "ABT") else None,
        )


DAY = (
    ("COM", "glacier melt 1990-2020", "", 360, 360, 0, 0, 0),
    ("VCP", "river stages", "3 of 96 slices failed.", 96, 93, 3, 0, 0),
    ("COM", "snow model", "", 24, 24, 0, 0, 0),
    (
        "HLD",
        "flood map, 1 m grid",
        "2310 MB used, 2048 MB asked for.",
        16,
        9,
        0,
        7,
        0,
    ),
    (
        "ERR",
        "evaporation, new coefficients",
        "analysis, slice 2: ValueError: no wind at station 14",
        8,
        5,
        1,
        0,
        0,
    ),
    ("RUN", "ensemble forecast", "", 1000, 612, 0, 0, 64),
    ("RUN", "sensitivity to soil depth", "", 48, 20, 0, 0, 12),
    ("SUB", "sediment transport", "", 120, 0, 0, 0, 0),
    ("PEN", "next week's forecast", "", 24, 0, 0, 0, 0),
)


def _job(owner: Any, code: str, name: str, why: str, **more: Any) -> Any:
    from jobs_app.manager import JobManager
    from jobs_app.models import History, Job

    job = JobManager("tests.browser.lab").create_job(name, owner, "storm", **more)
    job.save()
    began = code != "PEN"
    Job.objects.filter(pk=job.pk).update(
        _status=code,
        status_message=why,
        number_of_attempts=int(began),
        slices_total=4,
        slices_done={"COM": 4, "VCP": 3, "ERR": 1, "HLD": 2}.get(code, 0),
        slices_failed=int(code in ("VCP", "ERR")),
        slices_held=2 * (code == "HLD"),
        creation_time=NOW,
        start_time=NOW if began else None,
        completion_time=NOW + LENGTH if code in ("COM", "VCP", "ERR", "ABT") else None,
    )
    History.objects.create(job=job, actor="alice", why="Created.", after="PEN")
    return job


def _many(owner: Any, count: int) -> None:
    """The database makes them itself: copies of one."""
    from django.db import connection

    from jobs_app.models import Job

    job = _job(owner, "COM", "one of many", "", description="the needle")
    columns = [field.column for field in Job._meta.concrete_fields if not field.generated]
    later = "'2026-06-01 00:00:00'"
    changed = {"id": f"{job.pk} + n", "name": "'one of many ' || n", "creation_time": later}
    changed["description"] = "''"
    values = ", ".join(changed.get(name, f'original."{name}"') for name in columns)
    names = ", ".join(f'"{name}"' for name in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("PRAGMA synchronous = OFF")
        cursor.execute(
            "WITH RECURSIVE counter(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counter WHERE n < %s) "
            f"INSERT INTO {Job._meta.db_table} ({names}) "
            f"SELECT {values} FROM counter, {Job._meta.db_table} original WHERE original.id = %s",
            [count, job.pk],
        )
        cursor.execute("ANALYZE")


if __name__ == "__main__":
    main()
