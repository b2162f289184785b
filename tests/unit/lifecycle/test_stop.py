"""A job stopped while it starts stays stopped, at whatever point of its way."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from jobs_app.courier import Courier
from jobs_app.errors import Invalid, NotAllowed, WrongState
from jobs_app.models import Attempt, AttemptPhase, BasicJob, History, Job
from jobs_app.permissions import may_read
from jobs_app.pools.base import EventKind, Sending, Sent

from .fake_pool import FakePool
from .test_send import time_passes

NewJob = Callable[..., Job]


def test_a_job_that_was_never_executed_can_be_stopped(new_job: NewJob, courier: Courier) -> None:
    job = new_job()
    job.stop()
    assert job.status == "Aborted"
    with pytest.raises(WrongState, match="Aborted"):
        job.execute()


def test_a_job_that_waits_to_be_sent_is_over_at_once(
    new_job: NewJob, courier: Courier, pool: FakePool, alice: User
) -> None:
    job = new_job()
    job.execute()
    job.stop(user=alice)
    assert job.status == "Aborted"
    assert job.status_message == "Stopped by alice."
    courier.tick()
    assert pool.batches == {}


def test_a_job_stopped_while_it_is_being_sent_is_removed_from_the_pool(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()
    job.execute()
    send = pool.send

    def send_slowly(sending: Sending) -> Sent:
        job.stop()
        return send(sending)

    monkeypatch.setattr(pool, "send", send_slowly)
    courier.tick()
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["remove"]
    pool.happens(job, EventKind.REMOVED)
    pool.happens(job, EventKind.FINISHED, data={"ok": False, "reason": "Stopped by program."})
    courier.tick()
    assert job.status == "Aborted"


def test_a_job_stopped_before_the_pool_ever_had_it_is_not_sent_again(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    pool.breaks_before = {"send"}
    courier.tick()
    job.stop()
    assert job.status == "Submitted"
    pool.breaks_before = set()
    time_passes(courier)
    courier.tick()
    assert job.status == "Aborted"
    assert pool.batches == {}


def test_a_running_job_is_stopped_on_its_pool(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED)
    courier.tick()
    job.stop()
    assert "being told" in job.status_message or job.status == "Running"
    courier.tick()
    (verb, selection), *rest = pool.told
    assert (verb, selection.attempt, rest) == ("remove", Attempt.objects.get(job=job).token, [])
    courier.tick()
    assert len(pool.told) == 1


@pytest.fixture
def together(pool: FakePool, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str], str]]:
    """What the pool, which can be told of many at once, was told so. Of the last one it is never told."""
    calls: list[tuple[str, list[str], str]] = []

    def on_all(verb: str, attempts: Sequence[str], reason: str) -> list[str]:
        pool._called(verb)
        calls.append((verb, list(attempts), reason))
        return list(attempts)[:-1]

    monkeypatch.setattr(pool, "on_all", on_all, raising=False)
    return calls


def test_many_that_are_stopped_together_cost_the_pool_one_command(
    new_job: NewJob, courier: Courier, pool: FakePool, together: list[Any], alice: User
) -> None:
    jobs = [new_job() for _ in range(4)]
    for job in jobs:
        job.execute()
    courier.tick()
    for job in jobs[:3]:
        job.stop(user=alice)
    jobs[3].pause(user=alice)
    courier.tick()
    tokens = [Attempt.objects.get(job=job).token for job in jobs]
    assert together == [("remove", tokens[:3], "Stopped by alice.")]
    assert [(verb, selection.attempt) for verb, selection in pool.told] == [
        ("remove", tokens[2]),  # which was not told with the others
        ("hold", tokens[3]),
    ]
    assert not Attempt.objects.exclude(wish="").exists()
    assert Attempt.objects.filter(removal_told=None).count() == 1


def test_chosen_slices_and_several_wishes_are_told_one_by_one(
    new_job: NewJob, courier: Courier, pool: FakePool, together: list[Any]
) -> None:
    jobs = [new_job(num_jobs=3) for _ in range(3)]
    for job in jobs:
        job.execute()
    courier.tick()
    jobs[0].stop(slices=[1])
    jobs[1].pause()
    jobs[1].resume()
    jobs[2].stop()
    courier.tick()
    assert together == []
    assert [verb for verb, _ in pool.told] == ["remove", "hold", "release", "remove"]


def test_wishes_of_many_wait_together_while_the_pool_is_out_of_reach(
    new_job: NewJob, courier: Courier, pool: FakePool, together: list[Any]
) -> None:
    jobs = [new_job() for _ in range(3)]
    for job in jobs:
        job.execute()
    courier.tick()
    for job in jobs:
        job.stop()
    pool.breaks_before = {"remove"}
    courier.tick()
    assert Attempt.objects.filter(wish="remove").count() == 3
    pool.breaks_before = set()
    time_passes(courier)
    courier.tick()
    assert not Attempt.objects.exclude(wish="").exists()


def test_a_wish_waits_while_the_pool_is_out_of_reach(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    job.stop()
    pool.breaks_before = {"remove"}
    courier.tick()
    pool.breaks_before = set()
    time_passes(courier)
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["remove"]
    assert Attempt.objects.get(job=job).wish == ""


def test_a_job_that_is_over_cannot_be_stopped(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.runs(job)
    courier.tick()
    with pytest.raises(WrongState, match=r"Cannot stop job .* it is Complete"):
        job.stop()


def test_some_slices_of_an_executable_can_be_stopped(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job(num_jobs=4)
    job.execute()
    courier.tick()
    job.stop(slices=[1, 3])
    courier.tick()
    assert [(verb, selection.step, selection.slices) for verb, selection in pool.told] == [
        ("remove", "run", (1, 3))
    ]
    with pytest.raises(Invalid, match="no slice 4"):
        job.stop(slices=[4])


def test_the_history_names_the_slices_that_were_meant(new_job: NewJob, courier: Courier, alice: User) -> None:
    job = new_job(num_jobs=6, memory=128)
    job.execute()
    courier.tick()
    job.pause(user=alice, slices=[0, 2, 3])
    job.resume(user=alice, slices=[3], memory=256)
    job.stop(user=alice, slices=[5])
    assert [row.why for row in History.objects.filter(job=job)][-4:] == [
        "Paused by alice (slices 0, 2-3).",
        "Limits changed by alice (slices 3): memory from 128 MB to 256 MB.",
        "Resumed by alice (slices 3).",
        "Stopped by alice (slices 5).",
    ]


def test_slices_that_are_over_are_not_steered_and_leave_the_job_as_it_is(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job(num_jobs=3)
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED, slice=0, count=3)
    pool.happens(job, EventKind.ENDED, slice=0, exit_code=0)
    pool.happens(job, EventKind.HELD, slice=1, reason="no room")
    pool.happens(job, EventKind.HELD, slice=2, reason="no room")
    courier.tick()
    assert (job.status, before := job.status_message)[0] == "Held"
    for verb in (job.pause, job.resume, job.stop):
        with pytest.raises(WrongState, match=r"Slices 0 of job .* are over already"):
            verb(slices=[0])
    assert (job.status, job.status_message) == ("Held", before)
    assert pool.told == []
    job.resume(slices=[0, 1])
    assert job.status == "Submitted"


def test_a_held_job_stays_held_where_none_of_its_held_slices_is_meant(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job(num_jobs=2)
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.HELD, slice=1, reason="no room")
    courier.tick()
    Job.objects.filter(pk=job.pk).update(_status="HLD")
    job.resume(slices=[0])
    assert job.status == "Held"


def test_why_a_slice_is_held_is_said_also_when_others_are_removed(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job(num_jobs=3)
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.STARTED, slice=0, count=3)
    pool.happens(job, EventKind.HELD, slice=0, reason="a word with you (hold code 1)")
    courier.tick()
    for number in (1, 2):
        pool.happens(job, EventKind.REMOVED, slice=number, reason="no room")
        courier.tick()
    assert job.status == "Held"
    assert job.status_message.startswith("a word with you (hold code 1). Somebody held it by hand.")
    pool.happens(job, EventKind.REMOVED, slice=0, reason="no room either")
    pool.happens(job, EventKind.FINISHED, data={"ok": False})
    courier.tick()
    assert (job.status, job.status_message) == ("Aborted", "no room either")


def test_wishes_reach_the_pool_in_their_order(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    job = new_job(num_jobs=4)
    job.execute()
    courier.tick()
    job.pause(slices=[0])
    job.stop(slices=[1])
    job.resume(slices=[0])
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["hold", "remove", "release"]


def test_a_paused_job_is_not_sent_until_it_is_resumed(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    job.pause()
    assert job.status == "Paused"
    courier.tick()
    assert pool.batches == {}
    job.resume()
    assert job.status == "Submitted"
    courier.tick()
    assert pool.sent_jobs() == [job.pk]


def test_a_hold_that_we_placed_is_paused_and_one_of_the_pool_is_held(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    ours, theirs = new_job("ours"), new_job("theirs")
    for job in (ours, theirs):
        job.execute()
    courier.tick()
    ours.pause()
    pool.happens(ours, EventKind.HELD, reason="Paused by program.")
    pool.happens(theirs, EventKind.HELD, reason="used 512 MB of the 256 MB it may use", code=34)
    courier.tick()
    assert ours.status == "Paused"
    assert theirs.status == "Held"
    assert theirs.status_message.startswith("used 512 MB of the 256 MB it may use. ")
    assert f"jobs resume {theirs.pk} memory=2048MB" in theirs.status_message


def test_a_released_job_goes_on(new_job: NewJob, courier: Courier, pool: FakePool) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.happens(job, EventKind.HELD, reason="no disk", code=13)
    courier.tick()
    job.resume()
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["release"]
    pool.happens(job, EventKind.RELEASED)
    courier.tick()
    assert (job.status, job.status_message) == ("Submitted", "")


def test_who_stopped_it_is_in_the_history(
    new_job: NewJob, courier: Courier, pool: FakePool, alice: User
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    job.stop(user=alice)
    last = History.objects.filter(job=job).latest("id")
    assert (last.actor, last.user, last.why) == ("alice", alice, "Stopped by alice.")


@pytest.mark.parametrize("verb", ["execute", "stop", "pause", "resume", "resubmit", "rerun_failed", "delete"])
def test_a_stranger_may_do_nothing(new_job: NewJob, courier: Courier, charlie: User, verb: str) -> None:
    job = new_job()
    with pytest.raises(NotAllowed, match="charlie may not"):
        getattr(job, verb)(user=charlie)
    assert job.status == "Pending"


def test_a_member_of_a_group_that_the_job_is_shared_with_may_only_read_it(
    new_job: NewJob, courier: Courier, bob: User
) -> None:
    job = new_job()
    group = Group.objects.create(name="hydrology")
    bob.groups.add(group)
    job.groups.add(group)
    assert may_read(bob, job)
    with pytest.raises(NotAllowed, match="bob may not"):
        job.stop(user=bob)


def test_a_basic_job_is_stopped_paused_and_resumed_at_once(new_job: NewJob, courier: Courier) -> None:
    job = new_job(model=BasicJob)
    job.execute()
    job.update_status("RUN")
    job.pause()
    assert job.status == "Paused"
    job.resume()
    assert job.status == "Running"
    job.stop()
    assert job.status == "Aborted"
    assert Attempt.objects.get(job=job).phase == AttemptPhase.FINAL


def test_a_job_whose_results_cannot_be_brought_can_be_stopped(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.runs(job)
    pool.breaks_before = {"fetch"}
    courier.tick()
    assert job.status == "Running"
    job.stop()
    assert job.status == "Aborted"


def test_a_job_that_only_waits_for_its_results_says_why_it_cannot_be_paused(
    new_job: NewJob, courier: Courier, pool: FakePool
) -> None:
    job = new_job()
    job.execute()
    courier.tick()
    pool.runs(job)
    pool.breaks_before = {"fetch"}
    courier.tick()
    said = "it is Running: nothing of it runs any more, and its results are being brought. Only a job that"
    with pytest.raises(WrongState, match=said):
        job.pause()


def broken(*_: Any) -> None:
    raise RuntimeError("a bug")


def test_a_pool_that_cannot_be_told_about_one_job_is_told_about_the_others(
    new_job: NewJob, courier: Courier, pool: FakePool, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = new_job("first"), new_job("second")
    for job in (first, second):
        job.execute()
    courier.tick()
    first.pause()
    second.stop()
    monkeypatch.setattr(pool, "hold", broken)
    courier.tick()
    assert [verb for verb, _ in pool.told] == ["remove"]
    assert "a bug" in Attempt.objects.get(job=first).last_error
