"""Couriers, threads and the embedded pool together: jobs go on with nobody watching."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from jobs_app import background, conf, courier
from jobs_app.courier import LOOK_EVERY
from jobs_app.errors import JobHeld
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler
from jobs_app.pools.embedded.client import EmbeddedPool
from tests.embedded import end_all, wait_for
from tests.lab import Lab, lab

pytestmark = pytest.mark.django_db(transaction=True)

THREE_STEPS = """
options = {"fail": -1}


def prepare():
    return 10


def analysis(sliceno, prepare_res):
    if sliceno == options.fail:
        raise ValueError("slice %d was told to fail" % sliceno)
    with open("ran.%d" % sliceno, "a") as file:
        file.write("x")
    return prepare_res + sliceno


def synthesis(analysis_res, job):
    total = sum(analysis_res)
    job.json_save(total, "total.json")
    return total
"""

HUNGRY = """
import time


def synthesis():
    data = bytearray(400 << 20)
    time.sleep(0.6)
    return len(data)
"""

UNPREPARED = """
def prepare():
    raise ValueError("not today")


def analysis(sliceno):
    return sliceno
"""

PARENT = """
from jobs_app.script.subjobs import build


def synthesis():
    return build("three", slices=2).load() + 1
"""

SLEEPER = """
import time


def synthesis(job):
    with job.open("started", "w") as file:
        file.write("x")
    time.sleep(60)
"""


@pytest.fixture
def home(tmp_path: Path, settings: Any) -> Iterator[Path]:
    settings.ROOST_HOME = tmp_path / "home"
    settings.ROOST_SLOTS = 2
    yield settings.ROOST_HOME
    end_all(tmp_path, EmbeddedPool(settings.ROOST_HOME / "pool"))


@pytest.fixture
def app(tmp_path: Path, home: Path) -> Iterator[Lab]:
    with lab(tmp_path / "apps") as made:
        made.script("three", THREE_STEPS)
        made.script("parent", PARENT)
        made.script("sleeper", SLEEPER)
        made.script("hungry", HUNGRY)
        made.script("unprepared", UNPREPARED)
        yield made


@pytest.fixture
def serving(home: Path) -> Iterator[None]:
    """Background work as in `manage.py serve`."""
    stop = threading.Event()
    threads = background.start_threads(stop)
    yield
    stop.set()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def is_over(job: Job) -> Callable[[], bool]:
    def over() -> bool:
        job.refresh_status()
        return job.is_final

    return over


def test_a_script_job_goes_its_way_with_nobody_watching(app: Lab, serving: None) -> None:
    job = app.jobs.create_job("one", None, job_type="SCRIPT", method="three", slices=3)
    job.execute()
    wait_for(is_over(job))
    assert (job.status, job.status_message) == ("Complete", "")
    assert (job.slices_total, job.slices_done) == (3, 3)
    assert (job.directory / "total.json").read_text().strip() == "33"


def test_a_plain_script_waits_and_does_the_work_itself(app: Lab, home: Path) -> None:
    assert app.jobs.build("three", slices=2).load() == 21
    assert Scheduler.objects.get().courier_until is None


def test_a_parent_waits_for_its_subjob(app: Lab, home: Path) -> None:
    assert app.jobs.build("parent").load() == 22
    parent, subjob = Job.objects.order_by("pk")
    assert subjob.parent == parent


def test_a_parent_waits_for_its_subjob_with_nobody_watching(app: Lab, serving: None) -> None:
    job = app.jobs.create_job("parent", None, job_type="SCRIPT", method="parent")
    job.execute()
    wait_for(is_over(job))
    assert job.status == "Complete"


def test_a_waiting_process_leaves_the_work_to_the_courier(app: Lab, serving: None) -> None:
    wait_for(lambda: Scheduler.objects.exclude(courier_until=None).exists())
    assert app.jobs.build("three", slices=2).load() == 21


def test_the_failed_slice_is_named_and_run_again_alone(app: Lab, home: Path) -> None:
    job = app.jobs.create_job(
        "failing", None, job_type="SCRIPT", method="three", slices=4, options={"fail": 2}
    )
    job.execute()
    assert job.wait(60)
    assert job.status == "Error"
    assert "Slice 2 failed: ValueError: slice 2 was told to fail" in job.status_message
    source = next(job.paths.source.glob("a_three.py"))
    source.write_text(source.read_text().replace("options.fail", "99"))
    job.rerun_failed()
    assert job.wait(60)
    assert (job.status, job.status_message) == ("Complete", "")
    assert (job.directory / "total.json").read_text().strip() == "46"
    assert [len((job.directory / f"ran.{sliceno}").read_text()) for sliceno in range(4)] == [1, 1, 1, 1]


def test_a_job_that_needs_more_memory_gets_it_and_goes_on(app: Lab) -> None:
    with pytest.raises(JobHeld, match=r"is Held: used \d+ MB of the 150 MB.*jobs resume \d+ memory=300MB"):
        app.jobs.build("hungry", memory=150)
    with pytest.raises(JobHeld, match="is Held"):
        app.jobs.build("hungry")
    assert app.jobs.build("hungry", memory="2 GB").load() == 400 << 20
    job = Job.objects.get()
    assert (job.number_of_attempts, job.parameters["memory"]) == (1, 2048)


def test_who_resumes_a_held_job_may_wait_for_it_at_once(app: Lab) -> None:
    job = app.jobs.create_job("hungry", None, job_type="SCRIPT", method="hungry", memory=150)
    job.execute()
    with pytest.raises(JobHeld):
        job.wait(60)
    other = Job.objects.get()
    other.resume(memory="2 GB")
    assert other.wait(60)
    assert job.wait(60)
    assert job.status == "Complete"


def test_a_step_that_fails_before_the_slices_is_not_counted_as_one(app: Lab) -> None:
    job = app.jobs.create_job("unprepared", None, job_type="SCRIPT", method="unprepared", slices=2)
    job.execute()
    assert job.wait(60)
    assert (job.status, job.slices_total, job.slices_failed, job.slices_done) == ("Error", 2, 0, 0)


def test_a_running_job_can_be_stopped(app: Lab, serving: None) -> None:
    job = app.jobs.create_job("sleeper", None, job_type="SCRIPT", method="sleeper")
    job.execute()
    wait_for((job.directory / "started").exists)
    job.stop()
    wait_for(is_over(job))
    assert job.status == "Aborted"
    assert job.status_message == "Stopped by program."


def test_jobs_of_another_process_are_heard_of_at_once(app: Lab, serving: None) -> None:
    """The nudge crosses the border between the processes; looking by itself would take longer."""
    delays = [seconds_to_be_sent(app) for _ in range(4)]
    assert min(delays[1:]) < LOOK_EVERY / 4  # the first one starts the pool


def seconds_to_be_sent(app: Lab) -> float:
    job = app.jobs.create_job("quick", None, job_type="CONDORJOB", executable="/bin/true")
    job.save()
    assert run_elsewhere("job.execute()", job, app) == (0, "")
    wait_for(is_over(job))
    sent = Attempt.objects.get(job=job).sent
    assert sent is not None
    assert job.execute_time is not None
    return (sent - job.execute_time).total_seconds()


def test_the_results_function_runs_in_a_worker(app: Lab, serving: None) -> None:
    job = app.jobs.create_job(
        "processed",
        None,
        job_type="CONDORJOB",
        executable="/bin/true",
        process_results_function="tests.integration.test_courier.tell_thread",
    )
    job.execute()
    wait_for(is_over(job))
    assert job.status == "Complete"
    assert (job.directory / "thread").read_text().startswith("finish")


def tell_thread(job: Job) -> None:
    (job.directory / "thread").write_text(threading.current_thread().name)


# --- processes that die -----------------------------------------------------------------------------------

SETUP = """
import os, sys, time
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
from django.conf import settings
settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from jobs_app.models import Job
job = Job.objects.get(pk=int(sys.argv[2]))
"""


def begin_elsewhere(code: str, job: Job, app: Lab, **environment: str) -> subprocess.Popen[str]:
    from django.db import connection

    name = str(connection.settings_dict["NAME"])
    return subprocess.Popen(
        [sys.executable, "-c", SETUP + code, name, str(job.pk)],
        env={
            **os.environ,
            "ROOST_HOME": str(conf.home()),
            "ROOST_APPS": app.package,
            "PYTHONPATH": f"{app.scripts.parents[1]}:{Path.cwd()}",
            **environment,
        },
        stdout=subprocess.PIPE,
        text=True,
    )


def run_elsewhere(code: str, job: Job, app: Lab, **environment: str) -> tuple[int, str]:
    process = begin_elsewhere(code, job, app, **environment)
    said = process.communicate(timeout=60)[0]
    return process.returncode, said.strip()


def test_what_a_script_did_not_wait_for_is_sent_when_it_ends(app: Lab, home: Path) -> None:
    job = app.jobs.create_job("left", None, job_type="CONDORJOB", executable="/bin/sleep", arguments="2")
    job.save()
    assert run_elsewhere("job.execute()", job, app) == (0, "")
    assert Attempt.objects.get(job=job).phase == AttemptPhase.SENT
    assert job.wait(60)
    assert job.status == "Complete"


@pytest.mark.parametrize(
    "place",
    [
        "execute.directory-made",
        "begin.before-commit",
        "begin.committed",
        "prepare.cleared",
        "prepare.spec-written",
        "courier.batch-committed",
        "client.sent",
        "courier.sent",
        "courier.sent-recorded",
        "record.before-commit",
        "record.committed",
        "finish.fetched",
        "finish.before-commit",
        "finish.committed",
    ],
)
def test_a_courier_killed_at_any_place_loses_nothing(app: Lab, home: Path, place: str) -> None:
    job = app.jobs.create_job("killed", None, job_type="SCRIPT", method="three", slices=2)
    job.save()
    assert run_elsewhere("job.execute(); job.wait(60)", job, app, ROOST_KILL_AT=place)[0] == -signal.SIGKILL
    job.refresh_from_db()
    if job._status == "PEN":
        job.execute()
    assert job.wait(60)
    assert (job.status, job.status_message) == ("Complete", "")
    assert Attempt.objects.filter(job=job).count() == 1
    assert (job.directory / "total.json").read_text().strip() == "21"
    assert [(job.directory / f"ran.{sliceno}").read_text() for sliceno in range(2)] == ["x", "x"]


def test_two_processes_that_execute_one_job_run_it_once(app: Lab, home: Path) -> None:
    job = app.jobs.create_job("both", None, job_type="CONDORJOB", executable="/bin/true")
    job.save()
    code = """
from jobs_app.errors import WrongState
try:
    time.sleep(max(0, float(os.environ["START"]) - time.time()))
    job.execute()
    print("mine")
except WrongState:
    print("theirs")
"""
    start = str(time.time() + 1.5)
    processes = [begin_elsewhere(code, job, app, START=start) for _ in range(3)]
    said = sorted(process.communicate(timeout=60)[0].strip() for process in processes)
    assert said == ["mine", "theirs", "theirs"]
    assert Attempt.objects.filter(job=job).count() == 1
    assert job.wait(60)


def removed_while_it_works(scheduler: Scheduler) -> threading.Thread:
    thread = threading.Thread(target=_be_courier, args=(scheduler,), daemon=True)
    thread.start()
    wait_for(lambda: Scheduler.objects.get(pk=scheduler.pk).courier != "", 60)
    Scheduler.objects.filter(pk=scheduler.pk).delete()
    thread.join(60)
    return thread


def _be_courier(scheduler: Scheduler) -> None:
    try:
        courier.run(scheduler, threading.Event())
    finally:
        connection.close()


@pytest.mark.parametrize("first_seen_by", ["its row", "its lease"])
def test_the_courier_of_a_scheduler_that_is_gone_ends_quietly(
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    first_seen_by: str,
) -> None:
    settings.ROOST_HOME = tmp_path / "home"
    if first_seen_by == "its lease":
        monkeypatch.setattr(courier.Courier, "_look_now_and_then", lambda _: None)
        monkeypatch.setattr(courier.lease, "SECONDS", 0.3)
    scheduler = Scheduler.objects.create(name="soon gone", kind=Scheduler.EMBEDDED)
    thread = removed_while_it_works(scheduler)
    assert not thread.is_alive()
    assert [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []
