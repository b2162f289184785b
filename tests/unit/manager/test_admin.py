"""What administrators may change, and what they may only look at."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.views.debug import SafeExceptionReporterFilter

from jobs_app import registry
from jobs_app.compute import embedded
from jobs_app.job_templates import BasicJobTemplate
from jobs_app.manager import JobManager
from jobs_app.models import Job, Scheduler, Template

from .conftest import NewApp

pytestmark = pytest.mark.django_db

OLD, PASSPHRASE = "old pass word", "the owl flies at noon"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXkt\n-----END OPENSSH PRIVATE KEY-----\n"

TEMPLATE = {
    "app": "weather",
    "name": "extra",
    "type": "CONDORJOB",
    "parameters": '{"executable": "/bin/true"}',
}


@pytest.fixture
def admin(client: Client) -> Iterator[Client]:
    client.force_login(User.objects.create_superuser("root"))
    yield client
    registry.forget("weather")


def errors_of(page: Any) -> str:
    return " ".join(str(error) for error in page.context["adminform"].form.non_field_errors())


class TestTemplates:
    def add(self, admin: Client, **given: str) -> Any:
        return admin.post("/admin/jobs_app/template/add/", {**TEMPLATE, **given})

    def test_one_is_added_and_used(self, admin: Client, new_app: NewApp) -> None:
        assert self.add(admin, parameters='{"executable": "x", "memory": "2 GB"}').status_code == 302
        manager = new_app("weather").get_job_manager()
        job = manager.create_job("one", None, "extra")
        assert job.parameters == {"executable": "x", "memory": 2048}
        assert job.template == Template.objects.get(from_code=False)

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"type": "CNODOR"}, "Did you mean"),
            ({"parameters": '{"executabel": "x"}'}, "executabel"),
            ({"parameters": '{"attributes": {"a": "b\\nqueue"}}'}, "contains a newline"),
            ({"name": "declared"}, "code declares a template of this name"),
        ],
    )
    def test_a_bad_one_is_refused_with_the_reason(
        self, given: dict[str, str], message: str, admin: Client, new_app: NewApp
    ) -> None:
        templates = [BasicJobTemplate("declared")]
        manager = new_app("weather", job_templates=lambda cls: templates).get_job_manager()
        manager.create_job("one", None, "declared")
        assert message in errors_of(self.add(admin, **given))
        assert not Template.objects.filter(from_code=False).exists()

    def test_a_change_makes_a_new_version_and_jobs_keep_theirs(self, admin: Client, new_app: NewApp) -> None:
        self.add(admin)
        manager = new_app("weather").get_job_manager()
        job = manager.create_job("one", None, "extra")
        job.save()
        first = Template.objects.get()
        changed = {**TEMPLATE, "parameters": '{"executable": "/bin/false"}'}
        admin.post(f"/admin/jobs_app/template/{first.pk}/change/", changed)
        second = Template.objects.get(current=True)
        assert (second.version, second.parameters) == (2, {"executable": "/bin/false"})
        assert Job.objects.get().template == first
        assert Template.objects.get(pk=first.pk).parameters == {"executable": "/bin/true"}

    def test_one_from_code_can_only_be_looked_at(self, admin: Client, new_app: NewApp) -> None:
        templates = [BasicJobTemplate("declared")]
        new_app("weather", job_templates=lambda cls: templates).get_job_manager().create_job(
            "1", None, "declared"
        )
        template = Template.objects.get()
        url = f"/admin/jobs_app/template/{template.pk}/change/"
        assert admin.get(url).status_code == 200
        assert admin.post(url, TEMPLATE).status_code == 403


class TestJobs:
    @pytest.fixture
    def job(self, manager: JobManager, alice: User) -> Job:
        job = manager.create_job("one", alice, job_type="BASIC", description="before")
        job.save()
        return job

    def test_the_list_is_shown_with_a_few_queries(
        self, admin: Client, manager: JobManager, alice: User, django_assert_max_num_queries: Any
    ) -> None:
        manager.create_jobs([f"job {number}" for number in range(60)], alice, job_type="BASIC")
        with django_assert_max_num_queries(10):
            assert b"job 59" in admin.get("/admin/jobs_app/job/").content

    def test_where_a_job_stands_cannot_be_changed(self, admin: Client, job: Job) -> None:
        url = f"/admin/jobs_app/job/{job.pk}/change/"
        given = {"name": "two", "description": "after", "extended_properties": "{}", "_status": "COM"}
        assert admin.post(url, {**given, "app": "other"}).status_code == 302
        row = Job.objects.get(pk=job.pk)
        assert (row.name, row.description) == ("two", "after")
        assert (row._status, row.app, row.user) == ("PEN", job.app, job.user)

    def test_jobs_are_deleted_with_their_directories(
        self, admin: Client, job: Job, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        deleted = []
        monkeypatch.setattr("jobs_app.lifecycle.delete", lambda job, user: deleted.append((job.pk, user)))
        given = {"action": "delete_selected", "_selected_action": [job.pk], "post": "yes"}
        admin.post("/admin/jobs_app/job/", given)
        assert deleted == [(job.pk, User.objects.get(username="root"))]


class TestSchedulers:
    def test_the_embedded_one_cannot_be_deleted(self, admin: Client) -> None:
        assert (
            admin.post(f"/admin/jobs_app/scheduler/{embedded().pk}/delete/", {"post": "yes"}).status_code
            == 403
        )
        assert Scheduler.objects.exists()

    def test_a_change_leaves_what_the_courier_knows(self, admin: Client) -> None:
        ruby = Scheduler.objects.create(name="ruby", host="ruby.example", courier="here:1:2:3", failures=3)
        assert self.change(admin, ruby, host="new.example", courier="").status_code == 302
        ruby.refresh_from_db()
        assert (ruby.host, ruby.courier) == ("new.example", "here:1:2:3")
        assert ruby.failures == 0  # it is tried at once

    def test_secrets_go_in_are_kept_by_other_changes_and_are_never_shown(self, admin: Client) -> None:
        ruby = Scheduler.objects.create(name="ruby", host="ruby.example", password=OLD)
        new = {"new_private_key": KEY.replace("\n", "\r\n"), "new_private_key_pass": PASSPHRASE}
        assert self.change(admin, ruby, **new).status_code == 302
        assert self.change(admin, ruby, position=7, new_private_key="", new_password="").status_code == 302
        ruby.refresh_from_db()
        kept = [ruby.password.reveal(), ruby.private_key.reveal(), ruby.private_key_pass.reveal()]
        assert kept == [OLD, KEY, PASSPHRASE]
        assert ruby.position == 7
        pages = [
            f"/admin/jobs_app/scheduler/{tail}" for tail in (f"{ruby.pk}/change/", f"{ruby.pk}/history/", "")
        ]
        shown = "".join(admin.get(page).content.decode() for page in pages)
        assert "ruby" in shown
        assert [secret for secret in (OLD, KEY, "b3BlbnNzaC1rZXkt", PASSPHRASE) if secret in shown] == []
        assert ruby.password.sealed not in shown

    def test_one_is_added_with_its_secrets(self, admin: Client) -> None:
        limits = {"user_limits-TOTAL_FORMS": 0, "user_limits-INITIAL_FORMS": 0}
        fields = {"name": "opal", "kind": "condor", "position": 5, "host": "opal.example", "port": 22}
        rest = {"remote_root": "roost", "options": "{}", "logins_per_hour": 20, "new_password": OLD}
        assert admin.post("/admin/jobs_app/scheduler/add/", {**fields, **rest, **limits}).status_code == 302
        assert Scheduler.objects.get(name="opal").password.reveal() == OLD

    def test_a_form_that_is_sent_back_does_not_repeat_its_secrets(self, admin: Client) -> None:
        ruby = Scheduler.objects.create(name="ruby", host="ruby.example")
        page = self.change(
            admin, ruby, port="none", new_password=OLD, new_private_key_pass=PASSPHRASE, new_private_key=KEY
        )
        assert page.status_code == 200
        shown = page.content.decode()
        assert [secret for secret in (OLD, "b3BlbnNzaC1rZXkt", PASSPHRASE) if secret in shown] == []

    def test_the_report_of_an_error_does_not_say_them(
        self, admin: Client, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ruby = Scheduler.objects.create(name="ruby", host="ruby.example")
        seen: list[Any] = []

        def fails(self: Any, request: Any, *_: Any) -> None:
            seen.append(request)
            raise RuntimeError("no room left")

        monkeypatch.setattr("jobs_app.admin.SchedulerAdmin.save_model", fails)
        with pytest.raises(RuntimeError):
            self.change(admin, ruby, new_password=OLD, new_private_key=KEY)
        shown = SafeExceptionReporterFilter().get_post_parameters(seen[0])
        assert shown["host"] == "ruby.example"
        assert [value for value in shown.values() if value in (OLD, KEY)] == []

    def test_secrets_are_replaced_and_forgotten_when_it_is_said(self, admin: Client) -> None:
        ruby = Scheduler.objects.create(name="ruby", host="ruby.example", password=OLD, private_key=KEY)
        assert self.change(admin, ruby, new_password="new", forget=["private_key"]).status_code == 302
        ruby.refresh_from_db()
        assert (ruby.password.reveal(), ruby.private_key.reveal()) == ("new", "")

    def test_one_that_was_not_let_in_is_tried_again_after_a_change(self, admin: Client) -> None:
        wrong = {"paused": "Not let in", "paused_by": Scheduler.BY_ACCESS, "failures": 1}
        ruby = Scheduler.objects.create(name="ruby", host="ruby.example", **wrong)
        assert self.change(admin, ruby, new_password="right", paused="Not let in").status_code == 302
        ruby.refresh_from_db()
        assert (ruby.paused, ruby.paused_by, ruby.failures) == ("", "", 0)

    def change(self, admin: Client, ruby: Scheduler, **given: Any) -> Any:
        """What is not given stays as the page shows it."""
        url = f"/admin/jobs_app/scheduler/{ruby.pk}/change/"
        page = admin.get(url).context
        forms = [
            page["adminform"].form,
            *(one.formset.management_form for one in page["inline_admin_formsets"]),
        ]
        shown = {form[name].html_name: form[name].value() for form in forms for name in form.fields}
        fields = {name: value for name, value in shown.items() if value is not None and value is not False}
        return admin.post(url, {**fields, **given})
