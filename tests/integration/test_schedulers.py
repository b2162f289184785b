"""`manage.py schedulers` on a real access point: from the first question to the test job."""

from __future__ import annotations

import subprocess
import threading
from pathlib import Path

import pytest

from jobs_app import courier
from jobs_app.models import Scheduler
from tests.pool.pool import TestPool
from tests.unit.commands.conftest import Said, manage

pytestmark = [pytest.mark.pool, pytest.mark.django_db(transaction=True)]


def mark_of(host_key: str) -> str:
    """As OpenSSH's own tool prints it."""
    words = ["ssh-keygen", "-lf", "-"]
    done = subprocess.run(words, input=host_key, capture_output=True, text=True, timeout=30, check=True)
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
    before = condor_pool.logins()
    said = add(condor_pool, "--fingerprint", mark_of(condor_pool.host_key))
    assert said.code == 0, said
    assert levels(said) == dict.fromkeys(
        ["connection", "folder", "space", "clock", "own name", "HTCondor", "schedd", "slots", "test job"],
        "ok",
    )
    assert "with Python 3." in said.out
    assert Scheduler.objects.get(name="real").host_key == condor_pool.host_key
    assert condor_pool.logins() == before + 1
    assert condor_pool.run("sh", "-c", "ls ~/roost/attempts").strip() == ""


def test_another_fingerprint_than_the_shown_one_pins_and_keeps_nothing(condor_pool: TestPool) -> None:
    before = condor_pool.logins()
    said = add(condor_pool, "--fingerprint", "SHA256:" + "A" * 43)
    assert said.code == 1
    assert mark_of(condor_pool.host_key) in said.err
    assert "which is none of SHA256:AAAA" in said.err
    assert not Scheduler.objects.filter(name="real").exists()
    assert condor_pool.logins() == before


def test_a_program_that_vouches_for_nothing_is_told_what_to_give(condor_pool: TestPool) -> None:
    said = add(condor_pool)
    assert said.code == 2
    assert f"--fingerprint {mark_of(condor_pool.host_key)}" in said.err
    assert not Scheduler.objects.filter(name="real").exists()
