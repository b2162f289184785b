"""Walks the URL map: no route shows or changes what is another person's, whatever id stands in it: a job, a
token, a saved filter, a notice.

A new route fails here until it is named below, with what a stranger gets from it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from jobs_app import tokens
from jobs_app.models import ApiToken, History, Job, Notice, NoticePreference, SavedFilter

OPEN, SIGNED_IN, STAFF = "for everybody", "for who has signed in", "for staff"
JOB, OWN = "about a job", "about something else that belongs to somebody"

ROUTES = {
    "": OPEN,
    "sign-in/": OPEN,
    "sign-in/<str:token>/": OPEN,
    "sign-out/": OPEN,
    "favicon.ico": OPEN,
    "healthz": OPEN,
    "readyz": OPEN,
    "metrics": OPEN,  # for who has its token: tests of its own
    "update-job-status/<int:pk>/": OPEN,  # proves itself by its key: tests of its own
    "api/v1/openapi.json": OPEN,
    "api/v1/docs": OPEN,
    "jobs/": SIGNED_IN,
    "results/": SIGNED_IN,
    "apps/ising/": SIGNED_IN,
    "apps/ising/<int:job_id>/": JOB,
    "jobs/columns/": SIGNED_IN,
    "jobs/filters/": SIGNED_IN,
    "jobs/filters/<int:pk>/remove/": OWN,
    "tables/rows/": SIGNED_IN,
    "tables/act/": SIGNED_IN,
    "jobs/<int:pk>/": JOB,
    "jobs/<int:pk>/files/<path:name>": JOB,
    "jobs/<int:pk>/files/": JOB,
    "jobs/<int:pk>/view/<path:name>": JOB,
    "jobs/<int:pk>/zip/": JOB,
    "jobs/<int:pk>/inputs/": JOB,
    "jobs/<int:pk>/slices/": JOB,
    "jobs/<int:pk>/output/": JOB,
    "jobs/<int:pk>/output/news/": JOB,
    "jobs/<int:pk>/output/file/": JOB,
    "jobs/<int:pk>/asked/": JOB,
    "jobs/<int:pk>/document/": JOB,
    "jobs/<int:pk>/relations/": JOB,
    "jobs/<int:pk>/attempts/<int:number>/": JOB,
    "jobs/<int:pk>/attempts/<int:number>/files/<path:name>": JOB,
    "jobs/<int:pk>/attempts/<int:number>/output/<str:part>": JOB,
    "jobs/<int:pk>/cures/<slug:name>/": JOB,
    "jobs/<int:pk>/shares/": JOB,
    "jobs/<int:pk>/<slug:name>/": JOB,
    "new/": SIGNED_IN,
    "new/from/<int:pk>/": JOB,
    "tokens/": SIGNED_IN,
    "account/": SIGNED_IN,
    "schedulers/": SIGNED_IN,
    "schedulers/<str:name>/<slug:action>/": STAFF,
    "notices/": SIGNED_IN,
    "notices/<int:number>/again/": OWN,
    "audit/": STAFF,
    "tokens/<str:prefix>/revoke/": OWN,
    "api/v1/": OPEN,
    "api/v1/apps": SIGNED_IN,
    "api/v1/templates": SIGNED_IN,
    "api/v1/templates/<app>/<name>": SIGNED_IN,
    "api/v1/events": SIGNED_IN,
    "api/v1/jobs": SIGNED_IN,
    "api/v1/jobs/actions": SIGNED_IN,
    "api/v1/results": SIGNED_IN,
    "api/v1/schedulers": SIGNED_IN,
    "api/v1/schedulers/<name>": SIGNED_IN,
    "api/v1/notices": SIGNED_IN,
    "api/v1/notices/preferences": SIGNED_IN,
    "api/v1/notices/<number>/again": OWN,
    "api/v1/tokens": SIGNED_IN,
    "api/v1/tokens/<prefix>": OWN,
    "api/v1/jobs/<pk>": JOB,
    "api/v1/jobs/<pk>/actions/<action>": JOB,
    "api/v1/jobs/<pk>/archive": JOB,
    "api/v1/jobs/<pk>/attempts": JOB,
    "api/v1/jobs/<pk>/attempts/<number>/files": JOB,
    "api/v1/jobs/<pk>/attempts/<number>/files/<path:name>": JOB,
    "api/v1/jobs/<pk>/attempts/<number>/logs": JOB,
    "api/v1/jobs/<pk>/attempts/<number>/logs/<part>": JOB,
    "api/v1/jobs/<pk>/datasets": JOB,
    "api/v1/jobs/<pk>/datasets/<name>": JOB,
    "api/v1/jobs/<pk>/datasets/<name>/rows": JOB,
    "api/v1/jobs/<pk>/document": JOB,
    "api/v1/jobs/<pk>/events": JOB,
    "api/v1/jobs/<pk>/files": JOB,
    "api/v1/jobs/<pk>/files/<path:name>": JOB,
    "api/v1/jobs/<pk>/inputs/<path:name>": JOB,
    "api/v1/jobs/<pk>/logs": JOB,
    "api/v1/jobs/<pk>/logs/<part>": JOB,
    "api/v1/jobs/<pk>/results": JOB,
    "api/v1/jobs/<pk>/slices": JOB,
    "api/v1/jobs/<pk>/slices/counts": JOB,
}

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
VALUES = {
    "number": "999999",
    "name": "stop",
    "action": "stop",
    "part": "0",
    "app": "examples.ising",
    "prefix": "0000000000",
    "token": "x",
}
ABSENT = "999999"


def routes(patterns: Any = None, before: str = "") -> Iterator[str]:
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        route = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern.url_patterns, route)
        elif isinstance(pattern, URLPattern):
            yield route


OURS = sorted({route for route in routes() if not route.startswith("admin/")})


def test_every_route_is_named_here():
    assert sorted(ROUTES) == OURS


def address(route: str, job: Job, **given: str) -> str:
    number = given.get("pk") or str(job.pk)
    values = {**VALUES, **given, "pk": number, "job_id": number}
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda part: values[part[1]], route)


@pytest.fixture
def secret(make_job):
    """Alice's, with something in every place; built by another job of hers."""
    files = {
        "secret.txt": b"SECRET",
        "stop": b"SECRET",
        "OUTPUT/0": b"SECRET",
        "datasets/stop/0.parquet": b"x",
    }
    parent = make_job("SECRET parent", _status="COM")
    job = make_job(
        "SECRET", files, _status="RUN", number_of_attempts=1, status_message="SECRET", parent=parent
    )
    History.objects.create(job=job, actor="alice", why="SECRET", after="RUN")
    return job


@pytest.fixture
def own(alice):
    """What is Alice's besides jobs: for each route that is about such a thing, the words that lead to it."""
    token, _ = tokens.make("SECRET", alice, ["jobs:read"])
    chosen = SavedFilter.objects.create(user=alice, name="SECRET", query="text=SECRET")
    NoticePreference.objects.create(user=alice, on=["end"], webhook="https://hook.example/SECRET")
    notice = Notice.objects.create(
        key="SECRET",
        user=alice,
        channel=Notice.WEBHOOK,
        subject="SECRET",
        content={"reason": "SECRET"},
        state=Notice.DEAD,
        due=timezone.now() - timedelta(days=1),
    )
    return {
        "jobs/filters/<int:pk>/remove/": {"pk": str(chosen.pk)},
        "notices/<int:number>/again/": {"number": str(notice.pk)},
        "tokens/<str:prefix>/revoke/": {"prefix": token.prefix},
        "api/v1/notices/<number>/again": {"number": str(notice.pk)},
        "api/v1/tokens/<prefix>": {"prefix": token.prefix},
    }


def kept_of(person: User) -> list[Any]:
    """All of it, as it is in the database."""
    found = [ApiToken.objects.filter(owner=person)]
    found += [kind.objects.filter(user=person) for kind in (SavedFilter, Notice, NoticePreference)]
    return [list(rows.order_by("pk").values()) for rows in found]


def said_by(answer: Any) -> str:
    """Without what differs each time: the token of the page's form."""
    return re.sub(r'csrfmiddlewaretoken" value="\w+"', "", content_of(answer).decode(errors="replace"))


def content_of(answer: Any) -> bytes:
    return b"".join(answer)


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind == JOB])
@pytest.mark.parametrize("method", METHODS)
def test_a_stranger_gets_from_a_job_what_is_said_of_one_that_is_not_there(charlie, secret, route, method):
    client = Client(raise_request_exception=False)
    client.force_login(charlie)
    theirs = client.generic(method, address(route, secret), "{}", "application/json")
    absent = client.generic(method, address(route, secret, pk=ABSENT), "{}", "application/json")
    assert theirs.status_code in (404, 405, 422)
    assert theirs.status_code == absent.status_code
    assert said_by(theirs) == said_by(absent)
    assert Job.objects.filter(pk=secret.pk, _status="RUN", name="SECRET").exists()


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind == OWN])
@pytest.mark.parametrize("method", METHODS)
def test_a_stranger_gets_from_what_is_anothers_what_is_said_of_nothing(
    alice, charlie, secret, own, route, method
):
    client, before = Client(raise_request_exception=False), kept_of(alice)
    client.force_login(charlie)
    theirs = client.generic(method, address(route, secret, **own[route]), "{}", "application/json")
    absent = client.generic(method, address(route, secret, pk=ABSENT), "{}", "application/json")
    assert theirs.status_code in (302, 404, 405)
    assert theirs.status_code == absent.status_code
    assert said_by(theirs) == said_by(absent)
    assert kept_of(alice) == before


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind == OWN])
def test_its_owner_changes_it_by_the_same_address(alice, secret, own, route):
    """Else the walk of the stranger would prove nothing."""
    client, before = Client(), kept_of(alice)
    client.force_login(alice)
    for method in METHODS:
        client.generic(method, address(route, secret, **own[route]))
    assert kept_of(alice) != before


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind in (JOB, SIGNED_IN, OWN)])
@pytest.mark.parametrize("method", METHODS)
def test_a_visitor_gets_nothing(alice, secret, own, route, method):
    before = kept_of(alice)
    answer = Client(raise_request_exception=False).generic(
        method, address(route, secret, **own.get(route, {})), "{}", "application/json"
    )
    assert kept_of(alice) == before
    assert answer.status_code in (302, 401, 403, 405)
    if answer.status_code == 302:
        assert answer.headers["Location"].startswith("/sign-in/?next=/")
    assert b"SECRET" not in content_of(answer)


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind == SIGNED_IN])
@pytest.mark.parametrize("method", METHODS)
def test_lists_show_a_stranger_nothing_of_others(alice, charlie, secret, own, route, method):
    client, before = Client(raise_request_exception=False), kept_of(alice)
    client.force_login(charlie)
    answer = client.generic(method, address(route, secret), "{}", "application/json")
    assert answer.status_code in (200, 302, 400, 403, 404, 405, 409, 422)
    assert b"SECRET" not in content_of(answer)
    assert kept_of(alice) == before
    assert Job.objects.filter(pk=secret.pk, _status="RUN", name="SECRET").exists()


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind in (JOB, SIGNED_IN)])
def test_a_job_that_is_shared_tells_nothing_of_the_one_that_built_it(charlie, secret, make_job, route):
    charlie.groups.add(Group.objects.create(name="hydrology"))
    files = {"stop": b"x", "OUTPUT/0": b"x"}
    shared = make_job("shared", files, _status="RUN", number_of_attempts=1, parent=secret)
    shared.groups.add(charlie.groups.get())
    client = Client(raise_request_exception=False)
    client.force_login(charlie)
    for query in ("", f"?parent={secret.pk}"):
        said = said_by(client.get(address(route, shared) + query))
        assert "SECRET" not in said
        assert not re.search(rf'{secret.jobid}\b|"parent": ?{secret.pk}\b', said)


@pytest.mark.parametrize("route", [route for route, kind in ROUTES.items() if kind == STAFF])
@pytest.mark.parametrize("method", METHODS)
def test_pages_of_the_staff_are_for_the_staff(charlie, secret, route, method):
    client = Client(raise_request_exception=False)
    client.force_login(charlie)
    answer = client.generic(method, address(route, secret), "{}", "application/json")
    assert answer.status_code in (403, 405)
    assert b"SECRET" not in content_of(answer)


def test_a_bulk_action_does_not_reach_others_jobs(charlie, secret):
    client = Client()
    client.force_login(charlie)
    body = {"action": "stop", "ids": [secret.pk, 999999]}
    answer = client.post("/api/v1/jobs/actions", body, "application/json").json()
    assert [(each["status"], each["detail"]) for each in answer["jobs"]] == [
        (404, "There is no such job.")
    ] * 2


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "a@b", "localhost:80@evil"])
@pytest.mark.parametrize("path", ["/sign-in/", "/jobs/", "/api/v1/jobs", "/api/v1/docs"])
def test_a_host_that_is_not_ours_is_refused(db, path, host):
    answer = Client(raise_request_exception=False).get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert b"evil" not in answer.content


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example/", "/\\evil.example", "javascript:alert(1)", "http:///evil"],
)
def test_signing_in_leads_nowhere_else(alice, target):
    alice.set_password("correct horse")
    alice.save()
    given = {"username": "alice", "password": "correct horse", "next": target}
    answer = Client().post("/sign-in/", given)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/jobs/")
