"""Who may do what to a job: every person, every verb, every relation."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import AnonymousUser, Group, Permission, User

from jobs_app import lifecycle, permissions
from jobs_app.errors import NotAllowed, NotYours
from jobs_app.gizmos.definition import Definition
from jobs_app.gizmos.rows import rows
from jobs_app.lifecycle.actors import acting
from jobs_app.models import JobShare
from jobs_app.permissions import ACT, EDIT, READ, VERBS, Caller, Operator, allowed

NOTHING, LOOKS, ACTS, ALL = set(), {READ}, {READ, ACT}, {READ, ACT, EDIT}

# A person's relation to a job of alice that is: hers alone; shared to read; shared to act.
MATRIX = {
    "alice, its owner": (ALL, ALL, ALL),
    "bob, in the group": (NOTHING, LOOKS, ACTS),
    "charlie, a stranger": (NOTHING, NOTHING, NOTHING),
    "a visitor": (NOTHING, NOTHING, NOTHING),
    "staff": (ALL, ALL, ALL),
    "who has the permission": (ALL, ALL, ALL),
    "alice, deactivated": (NOTHING, NOTHING, NOTHING),
    "staff, deactivated": (NOTHING, NOTHING, NOTHING),
    "a service": (ALL, ALL, ALL),
    "the app's service": (ALL, ALL, ALL),
    "another app's service": (NOTHING, NOTHING, NOTHING),
    "alice's token": (ALL, ALL, ALL),
    "alice's token to read": (LOOKS, LOOKS, LOOKS),
    "alice's token for files": (NOTHING, NOTHING, NOTHING),
    "bob's token": (NOTHING, LOOKS, ACTS),
    "bob's token to read": (NOTHING, LOOKS, LOOKS),
    "staff's token to read": (LOOKS, LOOKS, LOOKS),
    "a service's token to read": (LOOKS, LOOKS, LOOKS),
    "charlie as the operator": (ALL, ALL, ALL),
    "root as the operator, without an account": (ALL, ALL, ALL),
}


@pytest.fixture
def people(alice: User, bob: User, charlie: User) -> dict[str, permissions.Person]:
    bob.groups.add(Group.objects.create(name="hydrology"))
    staff = User.objects.create_user("sam", is_staff=True)
    trusted = User.objects.create_user("tess")
    trusted.user_permissions.add(Permission.objects.get(codename="jobs_table_actions"))
    return {
        "alice, its owner": alice,
        "bob, in the group": bob,
        "charlie, a stranger": charlie,
        "a visitor": AnonymousUser(),
        "staff": staff,
        "who has the permission": User.objects.get(pk=trusted.pk),
        "alice, deactivated": User(pk=alice.pk, username="alice", is_active=False),
        "staff, deactivated": User(pk=staff.pk, username="sam", is_staff=True, is_active=False),
        "a service": token(None),
        "the app's service": token(None, app="examples.ising"),
        "another app's service": token(None, app="weather"),
        "alice's token": token(alice),
        "alice's token to read": token(alice, "jobs:read"),
        "alice's token for files": token(alice, "files:read", "files:write"),
        "bob's token": token(bob),
        "bob's token to read": token(bob, "jobs:read"),
        "staff's token to read": token(staff, "jobs:read"),
        "a service's token to read": token(None, "jobs:read"),
        "charlie as the operator": Operator("charlie", charlie.pk),
        "root as the operator, without an account": Operator("root"),
    }


def token(user: User | None, *scopes: str, app: str = "") -> Caller:
    return Caller(1, "t", frozenset(scopes or permissions.SCOPES), user, app)


@pytest.mark.parametrize("person", MATRIX)
@pytest.mark.parametrize("sharing", ["", JobShare.READ, JobShare.ACT])
def test_the_matrix(person, sharing, people, make_job):
    job = make_job()
    if sharing:
        JobShare.objects.create(job=job, group=Group.objects.get(name="hydrology"), may=sharing)
    expected = MATRIX[person][["", JobShare.READ, JobShare.ACT].index(sharing)]
    assert {verb for verb in VERBS if allowed(people[person], verb, job)} == expected


WITHOUT_SCOPES = [name for name in MATRIX if "token" not in name]


@pytest.mark.parametrize("person", WITHOUT_SCOPES)
def test_the_rows_of_a_table_offer_what_the_matrix_allows(person, people, make_job):
    jobs = [make_job() for _ in range(3)]
    hydrology = Group.objects.get(name="hydrology")
    for job, sharing in zip(jobs[1:], (JobShare.READ, JobShare.ACT), strict=True):
        JobShare.objects.create(job=job, group=hydrology, may=sharing)
    shown = {row.job.pk: row.may for row in rows(jobs, Definition(()), people[person])}
    expected = zip(jobs, MATRIX[person], strict=True)
    assert shown == {job.pk: may for job, may in expected if may}


@pytest.mark.parametrize("person", MATRIX)
def test_many_jobs_are_judged_with_few_queries(person, people, make_job, django_assert_max_num_queries):
    jobs = [make_job() for _ in range(5)]
    with django_assert_max_num_queries(3):  # two for what the person may, one for the shares
        permissions.verbs_of(people[person], jobs)


@pytest.mark.parametrize("person", MATRIX)
@pytest.mark.parametrize("sharing", ["", JobShare.READ, JobShare.ACT])
def test_the_lifecycle_lets_act_whom_the_matrix_allows(person, sharing, people, make_job):
    """What commands, pages and the API call in the end."""
    job = make_job()
    if sharing:
        JobShare.objects.create(job=job, group=Group.objects.get(name="hydrology"), may=sharing)
    expected = MATRIX[person][["", JobShare.READ, JobShare.ACT].index(sharing)]
    for verb in (ACT, EDIT):
        try:
            assert acting(job, people[person], verb).name == people[person].get_username()
            assert verb in expected
        except NotYours:
            assert verb not in expected


@pytest.mark.parametrize("person", MATRIX)
@pytest.mark.parametrize("shared", [False, True])
def test_lists_hold_what_may_be_read_and_nothing_else(person, shared, people, make_job):
    job = make_job()
    if shared:
        job.groups.add(Group.objects.get(name="hydrology"))
    seen = permissions.readable(people[person]).filter(pk=job.pk).exists()
    assert seen == (READ in permissions.verbs(people[person], job))


@pytest.mark.parametrize("person", MATRIX)
@pytest.mark.parametrize("shared", [False, True])
def test_of_a_few_jobs_those_are_seen_that_may_be_read(person, shared, people, make_job):
    job = make_job()
    if shared:
        job.groups.add(Group.objects.get(name="hydrology"))
    expected = {job.pk} if READ in permissions.verbs(people[person], job) else set()
    assert permissions.seen(people[person], [job.pk, None]) == expected


def test_every_person_of_the_matrix_is_there(people):
    assert people.keys() == MATRIX.keys()


@pytest.mark.parametrize("sharing", [JobShare.READ, JobShare.ACT])
def test_two_shares_give_what_the_better_one_gives(sharing, people, bob, make_job):
    job, other = make_job(), Group.objects.create(name="climate")
    bob.groups.add(other)
    JobShare.objects.create(job=job, group=other, may=JobShare.ACT)
    JobShare.objects.create(job=job, group=Group.objects.get(name="hydrology"), may=sharing)
    assert permissions.verbs(bob, job) == ACTS


def test_a_jobs_files_are_asked_for_by_scopes_of_their_own(alice, make_job):
    job = make_job()
    assert allowed(token(alice, "files:read"), READ, job, "files")
    assert not allowed(token(alice, "files:read"), EDIT, job, "files")
    assert not allowed(token(alice, "jobs:read", "jobs:write"), READ, job, "files")


def test_who_may_act_may_stop_but_not_delete(people, bob, make_job):
    job = make_job(_status="ERR")
    job.groups.add(Group.objects.get(name="hydrology"), through_defaults={"may": JobShare.ACT})
    with pytest.raises(NotAllowed):
        lifecycle.delete(job, user=bob)


def test_a_job_that_belongs_to_nobody_is_no_visitors(people, make_job):
    job = make_job(user=None)
    assert permissions.verbs(people["a visitor"], job) == NOTHING
    assert permissions.verbs(people["a service"], job) == ALL


def test_programs_of_ones_own_need_a_permission(people, alice):
    assert not permissions.may_run_anything(alice)
    assert permissions.may_run_anything(people["staff"])
    assert permissions.may_run_anything(people["a service"])
    assert not permissions.may_run_anything(people["staff, deactivated"])
    alice.user_permissions.add(Permission.objects.get(codename="run_anything"))
    assert permissions.may_run_anything(User.objects.get(pk=alice.pk))


def test_jobs_are_made_for_oneself_or_by_who_has_everybodys(people, alice, bob):
    assert permissions.may_make_for(alice, alice)
    assert not permissions.may_make_for(alice, bob)
    assert not permissions.may_make_for(people["alice, deactivated"], alice)
    for name in ("staff", "who has the permission", "a service", "charlie as the operator"):
        assert permissions.may_make_for(people[name], bob)
