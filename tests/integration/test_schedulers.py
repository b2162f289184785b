"""`manage.py schedulers` on a real access point: from the first question to the test job."""

from __future__ import annotations

import io
import logging
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import paramiko
import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import connection

from jobs_app import courier
from jobs_app.errors import JobHeld
from jobs_app.manager import JobManager
from jobs_app.models import Job, Scheduler
from jobs_app.pools.shell.connecting import as_pinned
from tests.pool.pool import TestPool
from tests.pool.sshd import new_key, running_sshd
from tests.pool.waiting import wait_until
from tests.unit.commands.conftest import Said, manage
from tests.unit.manager.conftest import NewApp, new_app

__all__ = ["new_app"]

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]


PASSPHRASE = "the owl flies at noon"
LEGIBLY = r"2>/dev/null | tr -cd '[:print:]\n'"


@pytest.fixture
def manager(new_app: NewApp) -> JobManager:
    return new_app().get_job_manager()


def mark_of(host_key: str) -> str:
    """As OpenSSH's own tool prints it."""
    words = ["ssh-keygen", "-lf", "-"]
    done = subprocess.run(words, input=host_key, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.split()[1]


def add(pool: TestPool, *words: str, name: str = "real") -> Said:
    access = ["--host", pool.host, "--user", pool.user, "--key", str(pool.key)]
    return manage("schedulers", "add", name, *access, *words)


def levels(said: Said) -> dict[str, str]:
    lines = [line for line in said.out.splitlines() if line.startswith(("ok ", "warn ", "fail "))]
    return {line[5:].partition(":")[0]: line[:5].strip() for line in lines}


def test_a_pool_is_added_with_the_fingerprint_that_its_administrator_told_and_checked_to_its_last_job(
    condor_pool: TestPool,
) -> None:
    attempts = "ls ~/roost/attempts 2>/dev/null || true"
    there, before = set(condor_pool.run("sh", "-c", attempts).split()), condor_pool.logins()
    said = add(condor_pool, "--fingerprint", mark_of(condor_pool.host_key))
    assert said.code == 0, said
    assert levels(said) == dict.fromkeys(
        ["connection", "folder", "space", "clock", "own name", "HTCondor", "schedd", "slots", "test job"],
        "ok",
    )
    assert "with Python 3." in said.out
    assert Scheduler.objects.get(name="real").host_key == condor_pool.host_key
    assert condor_pool.logins() == before + 1
    # What other tests left there may go meanwhile; the check leaves nothing.
    assert set(condor_pool.run("sh", "-c", attempts).split()) <= there


def test_another_fingerprint_than_the_shown_one_pins_and_keeps_nothing(condor_pool: TestPool) -> None:
    before = condor_pool.logins()
    said = add(condor_pool, "--fingerprint", "SHA256:" + "A" * 43)
    assert said.code == 1
    assert mark_of(condor_pool.host_key) in said.err
    assert "which is not SHA256:AAAA" in said.err
    assert not Scheduler.objects.filter(name="real").exists()
    assert condor_pool.logins() == before


def test_a_program_that_vouches_for_nothing_is_told_what_to_give(condor_pool: TestPool) -> None:
    said = add(condor_pool)
    assert said.code == 2
    assert f"--fingerprint {mark_of(condor_pool.host_key)}" in said.err
    assert not Scheduler.objects.filter(name="real").exists()


# --- the one connection ---------------------------------------------------------------------------------


@pytest.fixture
def working_courier(condor_pool: TestPool) -> Iterator[Scheduler]:
    """A scheduler whose courier is at work in another thread."""
    add(condor_pool, "--accept-host-key", "--no-check")
    scheduler = Scheduler.objects.get(name="real")
    stop = threading.Event()
    thread = threading.Thread(target=_work, args=(scheduler, stop), name="courier of real")
    thread.start()
    yield scheduler
    stop.set()
    thread.join(60)


def _work(scheduler: Scheduler, stop: threading.Event) -> None:
    try:
        courier.run(scheduler, stop)
    finally:
        connection.close()


def test_checks_and_test_jobs_go_over_the_connection_that_the_courier_has(
    condor_pool: TestPool, working_courier: Scheduler
) -> None:
    before = condor_pool.logins()
    for words in (["--no-job"], [], ["--no-job"]):
        assert manage("schedulers", "check", "real", *words).code == 0
    assert condor_pool.logins() <= before + 1


def test_a_check_right_after_a_change_is_of_what_is_said_now(
    condor_pool: TestPool, working_courier: Scheduler
) -> None:
    assert manage("schedulers", "check", "real", "--no-job").code == 0
    assert manage("schedulers", "edit", "real", "--user", "mallory").code == 0
    said = manage("schedulers", "check", "real", "--no-job")
    assert (said.code, levels(said)) == (1, {"connection": "fail"})
    assert manage("schedulers", "edit", "real", "--user", condor_pool.user).code == 0
    assert manage("schedulers", "check", "real", "--no-job").code == 0


def test_the_courier_of_a_scheduler_that_is_removed_ends_quietly(
    working_courier: Scheduler, caplog: pytest.LogCaptureFixture
) -> None:
    courier_thread = next(thread for thread in threading.enumerate() if thread.name == "courier of real")
    assert manage("schedulers", "check", "real", "--no-job").code == 0
    assert manage("schedulers", "remove", "real").code == 0
    courier_thread.join(60)
    assert not courier_thread.is_alive()
    assert [record for record in caplog.records if record.levelname in ("ERROR", "WARNING")] == []


# --- who is not let in ----------------------------------------------------------------------------------


def connections(pool: TestPool) -> int:
    log = pool.hosts["ap"].upper / "var/log/sshd.log"
    return log.read_text().count("Connection from")


def test_a_changed_host_key_stops_the_scheduler_until_a_person_has_acted_then_its_jobs_run(
    condor_pool: TestPool, manager: JobManager, alice: User, caplog: pytest.LogCaptureFixture
) -> None:
    add(condor_pool, "--accept-host-key", "--no-check")
    another = as_pinned(paramiko.ECDSAKey.generate())
    Scheduler.objects.filter(name="real").update(host_key=another)
    job = manager.create_job("one", alice, job_type="CONDORJOB", executable="/bin/true", scheduler="real")
    job.execute()
    before = connections(condor_pool)
    with pytest.raises(JobHeld, match="another host key than the pinned one"):
        job.wait(timeout=60)
    row = manage("schedulers", "list").rows[1]
    assert row[3].startswith("paused: ")
    assert mark_of(condor_pool.host_key) in row[3]
    alarms = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert [alarm for alarm in alarms if "another host key" in alarm]
    assert connections(condor_pool) == before + 1

    with pytest.raises(JobHeld):
        job.wait(timeout=60)
    assert connections(condor_pool) == before + 1  # nobody has tried again by himself

    assert manage("schedulers", "check", "real", "--no-job").code == 1  # a person has, and still it is wrong
    assert Scheduler.objects.get(name="real").paused_by == Scheduler.BY_ACCESS
    vouched = ["--host-key", "--fingerprint", mark_of(condor_pool.host_key)]
    assert manage("schedulers", "edit", "real", *vouched).code == 0
    job.wait(timeout=60)
    assert job.status == "Complete"


def test_somebody_who_steps_between_while_a_job_runs_learns_nothing_and_the_job_goes_on_afterwards(
    condor_pool: TestPool, working_courier: Scheduler, manager: JobManager, alice: User, tmp_path: Path
) -> None:
    relay = condor_pool.slow()
    way = ["--host", relay.host, "--port", str(relay.port), "--accept-host-key"]
    assert manage("schedulers", "edit", "real", *way).code == 0
    program = tmp_path / "slow.sh"
    program.write_text("#!/bin/sh\nsleep 5\n")
    program.chmod(0o755)
    job = manager.create_job("one", alice, job_type="CONDORJOB", executable=str(program), scheduler="real")
    job.execute()
    wait_until(lambda: Job.objects.get(pk=job.pk).cached_status == "Running", 60, "the job to run")
    with running_sshd([condor_pool.key.with_suffix(".pub").read_text()]) as between:
        relay.lead_to(between.host, between.port)
        wait_until(lambda: is_stopped("real"), 60, "the scheduler to stop")
        tries = between.log.count("Connection from")
        assert (between.logins, between.log.count("Failed")) == (0, 0)
        relay.lead_to(condor_pool.host, condor_pool.port)
    assert tries <= 3  # one of ours, and those that waited for sshd to start
    assert Job.objects.get(pk=job.pk).cached_status == "Running"
    assert manage("schedulers", "check", "real", "--no-job").code == 0
    assert job.wait(timeout=60)
    assert job.status == "Complete"


def is_stopped(name: str) -> bool:
    return Scheduler.objects.get(name=name).paused_by == Scheduler.BY_ACCESS


def test_a_wrong_key_is_found_by_the_check_that_says_what_to_do_and_the_right_one_mends_it(
    condor_pool: TestPool, tmp_path: Path
) -> None:
    stranger = new_key(tmp_path / "stranger", "-t", "ed25519")
    add(condor_pool, "--accept-host-key", "--no-check")
    assert manage("schedulers", "edit", "real", "--key", str(stranger)).code == 0
    said = manage("schedulers", "check", "real")
    assert (said.code, levels(said)) == (1, {"connection": "fail"})
    assert f"{stranger} (refused)" in said.out
    assert manage("schedulers", "list").rows[1][3].startswith("paused: ")
    assert manage("schedulers", "edit", "real", "--key", str(condor_pool.key)).code == 0
    assert manage("schedulers", "check", "real", "--no-job").code == 0
    assert manage("schedulers", "list").rows[1][3] == "ready"


# --- secrets --------------------------------------------------------------------------------------------


def test_a_key_in_the_database_and_its_passphrase_appear_nowhere_on_a_jobs_way(
    condor_pool: TestPool,
    manager: JobManager,
    alice: User,
    tmp_path: Path,
    home: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    locked = tmp_path / "locked"
    shutil.copy(condor_pool.key, locked)
    locked.chmod(0o600)
    change = ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", str(locked)]
    subprocess.run(change, check=True, timeout=60)
    text = locked.read_text()
    secret = [PASSPHRASE, text.splitlines()[3]]
    locked.unlink()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{PASSPHRASE}\n{text}"))
    access = ["--host", condor_pool.host, "--user", condor_pool.user, "--accept-host-key"]
    said = manage("schedulers", "add", "real", *access, "--passphrase-prompt", "--key-prompt", "--no-job")
    assert said.code == 0, said
    job = manager.create_job("one", alice, job_type="CONDORJOB", executable=str(printing(tmp_path)))
    job.scheduler = Scheduler.objects.get(name="real")
    job.execute()
    job.wait(timeout=90)

    where = {
        "what was said": said.out + said.err,
        "the log": caplog.text,
        "the database": dumped(tmp_path),
        "the history": condor_pool.run("condor_history", "-long"),
        "the access point": condor_pool.run("sh", "-c", f"cat $(find ~ /tmp -type f) {LEGIBLY}"),
        "programs there": condor_pool.run("sh", "-c", f"cat /proc/*/environ /proc/*/cmdline {LEGIBLY}"),
        "files here": all_below(home),
        "the job's environment": (job.directory / "OUTPUT" / "0").read_text(),
    }
    assert len(where["the job's environment"]) > 50
    assert len(where["the access point"]) > 1000
    assert [place for place, found in where.items() if any(word in found for word in secret)] == []


def printing(folder: Path) -> Path:
    program = folder / "printing.sh"
    program.write_text('#!/bin/sh\nenv; cat .job.ad .machine.ad; echo "$@"\n')
    program.chmod(0o755)
    return program


def dumped(folder: Path) -> str:
    call_command("dumpdata", "jobs_app", output=str(folder / "dump.json"), verbosity=0)
    return (folder / "dump.json").read_text()


def all_below(folder: Path) -> str:
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert folder / "secrets_key" in files
    return "".join(path.read_bytes().decode("latin-1") for path in files)
