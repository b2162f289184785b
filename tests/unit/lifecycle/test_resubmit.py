"""Another attempt: at all of it, or at what did not end well."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable

import pytest
from django.contrib.auth.models import User

from jobs_app import killpoints
from jobs_app.courier import Courier
from jobs_app.errors import BadParameter, Damaged, Invalid, WrongState
from jobs_app.jobdir import facts, files
from jobs_app.jobdir.facts import Fact
from jobs_app.lifecycle import sweep
from jobs_app.models import Attempt, History, Job
from jobs_app.pools.base import EventKind
from jobs_app.states import SliceState

from .fake_pool import FakePool

NewJob = Callable[..., Job]


@pytest.fixture
def failed(new_job: NewJob, courier: Courier, pool: FakePool) -> Job:
    """Three slices, of which the second failed; each left a file, a record and some output."""
    job = new_job(num_jobs=3)
    job.execute()
    courier.tick()
    paths = job.paths.attempt(1)
    for number, exit_code in enumerate((0, 5, 0)):
        (job.directory / f"part.{number}").write_text(str(number))
        paths.output("run", number).parent.mkdir(exist_ok=True)
        paths.output("run", number).write_text(f"output {number}")
        state = SliceState.FAILED if exit_code else SliceState.DONE
        facts.write(paths.facts, "run", number, Fact(state, exit_code=exit_code))
    pool.runs(job, [0, 5, 0])
    courier.tick()
    assert job.status == "Various-Complete"
    return job


def test_a_new_attempt_has_a_number_and_a_token_of_its_own(
    failed: Job, courier: Courier, pool: FakePool
) -> None:
    failed.resubmit()
    assert (failed.status, failed.number_of_attempts) == ("Submitted", 2)
    assert (failed.completion_time, failed.slices_done) == (None, 0)
    first, second = Attempt.objects.filter(job=failed).order_by("number")
    assert first.token != second.token
    assert (first.status, second.status) == ("VCP", "")


def test_what_the_former_attempt_left_is_kept(failed: Job, courier: Courier, pool: FakePool) -> None:
    failed.resubmit()
    courier.tick()
    kept = failed.paths.attempt(1).kept
    assert (kept / "part.1").read_text() == "1"
    assert (kept / "OUTPUT" / "1").read_text() == "output 1"
    assert not (failed.directory / "part.1").exists()
    pool.runs(failed, [0, 0, 0])
    courier.tick()
    assert failed.status == "Complete"


def test_a_late_event_of_the_former_attempt_means_nothing_to_the_new_one(
    failed: Job, courier: Courier, pool: FakePool
) -> None:
    former = Attempt.objects.get(job=failed)
    failed.resubmit()
    courier.tick()
    pool.happens(failed, EventKind.STARTED, slice=0)
    segment = former.batch.segment.name if former.batch else ""
    late = pool.log[segment][1]
    assert late.attempt == former.token
    pool.say(segment, late)
    courier.tick()
    assert failed.slice_counts().running == 1


def test_only_the_failed_slices_are_run_again(failed: Job, courier: Courier, pool: FakePool) -> None:
    failed.rerun_failed()
    courier.tick()
    task = list(pool.batches.values())[-1].tasks[0]
    assert task.done == (("run", 0, 1), ("run", 2, 1))
    pool.happens(failed, EventKind.STARTED, slice=1)
    pool.happens(failed, EventKind.ENDED, slice=1, exit_code=0)
    pool.happens(failed, EventKind.FINISHED, data={"ok": True})
    courier.tick()
    assert failed.status == "Complete"
    assert failed.slices_done == 3


def test_what_was_done_is_taken_over(failed: Job, courier: Courier, pool: FakePool) -> None:
    failed.rerun_failed()
    courier.tick()
    heir = failed.paths.attempt(2)
    taken = [fact and fact.state for fact in facts.read_range(heir.facts, "run", 0, 3)]
    assert taken == [SliceState.DONE, None, SliceState.DONE]
    assert heir.output("run", 0).read_text() == "output 0"
    assert not heir.output("run", 1).exists()
    assert (failed.paths.attempt(1).kept / "OUTPUT" / "1").read_text() == "output 1"
    assert (failed.directory / "part.0").exists()
    spec = files.read_object(heir.spec)
    assert spec["present"] == [".roost", "signac_statepoint.json"]


def test_a_rerun_may_be_rerun(failed: Job, courier: Courier, pool: FakePool) -> None:
    failed.rerun_failed()
    courier.tick()
    pool.happens(failed, EventKind.ENDED, slice=1, exit_code=6)
    pool.happens(failed, EventKind.FINISHED, data={"ok": False})
    courier.tick()
    failed.rerun_failed()
    courier.tick()
    assert list(pool.batches.values())[-1].tasks[0].done == (("run", 0, 1), ("run", 2, 1))


def test_where_nothing_failed_there_is_nothing_to_rerun(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.runs(job)
    courier.tick()
    with pytest.raises(WrongState, match=r"No slice of job .* has failed"):
        job.rerun_failed()


def test_a_job_at_work_cannot_be_resubmitted(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    job.execute()
    with pytest.raises(WrongState, match=r"it is Submitted.*Stop it first"):
        job.resubmit()


def test_of_two_resubmissions_at_once_one_happens(failed: Job, courier: Courier) -> None:
    twin = Job.objects.get(pk=failed.pk)
    failed.resubmit()
    with pytest.raises(WrongState):
        twin.resubmit()
    assert Attempt.objects.filter(job=failed).count() == 2


def test_a_job_stopped_before_its_first_execute_can_be_resubmitted(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.stop()
    job.resubmit()
    courier.tick()
    assert pool.sent_jobs() == [job.pk]


def test_without_its_directory_a_job_is_not_resubmitted(failed: Job, courier: Courier) -> None:
    shutil.rmtree(failed.directory)
    with pytest.raises(Damaged, match=r"is gone.*Restore it"):
        failed.resubmit()
    assert failed.status == "Various-Complete"


# --- limits -----------------------------------------------------------------------------------------------


def test_a_held_job_gets_more_memory_and_goes_on(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    from jobs_app.lifecycle import change_limits

    job = new_job(memory=128)
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.HELD, reason="used too much", code=34)
    courier.tick()
    change_limits(job, memory="1 GB")
    job.resume()
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["change", "release"]
    assert Job.objects.get(pk=job.pk).parameters["memory"] == 1024
    with pytest.raises(BadParameter, match="'colour' is not a limit"):
        change_limits(job, colour=1)


@pytest.fixture
def held(new_job: NewJob, courier: Courier, pool: FakePool) -> Job:
    """For using more than its 128 MB."""
    job = new_job(memory=128)
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED)
    pool.happens(job, EventKind.HELD, reason="used 200 MB of the 128 MB it may use", code=34)
    courier.tick()
    assert job.status == "Held"
    return job


def test_a_held_job_says_which_command_lets_it_go_on(held: Job) -> None:
    assert f"jobs resume {held.pk} memory=256MB" in held.status_message
    assert 'job.resume(memory="256MB")' in held.status_message


def test_resuming_with_more_memory_raises_the_limit_here_and_on_the_pool(
    held: Job, courier: Courier, pool: FakePool, alice: User
) -> None:
    held.resume(user=alice, memory="2 GB", wall_time="1h")
    assert (held.status, held.status_message) == ("Submitted", "Resumed by alice.")
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["change", "release"]
    assert (pool.limits[0].memory_mb, pool.limits[0].wall_seconds) == (2048, 3600)
    parameters = Job.objects.get(pk=held.pk).parameters
    assert (parameters["memory"], parameters["wall_time"]) == (2048, 3600)


def test_the_history_tells_who_raised_which_limit_from_what_to_what(held: Job, alice: User) -> None:
    held.resume(user=alice, memory=512, wall_time=60)
    changed, resumed = list(History.objects.filter(job=held))[-2:]
    said = "Limits changed by alice: memory from 128 MB to 512 MB, wall_time from none to 60 s."
    assert changed.why == said
    assert (resumed.before, resumed.after, resumed.why) == ("HLD", "SUB", "Resumed by alice.")


def test_who_waits_for_a_job_that_somebody_else_has_resumed_goes_on_waiting(held: Job) -> None:
    stale = Job.objects.get(pk=held.pk)
    held.resume(memory=512)
    assert stale.wait(0.8) is False


def test_limits_that_the_pool_refuses_leave_the_job_held_and_say_so(
    held: Job, courier: Courier, pool: FakePool
) -> None:
    pool.memory_mb = 1000
    held.resume(memory=4000, wall_time=60)
    courier.tick()
    assert held.status == "Held"
    assert Job.objects.get(pk=held.pk).parameters == {"executable": "/bin/true", "memory": 128}
    assert "no machine here has 4000 MB" in held.status_message
    assert pool.told == []
    held.resume(memory=900)
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["change", "release"]


def test_a_job_that_was_paused_before_it_was_sent_gets_its_limits_at_once(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job(memory=128)
    job.execute()
    job.pause()
    job.resume(memory=512)
    courier.tick()
    assert list(pool.batches.values())[-1].tasks[0].resources.memory_mb == 512


def test_only_limits_can_be_changed_by_resuming(held: Job) -> None:
    with pytest.raises(BadParameter, match="'executable' is not a limit"):
        held.resume(executable="/bin/false")
    with pytest.raises(BadParameter, match="memory: 'much' is not a size"):
        held.resume(memory="much")
    assert held.status == "Held"


def test_a_job_that_is_over_is_resubmitted_with_more(failed: Job, courier: Courier, pool: FakePool) -> None:
    failed.resubmit(memory="1 GB")
    courier.tick()
    assert list(pool.batches.values())[-1].tasks[0].resources.memory_mb == 1024
    why = "Resubmitted. Limits changed by program: memory from none to 1024 MB."
    assert History.objects.filter(job=failed, why=why).exists()


# --- delete -----------------------------------------------------------------------------------------------


def test_deleting_removes_rows_and_directory(failed: Job, courier: Courier) -> None:
    directory = failed.directory
    failed.delete()
    assert not Job.objects.exists()
    assert not Attempt.objects.exists()
    assert list(directory.parent.iterdir()) == []


def test_a_job_at_work_is_not_deleted(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    job.execute()
    with pytest.raises(WrongState, match=r"Cannot delete job .* it is Submitted. Stop it first"):
        job.delete()
    assert job.directory.is_dir()


def test_deleting_where_the_directory_is_gone_already_is_no_error(failed: Job, courier: Courier) -> None:
    shutil.rmtree(failed.directory)
    failed.delete()
    assert not Job.objects.exists()


def test_a_directory_that_cannot_be_moved_leaves_the_job_as_it_was(
    failed: Job, courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError("read-only file system")

    monkeypatch.setattr("pathlib.Path.rename", refuse)
    with pytest.raises(PermissionError):
        failed.delete()
    assert failed.status == "Various-Complete"
    assert Attempt.objects.filter(job=failed).exists()


def test_who_dies_while_deleting_has_deleted_all_or_nothing(
    failed: Job, courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(place: str) -> None:
        if place == "delete.set-aside":
            raise KeyboardInterrupt

    before = sorted(path.name for path in failed.directory.iterdir())
    with monkeypatch.context() as patch:
        patch.setattr(killpoints, "reach", die)
        with pytest.raises(KeyboardInterrupt):
            failed.delete()
    os.utime(next(failed.directory.parent.glob(".deleted.*")), (1, 1))
    sweep.sweep_disk()  # it may be on its way still
    assert not failed.directory.exists()
    monkeypatch.setattr(sweep, "OLD", -1.0)
    sweep.sweep_disk()
    assert sorted(path.name for path in failed.directory.iterdir()) == before
    failed.delete()
    assert list(failed.directory.parent.iterdir()) == []


def test_what_a_deleted_job_has_left_goes_though_a_new_one_has_its_address(
    failed: Job, courier: Courier, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweep, "OLD", -1.0)
    failed.directory.rename(failed.directory.with_name(f".deleted.{failed.address}.{failed.pk + 1}.abcd"))
    sweep.sweep_disk()
    assert list(failed.directory.parent.iterdir()) == []


# --- chosen slices ------------------------------------------------------------------------------------------


def test_chosen_slices_run_again_and_the_others_stay_as_they_ended(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job(num_jobs=4)
    job.execute()
    courier.tick()
    for number, code in enumerate((0, 0, 3, 0)):
        pool.happens(job, EventKind.ENDED, slice=number, exit_code=code)
    pool.happens(job, EventKind.FINISHED, data={"ok": False, "reason": ""})
    courier.tick()
    assert job.status == "Various-Complete"
    job.resubmit(slices=[1, 3])
    courier.tick()
    (task,) = list(pool.batches.values())[-1].tasks
    assert task.done == (("run", 0, 1), ("run", 2, 1))
    for number in (1, 3):
        pool.happens(job, EventKind.ENDED, slice=number, exit_code=0)
    pool.happens(job, EventKind.FINISHED, data={"ok": True, "reason": ""})
    courier.tick()
    assert job.status == "Various-Complete"
    assert job.failed_slices() == [2]


@pytest.mark.parametrize("slices", [[4], [-1]])
def test_a_slice_that_is_not_there_cannot_run_again(
    new_job: NewJob, courier: Courier, pool: FakePool, slices: list[int]
) -> None:
    job = new_job(num_jobs=4)
    job.execute()
    job.stop()
    with pytest.raises(Invalid, match="its slices are 0 to 3"):
        job.resubmit(slices=slices)


def test_slices_of_a_job_that_never_ran_cannot_run_again(new_job: NewJob) -> None:
    job = new_job(num_jobs=4)
    job.stop()
    with pytest.raises(WrongState, match="has never run"):
        job.resubmit(slices=[1])
