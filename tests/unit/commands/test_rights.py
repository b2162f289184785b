"""Who may do what at a terminal: what `permissions` says, for everybody who has an account."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.auth.models import Group, Permission, User

from jobs_app.lifecycle import execute
from jobs_app.management import person
from jobs_app.management.jobs.acting import VERBS
from jobs_app.models import AuditEntry, BasicJob, History, JobShare
from jobs_app.testing import immediate_pool

from .conftest import manage

LOOK, ACT, ALL = set[str](), set(VERBS) - {"delete"}, set(VERBS)

# What each may do to a job of alice that is: hers alone; shared with hydrology to read; shared to act.
MATRIX = {
    "alice": (ALL, ALL, ALL),  # its owner
    "bob": (LOOK, LOOK, ACT),  # in the group
    "charlie": (LOOK, LOOK, LOOK),
    "sam": (ALL, ALL, ALL),  # of the staff
    "tess": (ALL, ALL, ALL),  # has the permission
    "gone": (LOOK, LOOK, LOOK),  # was of the staff; the account is closed
    "cron": (ALL, ALL, ALL),  # has no account
}


@pytest.fixture(autouse=True)
def people(alice, bob, charlie) -> None:
    bob.groups.add(Group.objects.create(name="hydrology"))
    User.objects.create_user("sam", is_staff=True)
    User.objects.create_user("gone", is_staff=True, is_active=False)
    trusted = User.objects.create_user("tess")
    trusted.user_permissions.add(Permission.objects.get(codename="jobs_table_actions"))


@pytest.fixture
def sitting(monkeypatch):
    """Who sits at the terminal."""

    def sit(name: str) -> None:
        monkeypatch.setattr(person, "login", lambda: name)

    return sit


@pytest.fixture
def waiting(project, alice) -> BasicJob:
    job = BasicJob.objects.create(name="x", app="examples.ising", user=alice, project=project)
    execute(job)
    return job


def share(job, may: str) -> None:
    if may:
        JobShare.objects.create(job=job, group=Group.objects.get(name="hydrology"), may=may)


@pytest.mark.parametrize("name", MATRIX)
@pytest.mark.parametrize("sharing", ["", JobShare.READ, JobShare.ACT])
def test_commands_refuse_whom_the_permissions_refuse(name, sharing, make_job, sitting):
    job = make_job(_status="OTH")  # so that whoever may is told that it is not possible now, or deletes it
    share(job, sharing)
    sitting(name)
    allowed = MATRIX[name][["", JobShare.READ, JobShare.ACT].index(sharing)]
    last = sorted(VERBS, key=lambda verb: verb == "delete")
    refused = {verb for verb in last if manage("jobs", verb, str(job.pk)).code == 6}
    assert refused == set(VERBS) - allowed


def test_a_refusal_says_whose_the_job_is_and_what_is_left(waiting, sitting):
    sitting("bob")
    before = waiting._status
    said = manage("jobs", "stop", str(waiting.pk))
    assert (said.code, said.out) == (6, "")
    assert f"bob may not act on job {waiting.pk} ('x'): it belongs to alice." in said.err
    assert "--as-operator" in said.err
    waiting.refresh_from_db()
    assert waiting._status == before
    (row,) = manage("jobs", "stop", str(waiting.pk), "--json").json
    assert "it belongs to alice" in row["error"]


@pytest.mark.parametrize(("name", "is_known"), [("bob", True), ("root", False)])
def test_the_operator_may_and_history_and_audit_tell_it(name, is_known, waiting, sitting):
    sitting(name)
    AuditEntry.objects.all().delete()
    assert manage("jobs", "stop", str(waiting.pk), "--as-operator").code == 0
    number = User.objects.get(username=name).pk if is_known else None
    row = History.objects.filter(job=waiting).order_by("-id").first()
    assert (row.actor, row.user_id) == (f"operator {name}", number)
    (told,) = AuditEntry.objects.filter(job_id=waiting.pk)
    assert (told.who, told.user_id, told.via) == (f"operator {name}", number, "command")


def test_who_has_no_account_acts_as_a_program_and_gets_none(waiting, sitting):
    sitting("cron")
    AuditEntry.objects.all().delete()
    assert manage("jobs", "stop", str(waiting.pk)).code == 0
    assert History.objects.filter(job=waiting).order_by("-id").first().actor == "program"
    assert AuditEntry.objects.get(job_id=waiting.pk).who == "cron"
    assert not User.objects.filter(username="cron").exists()


def test_reading_is_open_to_whoever_has_the_shell(make_job, sitting):
    job = make_job(files={"OUTPUT/0": b"it is cold\n"})
    sitting("charlie")
    for command in ("show", "history", "files", "logs"):
        assert manage("jobs", command, str(job.pk)).code == 0
    assert manage("jobs", "list").rows[0][0] == str(job.pk)


def test_the_key_of_a_job_s_reports_is_for_who_may_act(make_job, sitting, tmp_path: Path):
    job, file = make_job(), tmp_path / "key"
    sitting("charlie")
    assert manage("callbacks", "key", str(job.pk), str(file)).code == 6
    assert manage("callbacks", "rotate", str(job.pk)).code == 6
    assert not file.exists()
    assert manage("callbacks", "key", str(job.pk), str(file), "--as-operator").code == 0
    assert manage("callbacks", "rotate", str(job.pk), "--as-operator").code == 0
    assert set(AuditEntry.objects.values_list("who", flat=True)) == {"operator charlie"}


class TestRun:
    SMALL = ("size=8", "sweeps=20", "temperatures=4", "tolerance=9", "--slices", "2")

    @pytest.fixture(autouse=True)
    def pool(self, home):
        with immediate_pool(home):
            yield

    def run(self, *words: str):
        return manage("jobs", "run", "ising", *self.SMALL, "--wait", *words)

    def test_a_finished_job_of_somebody_else_is_reused_but_not_run_again(self, sitting):
        assert self.run().code == 0
        sitting("charlie")
        assert "is reused" in self.run().out
        said = self.run("--again")
        assert (said.code, "it belongs to alice" in said.err) == (6, True)
        assert self.run("--again", "--as-operator").code == 0
        assert "operator charlie" in History.objects.values_list("actor", flat=True)

    def test_no_job_is_made_in_somebody_else_s_name(self, sitting):
        sitting("charlie")
        said = self.run("--user", "bob")
        assert (said.code, BasicJob.objects.count()) == (6, 0)
        assert "charlie may not make jobs in the name of bob." in said.err
        assert self.run("--user", "bob", "--as-operator").code == 0

    def test_the_staff_makes_them(self, sitting):
        sitting("sam")
        assert self.run("--user", "bob").code == 0
