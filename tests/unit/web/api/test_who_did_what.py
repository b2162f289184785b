"""Everything that changes something on a page or by the API is in the audit trail, once, with who did it."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Group, User
from django.core.files.uploadedfile import SimpleUploadedFile

from jobs_app import compute, tokens
from jobs_app.models import ApiToken, AuditEntry, CondorJob, Scheduler, Template

EXECUTABLE = '{"executable": "/bin/true"}'


def told() -> list[tuple[str, str, int | None, str]]:
    rows = AuditEntry.objects.order_by("id").values_list("who", "via", "job_id", "what")
    found = list(rows)
    AuditEntry.objects.all().delete()
    return found


@pytest.fixture
def admin(page_of, db):
    return page_of(User.objects.create_superuser("root", password="x"))


class TestTokens:
    def test_on_the_page(self, page_of, alice):
        client = page_of(alice)
        client.post("/tokens/", {"name": "night run", "scopes": ["jobs:read"], "days": "30"})
        prefix = ApiToken.objects.get().prefix
        client.post(f"/tokens/{prefix}/revoke/")
        client.post(f"/tokens/{prefix}/revoke/")
        (made, revoked) = told()
        assert made[:3] == revoked[:3] == ("alice", "page", None)
        assert re.fullmatch(
            rf"Made the token roost_{prefix} \(night run\) of alice: jobs:read; until .*\.", made[3]
        )
        assert revoked[3] == f"Revoked the token roost_{prefix} (night run) of alice."

    def test_by_the_api_and_no_secret_is_told(self, api_of, alice):
        client = api_of(alice)
        AuditEntry.objects.all().delete()
        body = {"name": "x", "scopes": ["jobs:read"]}
        text = client.call("POST", "/tokens", body).json()["token"]
        client.call("DELETE", f"/tokens/{ApiToken.objects.latest('pk').prefix}")
        rows = told()
        assert [row[:2] for row in rows] == [("alice (token for a test)", "API")] * 2
        assert text.rpartition("_")[2] not in repr(rows)


class TestJobs:
    def test_made_by_the_api_and_shared(self, api_of, alice, hydrology):
        client = api_of(alice)
        told()
        order = {"app": "examples.ising", "template": "ising", "name": "cool"}
        order["shares"] = [{"group": "hydrology", "may": "act"}]
        pk = client.call("POST", "/jobs", order).json()["jobs"][0]["id"]
        assert told() == [
            ("alice (token for a test)", "API", pk, "Created from ising. Shared with hydrology (act).")
        ]

    def test_the_same_call_again_is_told_of_once(self, api_of, alice):
        client = api_of(alice)
        told()
        order = {"app": "examples.ising", "template": "ising", "name": "cool"}
        for _ in range(2):
            client.call("POST", "/jobs", order, **{"Idempotency-Key": "k"})
        assert len(told()) == 1

    def test_changed_shared_and_its_document(self, api_of, alice, hydrology, make_job):
        job, client = make_job(files={"x": b""}), api_of(alice)
        told()
        shares = [{"group": "hydrology", "may": "read"}]
        client.call("PATCH", f"/jobs/{job.pk}", {"name": "warm", "shares": shares})
        client.call("PATCH", f"/jobs/{job.pk}", {"shares": []})
        client.call("PUT", f"/jobs/{job.pk}/document", {"a": 1})
        client.call("PUT", f"/jobs/{job.pk}/document", {"a": 2}, **{"If-Match": '"other"'})
        assert [(pk, what) for _, _, pk, what in told()] == [
            (job.pk, "Changed name, shares. Shared with hydrology (read)."),
            (job.pk, "Changed shares. Shared with nobody."),
            (job.pk, "Changed the document."),
        ]

    def test_what_is_refused_is_not_told(self, api_of, alice, make_job):
        job, client = make_job(), api_of(alice)
        told()
        body = {"name": "warm", "shares": [{"group": "nobody's", "may": "read"}]}
        assert client.call("PATCH", f"/jobs/{job.pk}", body).status_code == 422
        assert told() == []

    def test_inputs_and_document_on_the_page(self, page_of, alice, make_job, project):
        job, client = make_job(files={"x": b""}), page_of(alice)
        page = client.get(f"/jobs/{job.pk}/document/")
        client.post(f"/jobs/{job.pk}/document/", {"text": '{"a": 1}', "version": page.context["version"]})
        given = {"type": "CONDORJOB", "app": "examples.ising", "user": alice, "project": project}
        other = CondorJob.objects.create(name="c", parameters={"executable": "/bin/true"}, **given)
        client.post(f"/jobs/{other.pk}/inputs/", {"file": SimpleUploadedFile("a.dat", b"123")})
        assert [(who, via, pk, what) for who, via, pk, what in told()] == [
            ("alice", "page", job.pk, "Changed the document."),
            ("alice", "page", other.pk, "Uploaded the input a.dat (3 bytes)."),
        ]


class TestOperating:
    def test_admin_pages(self, admin, project):
        admin.post(
            "/admin/jobs_app/template/add/",
            {"app": "weather", "name": "rain", "type": "CONDORJOB", "parameters": EXECUTABLE},
        )
        rain = Template.objects.get(name="rain")
        admin.post(f"/admin/jobs_app/template/{rain.pk}/delete/", {"post": "yes"})
        admin.post("/admin/auth/group/add/", {"name": "physics"})
        rows = told()
        assert {row[:2] for row in rows} == {("root", "admin")}
        assert [what for *_, what in rows] == [
            "Template weather/rain v1: Added.",
            "Deleted the template weather/rain v1.",
            "Group physics: Added.",
        ]
        assert Group.objects.filter(name="physics").exists()

    def test_a_schedulers_secrets_are_not_told(self, admin):
        row = compute.embedded()
        assert isinstance(row, Scheduler)
        page = admin.get(f"/admin/jobs_app/scheduler/{row.pk}/change/")
        form = page.context["adminform"].form
        given = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
        given = {name: value for name, value in given.items() if value is not None and value is not False}
        managed = {"user_limits-TOTAL_FORMS": "0", "user_limits-INITIAL_FORMS": "0"}
        given |= managed | {"new_password": "open sesame", "options": "{}", "forget": []}
        answer = admin.post(f"/admin/jobs_app/scheduler/{row.pk}/change/", given)
        assert answer.status_code == 302, answer.context["adminform"].form.errors
        (entry,) = told()
        assert entry[:2] == ("root", "admin")
        assert "assword" in entry[3]
        assert "sesame" not in entry[3]

    def test_what_somebody_is_told_of(self, page_of, alice):
        page_of(alice).post("/notices/", {"on": ["end"], "webhook": "https://chat.example/hook?key=SECRET"})
        assert told() == [("alice", "page", None, "Is told of end by webhook chat.example.")]

    def test_that_a_webhook_got_another_secret(self, api_of, alice):
        wanted = {"on": ["end"], "webhook": "https://chat.example/hook"}
        client = api_of(alice)
        told()
        for new in (False, True):
            client.call("PUT", "/notices/preferences", {**wanted, "new_secret": new})
        assert [what.endswith("The webhook has a new secret.") for *_, what in told()] == [False, True]

    def test_no_token_no_entry(self, db):
        tokens.make("by a program", None, ["jobs:read"])
        assert [(who, via) for who, via, *_ in told()] == [("program", "program")]
