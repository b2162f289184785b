from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone
from jsonschema import Draft202012Validator

from jobs_app import job_templates, job_types, orders, parameters
from jobs_app.models import IdempotencyKey, Job, JobShare, JobUse

ONE = {"app": "examples.ising", "template": "ising", "name": "cool {id}"}


def test_one_job_is_made_from_a_template(api_of, alice):
    answer = api_of(alice).call("POST", "/jobs", ONE)
    assert answer.status_code == 201
    (made,) = answer.json()["jobs"]
    job = Job.objects.get(pk=made["id"])
    assert (job.user, job.name, job.cached_status) == (alice, f"cool {job.pk}", "Pending")


def test_many_jobs_are_made_in_one_call(api_of, alice):
    many = [{"name": f"s{seed}", "parameters": {"options": {"seed": seed}}} for seed in range(20)]
    order = {"app": "examples.ising", "template": "ising", "jobs": many, "parameters": {"slices": 2}}
    answer = api_of(alice).call("POST", "/jobs", order)
    assert answer.status_code == 201
    seeds = [job.parameters["options"]["seed"] for job in Job.objects.order_by("pk")]
    assert seeds == list(range(20))
    assert {job["slices"]["total"] for job in answer.json()["jobs"]} == {2}


def test_all_are_made_or_none(api_of, alice):
    many = [{"name": "good"}, {"name": "bad", "parameters": {"memory": "much"}}]
    answer = api_of(alice).call("POST", "/jobs", {"app": "examples.ising", "template": "ising", "jobs": many})
    assert answer.status_code == 422
    assert "memory" in answer.json()["detail"]
    assert not Job.objects.exists()


class TestTheSameCallAgain:
    def test_makes_no_second_jobs(self, api_of, alice):
        client = api_of(alice)
        first = client.call("POST", "/jobs", ONE, **{"Idempotency-Key": "k1"})
        again = client.call("POST", "/jobs", ONE, **{"Idempotency-Key": "k1"})
        assert (first.status_code, again.status_code) == (201, 200)
        assert again.json()["jobs"] == first.json()["jobs"]
        assert (first.json()["replayed"], again.json()["replayed"]) == (False, True)
        assert Job.objects.count() == 1

    def test_is_refused_with_another_body(self, api_of, alice):
        client = api_of(alice)
        client.call("POST", "/jobs", ONE, **{"Idempotency-Key": "k1"})
        other = client.call("POST", "/jobs", {**ONE, "name": "warm"}, **{"Idempotency-Key": "k1"})
        assert other.status_code == 422
        assert Job.objects.count() == 1

    def test_may_be_mended_when_it_failed(self, api_of, alice):
        client = api_of(alice)
        wrong = {**ONE, "parameters": {"memory": "much"}}
        assert client.call("POST", "/jobs", wrong, **{"Idempotency-Key": "k1"}).status_code == 422
        assert not IdempotencyKey.objects.exists()
        assert client.call("POST", "/jobs", ONE, **{"Idempotency-Key": "k1"}).status_code == 201

    def test_is_another_persons_own(self, api_of, alice, bob):
        for person in (alice, bob):
            answer = api_of(person).call("POST", "/jobs", ONE, **{"Idempotency-Key": "k1"})
            assert answer.status_code == 201
        assert Job.objects.count() == 2


class TestWhatMayBeAskedFor:
    @pytest.mark.parametrize("name", ["executable", "environment", "arguments", "attributes", "method"])
    def test_only_who_may_run_anything_says_which_program_runs(self, api_of, alice, name):
        answer = api_of(alice).call("POST", "/jobs", {**ONE, "parameters": {name: "x"}})
        assert answer.status_code == 403
        assert "run_anything" in answer.json()["detail"]

    @pytest.mark.parametrize("name", ["process_results_function", "workspace"])
    def test_nobody_names_code_or_folders_of_the_server(self, api_of, admin_user, name):
        answer = api_of(admin_user).call("POST", "/jobs", {**ONE, "parameters": {name: "os.system"}})
        assert answer.status_code == 403

    def test_a_bare_type_needs_the_permission(self, api_of, alice):
        order = {
            "app": "examples.ising",
            "type": "CONDORJOB",
            "name": "x",
            "parameters": {"executable": "/bin/ls"},
        }
        assert api_of(alice).call("POST", "/jobs", order).status_code == 403
        alice.user_permissions.add(Permission.objects.get(codename="run_anything"))
        assert api_of(alice).call("POST", "/jobs", order).status_code == 201

    def test_the_project_may_open_a_parameter(self, api_of, alice, settings):
        settings.ROOST_OPEN_PARAMETERS = ["environment"]
        answer = api_of(alice).call("POST", "/jobs", {**ONE, "parameters": {"environment": {"A": "1"}}})
        assert answer.status_code == 201

    def test_a_job_that_one_may_not_see_cannot_be_named(self, api_of, alice, charlie, make_job):
        theirs = make_job(user=alice)
        said = [
            api_of(charlie).call("POST", "/jobs", {**ONE, "parameters": {"after": [pk]}})
            for pk in (theirs.pk, 999_999)
        ]
        assert {answer.status_code for answer in said} == {404}
        assert said[0].json() == said[1].json()
        assert (
            api_of(alice).call("POST", "/jobs", {**ONE, "parameters": {"after": [theirs.pk]}}).status_code
            == 201
        )

    def test_anothers_state_point_is_not_told(self, api_of, alice, charlie):
        order = {**ONE, "name": "SECRET", "parameters": {"statepoint": {"a": 1}}}
        assert api_of(alice).call("POST", "/jobs", order).status_code == 201
        answer = api_of(charlie).call("POST", "/jobs", {**order, "name": "mine"})
        assert answer.status_code == 422
        assert "SECRET" not in answer.content.decode()

    def test_shares_go_to_ones_own_groups(self, api_of, alice, charlie, hydrology):
        order = {**ONE, "shares": [{"group": "hydrology", "may": "act"}]}
        assert api_of(charlie).call("POST", "/jobs", order).status_code == 422
        assert api_of(alice).call("POST", "/jobs", order).status_code == 201
        assert [(share.group, share.may) for share in JobShare.objects.all()] == [(hydrology, "act")]

    def test_a_services_jobs_belong_to_nobody_and_to_its_app(self, api_of):
        assert api_of(None).call("POST", "/jobs", ONE).status_code == 201
        assert Job.objects.get().user is None
        assert api_of(None, app="weather").call("POST", "/jobs", ONE).status_code == 403

    @pytest.mark.parametrize(
        "given", [{}, {"name": "x", "jobs": [{"name": "y"}]}, {"jobs": []}, {"nmae": "x"}]
    )
    def test_what_is_neither_one_nor_many_is_said(self, api_of, alice, given):
        answer = api_of(alice).call("POST", "/jobs", {"app": "examples.ising", "template": "ising", **given})
        assert answer.status_code == 422
        assert answer.json()["detail"]


class TestLists:
    def test_a_page_leads_to_the_next(self, api_of, alice, make_job):
        for number in range(5):
            make_job(f"j{number}")
        client = api_of(alice)
        page = client.call("GET", "/jobs?limit=2&sort=name&count=true").json()
        assert ([job["name"] for job in page["jobs"]], page["count"], page["complete"]) == (
            ["j0", "j1"],
            5,
            True,
        )
        page = client.call("GET", f"/jobs?limit=3&sort=name&cursor={page['next']}").json()
        assert ([job["name"] for job in page["jobs"]], page["next"]) == (["j2", "j3", "j4"], None)

    def test_filters_are_those_of_the_table(self, api_of, alice, make_job):
        make_job("a", statepoint={"T": 2.5}, _status="COM")
        make_job("b", statepoint={"T": 3.5}, _status="ERR")
        client = api_of(alice)
        for query, expected in {
            "status=ERR": ["b"],
            "status=ERR&status=COM&sort=name": ["a", "b"],
            'statepoint={"T":{"$lt":3}}': ["a"],
            "user=me&text=b": ["b"],
            "user=charlie": [],
        }.items():
            assert [job["name"] for job in client.call("GET", f"/jobs?{query}").json()["jobs"]] == expected

    def test_nothing_new_costs_nothing(self, api_of, alice, make_job):
        job, client = make_job(_status="RUN"), api_of(alice)
        for path in ("/jobs", f"/jobs?id={job.pk}", f"/jobs/{job.pk}", f"/jobs/{job.pk}/events"):
            first = client.call("GET", path)
            again = client.call("GET", path, **{"If-None-Match": first.headers["ETag"]})
            assert (again.status_code, again.content) == (304, b""), path
        etag = client.call("GET", "/jobs").headers["ETag"]
        Job.objects.update(slices_done=1)
        assert client.call("GET", "/jobs", **{"If-None-Match": etag}).status_code == 200

    def test_nothing_is_kept_by_caches_between(self, api_of, alice):
        assert api_of(alice).call("GET", "/jobs").headers["Cache-Control"] == "private, no-cache"


class TestOneJob:
    def test_its_links_show_only_what_one_may_see(self, api_of, alice, bob, make_job, hydrology):
        hidden, job = make_job(user=alice), make_job(user=alice)
        JobUse.objects.create(job=job, used=hidden, role="x")
        job.groups.add(hydrology)
        assert api_of(alice).call("GET", f"/jobs/{job.pk}").json()["uses"] == [hidden.pk]
        seen = api_of(bob).call("GET", f"/jobs/{job.pk}").json()
        assert (seen["uses"], seen["may"]) == ([], ["read"])

    def test_its_owner_changes_name_limits_and_shares_until_it_is_executed(self, api_of, alice, hydrology):
        client = api_of(alice)
        pk = client.call("POST", "/jobs", ONE).json()["jobs"][0]["id"]
        changes = {"name": "warm", "parameters": {"memory": "2 GB"}, "shares": [{"group": "hydrology"}]}
        changed = client.call("PATCH", f"/jobs/{pk}", changes).json()
        assert (changed["name"], changed["parameters"]["memory"]) == ("warm", 2048)
        assert changed["shares"] == [{"group": "hydrology", "may": "read"}]
        Job.objects.update(frozen=True)
        assert client.call("PATCH", f"/jobs/{pk}", {"parameters": {"memory": 1}}).status_code == 409
        assert client.call("PATCH", f"/jobs/{pk}", {"parameters": {"options": {}}}).status_code == 422

    def test_who_may_only_read_changes_nothing(self, api_of, bob, make_job, hydrology):
        job = make_job()
        job.groups.add(hydrology)
        assert api_of(bob).call("PATCH", f"/jobs/{job.pk}", {"name": "x"}).status_code == 403
        assert api_of(bob).call("DELETE", f"/jobs/{job.pk}").status_code == 403

    def test_it_is_deleted_with_its_directory(self, api_of, alice, make_job):
        job = make_job(files={"x": b"x"}, _status="COM")
        assert api_of(alice).call("DELETE", f"/jobs/{job.pk}").status_code == 204
        assert not job.directory.exists()
        assert not Job.objects.exists()


def test_a_refresh_of_rows_notices_every_change_that_they_show(api_of, alice, make_job):
    rows, client = [make_job(_status="RUN") for _ in range(3)], api_of(alice)
    path = "/jobs?" + "&".join(f"id={job.pk}" for job in rows)
    for changed in ({"slices_done": 1}, {"_status": "COM"}, {"status_message": "x"}, {"name": "y"}):
        etag = client.call("GET", path).headers["ETag"]
        assert client.call("GET", path, **{"If-None-Match": etag}).status_code == 304
        Job.objects.filter(pk=rows[1].pk).update(**changed)
        assert client.call("GET", path, **{"If-None-Match": etag}).status_code == 200


@pytest.mark.parametrize("value", ["a\0b", "\ud800"])
def test_texts_that_no_database_holds_are_refused(api_of, alice, make_job, value):
    job, client = make_job(), api_of(alice)
    assert client.call("PATCH", f"/jobs/{job.pk}", {"extended_properties": {"x": [value]}}).status_code == 422
    assert client.call("PATCH", f"/jobs/{job.pk}", {"description": value}).status_code == 422
    assert client.call("POST", "/jobs", {**ONE, "parameters": {"caption": value}}).status_code == 422
    wanted = json.dumps({"a": value})
    assert client.call("GET", f"/jobs?{urlencode({'statepoint': wanted})}").status_code == 422


def test_a_key_is_forgotten_after_a_day(alice):
    for key, days in (("old", 2), ("new", 0)):
        row = IdempotencyKey.objects.create(caller=orders.caller_name(alice), key=key, digest="x")
        made = timezone.now() - timedelta(days=days)
        IdempotencyKey.objects.filter(pk=row.pk).update(created=made)
    orders.drop_old_keys()
    assert [row.key for row in IdempotencyKey.objects.all()] == ["new"]


# --- templates, and jobs of each type ---------------------------------------------------------------------

MADE = {
    "BASIC": {},
    "CONDORJOB": {"executable": "/bin/echo", "arguments": ["hello"], "num_jobs": 3},
    "SCRIPT": {"method": "ising", "options": {"seed": 3}, "slices": 2},
    "CONDORWORKFLOW": {
        "jobs": [
            {"name": "a", "executable": "/bin/true"},
            {"name": "b", "executable": "/bin/true", "parents": ["a"]},
        ]
    },
}


@pytest.mark.parametrize("kind", MADE)
def test_a_job_of_each_type_is_made_by_who_may_run_anything(api_of, alice, bob, kind):
    order = {"app": "examples.ising", "type": kind, "name": "one", "parameters": MADE[kind]}
    assert api_of(bob).call("POST", "/jobs", order).status_code == 403
    alice.user_permissions.add(Permission.objects.get(codename="run_anything"))
    answer = api_of(alice).call("POST", "/jobs", order)
    assert answer.status_code == 201, answer.json()
    (made,) = answer.json()["jobs"]
    assert (made["type"], made["status"], made["user"]) == (kind, "PEN", "alice")
    detail = api_of(alice).call("GET", f"/jobs/{made['id']}").json()
    known = {"method": detail["method"], **detail["parameters"], **(detail["statepoint"] or {})}
    assert all(known.get(name) for name in MADE[kind]), known


@pytest.mark.parametrize("kind", [kind for kind in MADE if kind != "SCRIPT"])
def test_and_from_a_template_by_everybody(api_of, alice, bob, kind):
    job_templates.add("examples.ising", f"of {kind}", kind, MADE[kind])
    schema = api_of(bob).call("GET", f"/templates/examples.ising/of%20{kind}").json()["takes"]
    assert schema["type"] == "object"
    order = {"app": "examples.ising", "template": f"of {kind}", "name": "one"}
    answer = api_of(bob).call("POST", "/jobs", order)
    assert (answer.status_code, answer.json()["jobs"][0]["type"]) == (201, kind)


def test_a_template_says_the_limits_of_its_numbers_and_they_hold(api_of, alice):
    client = api_of(alice)
    takes = client.call("GET", "/templates/examples.ising/ising").json()["takes"]["properties"]
    size = takes["options"]["properties"]["size"]
    assert (size["type"], size["minimum"], size["maximum"], size["default"]) == ("number", 4, 4096, 128)
    assert takes["options"]["properties"]["tolerance"]["minimum"] == 0
    order = {"app": "examples.ising", "template": "ising", "name": "x"}
    for wrong in (-5, 4097, None):
        answer = client.call("POST", "/jobs", {**order, "parameters": {"options": {"size": wrong}}})
        assert (answer.status_code, f"size={wrong}" in answer.content.decode()) == (422, True)
    answer = client.call("POST", "/jobs", {**order, "parameters": {"options": {"size": -5}}})
    assert "a number from 4 to 4096 is wanted" in answer.content.decode()
    assert not Job.objects.exists()


def test_parameters_of_fixed_choices_list_them(api_of, alice):
    alice.is_staff = True
    alice.save()
    takes = api_of(alice).call("GET", "/templates/examples.ising/ising").json()["takes"]["properties"]
    told, results = (Draft202012Validator(takes[name]) for name in ("notify", "results"))
    for right in (True, False, "held", ["end", "failure"]):
        assert told.is_valid(right)
        job_types.notices(right)
    assert not any(told.is_valid(wrong) for wrong in ("always", ["never"], 3))
    for right in ("at once", "on success", "keep", "after 1 day", "after 30 days"):
        assert results.is_valid(right)
        assert parameters.results(right) == right
    assert not any(results.is_valid(wrong) for wrong in ("soon", "after days", 30))
    assert takes["results"]["anyOf"][0]["enum"] == ["at once", "on success", "keep"]


def test_templates_that_are_for_others_are_not_shown(api_of, alice, bob, settings):
    settings.ROOST_TEMPLATE_USERS = {"examples.ising/ising": ["alice"]}
    names = {each["name"] for each in api_of(alice).call("GET", "/templates?app=examples.ising").json()}
    theirs = {each["name"] for each in api_of(bob).call("GET", "/templates?app=examples.ising").json()}
    assert "ising" in names
    assert theirs == names - {"ising"}
    assert api_of(alice).call("GET", "/templates/examples.ising/ising").status_code == 200
    assert api_of(bob).call("GET", "/templates/examples.ising/ising").status_code == 404
    assert api_of(bob).call("POST", "/jobs", ONE).status_code == 403


@pytest.mark.parametrize(
    "word", ["jobs", "user", "groups", "self", "template_name", "job_type", "reader", "name"]
)
def test_no_word_of_the_parameters_is_taken_for_one_of_ours(api_of, alice, word):
    alice.user_permissions.add(Permission.objects.get(codename="run_anything"))
    for where in ({"name": "x"}, {"jobs": [{"name": "x", "parameters": {word: "1"}}]}):
        order = {"app": "examples.ising", "template": "ising", **where}
        order |= {} if "jobs" in where else {"parameters": {word: "1"}}
        answer = api_of(alice).call("POST", "/jobs", order)
        assert answer.status_code in (201, 422), answer.json()
    assert not Job.objects.exclude(name="x").exists()
    assert not JobShare.objects.exists()
    assert not Job.objects.exclude(user=alice).exists()
