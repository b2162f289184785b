from __future__ import annotations

import pytest

from jobs_app import lifecycle, methods
from jobs_app.errors import Invalid, NotAllowed, WrongState
from jobs_app.management.jobs.acting import numbers
from jobs_app.models import Attempt, Job

from .conftest import manage


@pytest.fixture
def asked(monkeypatch):
    """What the lifecycle is asked for; it does as it is told at once."""
    calls = []

    def obey(verb: str, after: str):
        def act(job, user=None, **more):
            slices = more.get("slices")
            calls.append((verb, job.pk, user.username if user else None, slices))
            Job.objects.filter(pk=job.pk).update(_status=after)

        return act

    for verb, after in (
        ("stop", "ABT"),
        ("pause", "PAS"),
        ("resume", "COM"),
        ("resubmit", "COM"),
        ("rerun_failed", "COM"),
    ):
        monkeypatch.setattr(lifecycle, verb, obey(verb, after))
    return calls


@pytest.mark.parametrize(
    ("command", "verb", "state"),
    [
        ("stop", "stop", "Aborted"),
        ("pause", "pause", "Paused"),
        ("resume", "resume", "Complete"),
    ],
)
def test_a_command_asks_in_the_name_of_the_person_and_says_what_became_of_it(
    make_job, asked, command, verb, state
):
    job = make_job(_status="RUN")
    said = manage("jobs", command, str(job.pk))
    assert asked == [(verb, job.pk, "alice", None)]
    assert said.out == f"Job {job.pk} (cool) is {state}.\n"
    assert said.code == 0


@pytest.mark.parametrize(("command", "verb"), [("rerun", "rerun_failed"), ("resubmit", "resubmit")])
def test_another_attempt_is_said_with_its_number_and_how_it_stands(make_job, asked, command, verb):
    job = make_job(_status="ERR", number_of_attempts=2)
    said = manage("jobs", command, str(job.pk))
    assert asked == [(verb, job.pk, "alice", None)]
    assert said.out == f"Job {job.pk} (cool): attempt 2 began; it is Complete.\n"


def test_another_attempt_that_fails_at_once_says_why(make_job, monkeypatch):
    def rerun(job, user=None, **_):
        Job.objects.filter(pk=job.pk).update(_status="ERR", status_message="ruby refused the job.")

    monkeypatch.setattr(lifecycle, "rerun_failed", rerun)
    job = make_job(_status="ERR", number_of_attempts=1)
    said = manage("jobs", "rerun", str(job.pk), "--failed")
    assert said.out == f"Job {job.pk} (cool): attempt 1 began; it is Error.\nruby refused the job.\n"


@pytest.mark.parametrize("command", ["release", "resume"])
def test_who_lets_a_job_go_on_with_the_limit_that_held_it_is_warned(make_job, asked, command):
    job = make_job(_status="HLD", parameters={"memory": 128}, number_of_attempts=1)
    reason = "memory usage exceeded request_memory (hold code 21.102)"
    Attempt.objects.create(job=job, number=1, token="a" * 32, reason=reason)
    said = manage("jobs", command, str(job.pk))
    assert f"Job {job.pk} was held by a limit, and will be again unless it gets more." in said.err
    assert f"manage.py jobs release {job.pk} --memory 256MB" in said.err
    assert [verb for verb, *_ in asked] == ["resume"]


def test_nobody_is_warned_who_gives_more_or_whose_job_no_limit_holds(make_job, asked):
    job = make_job(_status="HLD", parameters={"memory": 128}, number_of_attempts=1)
    row = Attempt.objects.create(job=job, number=1, token="a" * 32, reason="too much (hold code 34)")
    assert manage("jobs", "release", str(job.pk), "--memory", "1GB").err == ""
    Job.objects.update(_status="HLD")
    Attempt.objects.filter(pk=row.pk).update(reason="by hand (hold code 1)")
    assert manage("jobs", "release", str(job.pk)).err == ""


def test_a_job_whose_script_has_changed_says_that_it_runs_its_own_copy(make_job, asked):
    same = make_job(_status="ERR", method="ising", source_digest=methods.find("ising").digest)
    other = make_job(_status="ERR", method="ising", source_digest="0" * 64)
    gone = make_job(_status="ERR", method="gone", source_digest="0" * 64)
    assert "own copy" not in manage("jobs", "rerun", str(same.pk)).out
    said = manage("jobs", "rerun", str(other.pk)).out
    assert "The script has changed since; this job runs its own copy." in said
    assert "manage.py jobs run ising" in said
    assert "cannot be used now" in manage("jobs", "resubmit", str(gone.pk)).out


def test_a_workflow_that_is_resubmitted_says_what_would_keep_its_done_nodes(make_job, asked):
    job = make_job(_status="ERR", type="CONDORWORKFLOW", parameters={"jobs": [{"name": "a"}]})
    said = manage("jobs", "resubmit", str(job.pk)).out
    assert "All its nodes run anew." in said
    assert f"manage.py jobs rerun {job.pk} --failed" in said
    assert "anew" not in manage("jobs", "rerun", str(job.pk), "--failed").out
    assert "anew" not in manage("jobs", "resubmit", str(job.pk), "--slices", "0").out


def test_some_slices_can_be_meant(make_job, asked):
    job = make_job(_status="RUN")
    manage("jobs", "stop", str(job.pk), "--slices", "1,4,7-9")
    assert asked == [("stop", job.pk, "alice", [1, 4, 7, 8, 9])]


@pytest.mark.parametrize("command", ["resume", "resubmit", "rerun"])
def test_new_limits_are_given_beside_the_jobs(make_job, monkeypatch, command):
    asked = []

    def act(job, user=None, **limits):
        asked.append((job.pk, limits))
        Job.objects.filter(pk=job.pk).update(_status="COM")

    monkeypatch.setattr(lifecycle, {"rerun": "rerun_failed"}.get(command, command), act)
    one, other = make_job(_status="HLD"), make_job(_status="HLD")
    manage("jobs", command, str(one.pk), "memory=2GB", "wall_time=60", str(other.pk))
    limits = {"memory": "2GB", "wall_time": 60}
    wanted = [(one.pk, limits), (other.pk, limits)]
    assert [(pk, {name: given[name] for name in limits}) for pk, given in asked] == wanted


def test_limits_for_no_job_are_refused(asked):
    said = manage("jobs", "resume", "memory=2GB")
    assert said.code == 2
    assert "memory=2GB is for which job? Write its id too." in said.err
    assert asked == []


@pytest.mark.parametrize("text", ["", "x", "1-", "-1", "1,,2", "1-x", "\u0661-"])
def test_nonsense_instead_of_slices_is_refused(text):
    with pytest.raises(Invalid, match="names no slices"):
        numbers(text)


def test_nothing_is_done_when_one_of_the_jobs_is_not_there(make_job, asked):
    assert manage("jobs", "stop", str(make_job(_status="RUN").pk), "999").code == 3
    assert asked == []


def test_one_refusal_does_not_keep_the_others_from_being_done(make_job, asked, monkeypatch):
    obedient = lifecycle.stop

    def stop(job, user=None, **more):
        if job.name == "done":
            raise WrongState("Cannot stop it: it is Complete.")
        obedient(job, user=user, **more)

    monkeypatch.setattr(lifecycle, "stop", stop)
    done, busy = make_job("done", _status="COM"), make_job("busy", _status="RUN")
    said = manage("jobs", "stop", str(done.pk), str(busy.pk))
    assert said.code == 5
    assert "it is Complete" in said.err
    assert said.out == f"Job {busy.pk} (busy) is Aborted.\n"


def test_what_a_rule_does_not_allow_has_the_code_of_what_is_not_possible(make_job, monkeypatch):
    def refuse(job, user=None):
        raise NotAllowed("no")

    monkeypatch.setattr(lifecycle, "resubmit", refuse)
    assert manage("jobs", "resubmit", str(make_job(_status="COM").pk)).code == 5


def test_json_says_it_job_by_job(make_job, asked):
    job = make_job(_status="RUN")
    assert manage("jobs", "stop", str(job.pk), "--json").json == [
        {"id": job.pk, "name": "cool", "error": None, "state": "Aborted", "asked": []}
    ]


def test_a_deleted_job_is_gone_with_its_files(make_job):
    job = make_job(_status="COM", files={"a": b"1"})
    assert manage("jobs", "delete", str(job.pk)).out == f"Job {job.pk} (cool) is deleted.\n"
    assert not Job.objects.exists()
    assert not job.directory.exists()
    assert manage("jobs", "delete", str(job.pk)).code == 3
