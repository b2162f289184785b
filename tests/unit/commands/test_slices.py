from __future__ import annotations

import pytest

from jobs_app.jobdir import facts, usage
from jobs_app.models import Attempt, AttemptPhase, Job, Scheduler, SliceBlock
from jobs_app.states import SliceState

from .conftest import manage


@pytest.fixture
def swept(make_job):
    """Of four slices one is done, one has failed, one is held and one waits."""
    job = make_job(type="CONDORJOB", _status="HLD", number_of_attempts=1, slices_total=4, slices_held=1)
    job.parameters = {"memory": 128}
    job.__class__.objects.filter(pk=job.pk).update(parameters=job.parameters, frozen=True)
    scheduler = Scheduler.objects.create(name="real", kind=Scheduler.CONDOR, host="ap.example")
    attempt = Attempt.objects.create(
        job=job, number=1, token="a" * 32, phase=AttemptPhase.SENT, scheduler=scheduler
    )
    attempt.reason = "memory usage exceeded request_memory (hold code 21.102)"
    attempt.work = {"steps": [["run", 4]]}
    attempt.save()
    states = bytes([SliceState.DONE, SliceState.FAILED, SliceState.HELD, SliceState.WAITING])
    SliceBlock.objects.create(
        attempt=attempt, step="run", first=0, states=states, done=1, failed=1, held=1, waiting=1
    )
    paths = job.paths.attempt(1)
    paths.root.mkdir(parents=True)
    known = {
        ("run", 0): {"host": "exec1.pool", "start": 1000.0, "end": 1003.0, "memory_used": 70, "memory": 128},
        ("run", 2): {"host": "exec2.pool", "start": 1000.0, "memory_used": 400, "memory": 128},
    }
    usage.update(paths.usage, paths.hosts, known)
    facts.write(paths.facts, "run", 0, facts.Fact(SliceState.DONE, start=1000.5, end=1002.5, cpu_seconds=1))
    facts.write(paths.facts, "run", 1, facts.Fact(SliceState.FAILED, signal=9, start=1000, end=1001))
    return job


def cells(job, *words):
    return [
        [row[0], row[1], row[2], row[5], row[8]] for row in manage("jobs", "slices", str(job.pk), *words).rows
    ]


def test_each_slice_tells_its_state_host_end_and_memory(swept):
    assert cells(swept) == [
        ["0", "Done", "exec1", "0", "70 MB of 128 MB"],
        ["1", "Failed", "-", "signal 9", "-"],
        ["2", "Held", "exec2", "-", "400 MB of 128 MB"],
        ["3", "Waiting", "-", "-", "-"],
    ]


@pytest.mark.parametrize(
    ("words", "numbers"),
    [
        (["--state", "failed"], ["1"]),
        (["--slices", "0,2-3"], ["0", "2", "3"]),
        (["--first", "1", "--limit", "2"], ["1", "2"]),
        (["--step", "analysis"], []),
    ],
)
def test_some_of_them_are_chosen(swept, words, numbers):
    assert [row[0] for row in cells(swept, *words)] == numbers


def test_programs_get_plain_numbers(swept):
    (first, *_) = manage("jobs", "slices", str(swept.pk), "--json").json
    assert (first["number"], first["state"], first["memory_used"], first["memory"]) == (0, "done", 70, 128)


def test_nonsense_is_refused(swept):
    assert manage("jobs", "slices", str(swept.pk), "--limit", "0").code != 0


def test_show_says_what_would_be_enough_of_what_a_held_job_lacked(swept):
    said = manage("jobs", "show", str(swept.pk)).out
    assert "It has used 400 MB of memory. Enough may be: " in said
    assert f"jobs release {swept.pk} --memory 600MB" in said


def test_show_says_what_is_known_beside_the_state(swept):
    Job.objects.filter(pk=swept.pk).update(_status="VAR")  # of what is held nobody asks why it waits
    Attempt.objects.update(idle="No machine has 64 GB of memory; the largest has 2 GB.")
    said = manage("jobs", "show", str(swept.pk))
    assert "No machine has 64 GB" in said.out
    (badge,) = manage("jobs", "show", str(swept.pk), "--json").json["badges"]
    assert badge["kind"] == "idle"


def test_release_gives_new_limits_to_chosen_slices(swept):
    said = manage("jobs", "release", str(swept.pk), "--memory", "600MB", "--slices", "2", "--json")
    assert said.code == 0
    change, release = Attempt.objects.get().wishes
    assert (change["verb"], change["slices"], change["resources"]["memory_mb"]) == ("change", [2], 600)
    assert (release["verb"], release["slices"]) == ("release", [2])


def test_show_prints_what_would_be_sent(make_job):
    scheduler = Scheduler.objects.create(name="real", kind=Scheduler.CONDOR, host="ap.example")
    job = make_job(type="CONDORJOB", address=None, scheduler=scheduler)
    job.parameters = {"executable": "true", "attributes": {"rank": "Memory"}}
    job.save()
    said = manage("jobs", "show", str(job.pk), "--submit").out
    assert "rank = Memory\n" in said
    assert "queue attempt, slice, words from 0.rows\n" in said
    assert list(manage("jobs", "show", str(job.pk), "--submit", "--json").json) == ["sent", "files"]
