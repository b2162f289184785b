"""From a scheduler's row to its access point: what is known of it, and what stops it at once."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User

from jobs_app import checks, secrets
from jobs_app.compute import create_scheduler
from jobs_app.errors import BadParameter, JobHeld
from jobs_app.lifecycle.access import account_of, reached_by, seconds_of
from jobs_app.models import Scheduler
from jobs_app.pools.condor.opening import address_of
from jobs_app.pools.shell import Identity
from tests.unit.manager.conftest import NewApp, new_app

__all__ = ["new_app"]

pytestmark = pytest.mark.django_db

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUQ4DhyTPbhVJW9bXCkgZT3L0yRHdGWcJ4TZbhiyLTT"
HORSE = "correct horse"


def saved(**fields: Any) -> Scheduler:
    scheduler = create_scheduler("ruby", "127.0.0.1", "alice", host_key=HOST_KEY, **fields)
    scheduler.save()
    return Scheduler.objects.get(name="ruby")


def test_what_is_known_of_an_account_shows_no_secret() -> None:
    account = account_of(saved(password=HORSE, private_key=HORSE, private_key_pass=HORSE))
    assert (account.password, account.key_text, account.passphrase) == (HORSE, HORSE, HORSE)
    assert "horse" not in f"{account!r} {account} {address_of(account)!r} {address_of(account)}"


@pytest.mark.parametrize(
    ("fields", "identity"),
    [
        ({}, Identity(agent=True)),
        ({"private_key_path": "/keys/a"}, Identity(("/keys/a",))),
        ({"private_key_path": "/keys/a", "use_agent": True}, Identity(("/keys/a",), agent=True)),
        ({"password": HORSE}, Identity(password=HORSE)),
        ({"private_key": HORSE, "private_key_pass": "x"}, Identity(key_text=HORSE, passphrase="x")),
    ],
)
def test_an_agent_is_asked_where_nothing_else_is_given_or_when_it_is_said(
    fields: dict[str, Any], identity: Identity
) -> None:
    assert address_of(account_of(saved(**fields))).identity == identity


def test_jump_hosts_are_shown_everything_but_the_password_of_the_access_point() -> None:
    scheduler = saved(password=HORSE, private_key_path="/keys/a", jump="bob@gate:2022, inner")
    gate, inner = address_of(account_of(scheduler)).jumps
    assert (str(gate), str(inner)) == ("bob@gate:2022", "alice@inner:22")
    assert (gate.identity, inner.identity) == (Identity(("/keys/a",)), Identity(("/keys/a",)))


def test_each_jump_host_has_its_own_line_among_the_pinned_keys() -> None:
    gate, inner = address_of(account_of(saved(jump="gate,inner", jump_host_key=f"{HOST_KEY}\n"))).jumps
    assert (gate.host_key, inner.host_key) == (HOST_KEY, "")


def test_a_change_of_how_it_is_reached_is_seen_without_opening_a_secret() -> None:
    scheduler = saved(password=HORSE)
    before = reached_by(scheduler)
    assert reached_by(Scheduler.objects.get(name="ruby")) == before
    secrets.file().write_text("")
    scheduler.host = "other"
    assert reached_by(scheduler) != before


def test_times_come_from_the_scheduler_else_from_the_settings(settings: Any) -> None:
    settings.ROOST_SSH_SECONDS = {"connect": 3, "idle": 60}
    seconds = seconds_of(saved(options={"seconds": {"connect": 7}}))
    assert (seconds.connect, seconds.idle, seconds.banner) == (7.0, 60.0, 15.0)
    settings.ROOST_SSH_SECONDS = {"conect": 3}
    assert set(checks._SECONDS) == set(seconds.__dataclass_fields__)
    with pytest.raises(BadParameter, match="conect: no such waiting time"):
        seconds_of(Scheduler(name="x"))


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"password": HORSE}, "A secret in the database cannot be opened"),
        ({"private_key_path": "/nowhere/id"}, "The key /nowhere/id cannot be read"),
        ({"options": {"seconds": {"idle": "long"}}}, "A waiting time is no number of seconds"),
    ],
)
def test_a_job_of_a_scheduler_that_has_nothing_to_log_in_with_says_what_a_person_has_to_do(
    fields: dict[str, Any], reason: str, new_app: NewApp, alice: User
) -> None:
    scheduler = saved(**fields)
    if "password" in fields:
        Scheduler.objects.filter(pk=scheduler.pk).update(password=secrets.Secret("gAAAAA-lost"))
    manager = new_app().get_job_manager()
    job = manager.create_job("one", alice, job_type="CONDORJOB", executable="/bin/true", scheduler="ruby")
    job.execute()
    with pytest.raises(JobHeld, match=reason):
        job.wait(timeout=60)
    scheduler.refresh_from_db()
    assert (scheduler.paused_by, scheduler.failures) == (Scheduler.BY_ACCESS, 1)
