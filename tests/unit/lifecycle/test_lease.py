from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from jobs_app.compute import embedded
from jobs_app.courier import Courier, LostLease
from jobs_app.lifecycle import lease
from jobs_app.lifecycle.sweep import OLD, sweep, sweep_disk
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler

from .fake_pool import FakePool

NewJob = Callable[..., Job]


def dead_holder() -> str:
    """As a process of this host would have called itself that is no more."""
    code = "from jobs_app.lifecycle.lease import new_holder; print(new_holder())"
    setup = "import os, django; os.environ['DJANGO_SETTINGS_MODULE'] = 'config.settings'; django.setup(); "
    done = subprocess.run([sys.executable, "-c", setup + code], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_a_living_process_is_not_dead() -> None:
    assert not lease.is_dead(lease.new_holder())


def test_a_process_that_ended_is_dead() -> None:
    holder = dead_holder()
    assert str(os.getpid()) not in holder
    assert lease.is_dead(holder)


def test_a_later_process_with_the_same_number_is_another_one() -> None:
    host, pid, start, number = lease.new_holder().split(":")
    assert lease.is_dead(f"{host}:{pid}:{int(start) - 1}:{number}")


def test_of_a_process_on_another_host_nothing_is_known() -> None:
    assert not lease.is_dead("elsewhere:1:1:1")


def test_there_is_one_courier_a_scheduler(courier: Courier) -> None:
    assert Courier(courier.link.scheduler).take() is False


def test_a_lease_that_was_given_back_is_free(courier: Courier) -> None:
    courier.release()
    other = Courier(courier.link.scheduler)
    assert other.take()
    other.close()


def test_the_lease_of_a_dead_process_is_taken_over_at_once(db: None) -> None:
    scheduler = embedded()
    Scheduler.objects.update(courier=dead_holder(), courier_until=lease.until())
    assert lease.take(scheduler.pk, lease.new_holder())


def test_a_lease_on_another_host_has_to_run_out(db: None) -> None:
    scheduler = embedded()
    Scheduler.objects.update(courier="elsewhere:1:1:1", courier_until=lease.until())
    assert not lease.take(scheduler.pk, lease.new_holder())
    Scheduler.objects.update(courier_until=timezone.now() - timedelta(seconds=1))
    assert lease.take(scheduler.pk, lease.new_holder())


def test_a_courier_whose_lease_was_taken_over_stops(courier: Courier) -> None:
    Scheduler.objects.update(courier="elsewhere:1:1:1")
    courier._renewed -= lease.SECONDS
    with pytest.raises(LostLease):
        courier.tick()


def test_what_was_forgotten_while_blocked_is_released_by_the_sweeper(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    first = new_job("first")
    second = new_job("second", after=[first])
    second.execute()
    Job.objects.filter(pk=first.pk).update(_status="COM")
    sweep()
    assert Attempt.objects.get(job=second).phase == AttemptPhase.WAITING


def test_half_built_and_half_deleted_directories_go_when_they_are_old(
    new_job: NewJob, courier: Courier
) -> None:
    job = new_job()
    job.execute()
    workspace = job.project.workspace
    building, deleted, young = (
        workspace / f".{job.address}.aaaa",
        workspace / f".deleted.{job.address}.bbbb",
        workspace / f".{job.address}.cccc",
    )
    for path in (building, deleted, young):
        path.mkdir()
        (path / "file").write_text("x")
    for path in (building, deleted):
        long_ago = path.stat().st_mtime - 2 * OLD
        os.utime(path, (long_ago, long_ago))
    sweep_disk()
    assert sorted(path.name for path in workspace.iterdir()) == sorted([young.name, job.address or ""])


def test_who_helps_and_is_overtaken_begins_anew(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    from jobs_app.models import Segment
    from jobs_app.pools.base import EventKind

    job = new_job()
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED)
    Segment.objects.update(offset=1)
    courier._segments = {one.pk: one for one in Segment.objects.all()}
    Segment.objects.update(offset=2)
    assert courier.help() is False
    assert job.status == "Submitted"
    assert courier.take()
    pool.runs(job)
    courier.help()
    assert job.status == "Complete"
