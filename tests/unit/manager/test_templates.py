"""How apps declare templates, and how they become rows."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext

from jobs_app import job_templates, registry
from jobs_app.compute import create_scheduler, list_schedulers
from jobs_app.errors import BadParameter, DuplicateTemplate, Invalid, UnknownParameter, UnknownTemplate
from jobs_app.job_templates import (
    BasicJobTemplate,
    CondorJobTemplate,
    CondorWorkflowTemplate,
    JobTemplate,
    ScriptJobTemplate,
)
from jobs_app.job_types import JOB_TYPES
from jobs_app.models import CondorJob, Template

from .conftest import NewApp

pytestmark = pytest.mark.django_db


def as_method(self: Any) -> list[JobTemplate]:
    return [BasicJobTemplate(name="example")]


def without_arguments() -> tuple[JobTemplate, ...]:
    return (BasicJobTemplate(name="example"),)


def as_generator(cls: Any) -> Any:
    yield BasicJobTemplate(name="example")


FORMS = {
    "a method": as_method,
    "a classmethod": classmethod(as_method),
    "a staticmethod": staticmethod(without_arguments),
    "a function without arguments": without_arguments,
    "a generator": as_generator,
}


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
def test_templates_may_be_declared_by(form: Any, new_app: NewApp) -> None:
    manager = new_app(job_templates=form).get_job_manager()
    assert manager.create_job("one", None, "example").type == "BASIC"


def test_templates_are_not_asked_for_while_the_app_loads(new_app: NewApp) -> None:
    def job_templates(cls: Any) -> Any:
        raise AssertionError("too early")

    new_app(job_templates=job_templates).get_job_manager()


def test_the_example_of_the_documentation_works(new_app: NewApp, alice: User) -> None:
    def job_templates(cls: Any) -> Any:
        my_scheduler = list_schedulers()[0]
        return (
            JobTemplate(
                name="example",
                type=JOB_TYPES["CONDOR"],
                parameters={
                    "executable": "my_script.py",
                    "condorpy_template_name": "vanilla_transfer_files",
                    "attributes": {
                        "transfer_input_files": ("../input_1", "../input_2"),
                        "transfer_output_files": ("example_output1", "example_output2"),
                    },
                    "scheduler": my_scheduler,
                    "remote_input_files": (
                        "$(APP_WORKSPACE)/my_script.py",
                        "$(APP_WORKSPACE)/input_1",
                        "$(USER_WORKSPACE)/input_2",
                    ),
                },
            ),
        )

    app = new_app(job_templates=job_templates)
    job = app.get_job_manager().create_job(
        name="job_name", user=alice, template_name="example", description="my first job"
    )
    job.set_attribute("arguments", "input_2")
    job.save()
    assert isinstance(job, CondorJob)
    assert job.description == "my first job"
    assert job.get_attribute("arguments") == "input_2"
    assert job.scheduler == list_schedulers()[0]
    assert job.remote_input_files == [
        f"{app.get_app_workspace()}/my_script.py",
        f"{app.get_app_workspace()}/input_1",
        f"{app.get_user_workspace(alice)}/input_2",
    ]


def test_a_type_may_be_left_out_given_by_name_or_as_a_value_of_job_types(new_app: NewApp) -> None:
    def templates(cls: Any) -> Any:
        return [
            JobTemplate("plain"),
            JobTemplate("by name", "condor", {"executable": "x"}),
            JobTemplate("by value", JOB_TYPES["SCRIPT"], {"method": "m"}),
            CondorWorkflowTemplate("flow", {"jobs": [], "max_jobs": {"small": 3}}),
        ]

    app = registry.find(new_app(job_templates=templates))
    found = job_templates.declared(app)
    assert [one.type for one in found.values()] == ["BASIC", "CONDORJOB", "SCRIPT", "CONDORWORKFLOW"]


def test_two_templates_of_one_name_are_refused_and_both_are_named(new_app: NewApp) -> None:
    def templates(cls: Any) -> Any:
        return [
            BasicJobTemplate("twin", {"description": "x"}),
            CondorJobTemplate("twin", {"executable": "y"}),
        ]

    manager = new_app(job_templates=templates).get_job_manager()
    with pytest.raises(DuplicateTemplate, match="BASIC with description and CONDORJOB with exec"):
        manager.create_job("one", None, "twin")
    assert not Template.objects.exists()


def test_what_is_no_template_is_refused(new_app: NewApp) -> None:
    manager = new_app(job_templates=lambda cls: ["example"]).get_job_manager()
    with pytest.raises(Invalid, match="'example', which is no JobTemplate"):
        manager.create_job("one", None, "example")


def test_an_unknown_template_is_named_with_the_nearest_and_all(new_app: NewApp) -> None:
    templates = [BasicJobTemplate("summer"), BasicJobTemplate("winter")]
    manager = new_app(job_templates=lambda cls: templates).get_job_manager()
    with pytest.raises(UnknownTemplate) as caught:
        manager.create_job("one", None, "sumer")
    assert "Did you mean 'summer'?" in str(caught.value)
    assert "There are: summer, winter." in str(caught.value)


def test_an_unknown_parameter_is_named_with_its_template_and_the_nearest(new_app: NewApp) -> None:
    templates = [CondorJobTemplate("a", {"executabel": "x"})]
    manager = new_app(job_templates=lambda cls: templates).get_job_manager()
    with pytest.raises(UnknownParameter, match=r"Template 'a' of app\d+: 'executabel' .* 'executable'\?"):
        manager.create_job("one", None, "a")


def test_a_wrong_value_names_its_parameter(new_app: NewApp) -> None:
    templates = [ScriptJobTemplate("a", {"method": "m", "memory": "plenty"})]
    manager = new_app(job_templates=lambda cls: templates).get_job_manager()
    with pytest.raises(BadParameter, match="memory: 'plenty' is not a size"):
        manager.create_job("one", None, "a")


class TestVersions:
    def declare(self, app: Any, *templates: JobTemplate) -> None:
        app.job_templates = classmethod(lambda cls: templates)
        job_templates.forget_all()

    def test_the_first_use_makes_version_one(self, new_app: NewApp) -> None:
        app = new_app()
        self.declare(app, BasicJobTemplate("a", {"description": "x"}))
        job = app.get_job_manager().create_job("one", None, "a")
        assert job.template is not None
        assert (job.template.version, job.template.parameters) == (1, {"description": "x"})

    def test_nothing_is_written_while_nothing_changes(self, new_app: NewApp) -> None:
        app = new_app()
        self.declare(app, BasicJobTemplate("a"))
        app.get_job_manager().create_job("one", None, "a")
        self.declare(app, BasicJobTemplate("a"))
        with CaptureQueriesContext(connection) as queries:
            app.get_job_manager().create_job("two", None, "a")
        written = [query["sql"] for query in queries if query["sql"].startswith(("INSERT", "UPDATE"))]
        assert written == []

    def test_a_change_makes_a_new_version_and_jobs_keep_theirs(self, new_app: NewApp) -> None:
        app = new_app()
        self.declare(app, BasicJobTemplate("a", {"description": "old"}))
        old = app.get_job_manager().create_job("one", None, "a")
        old.save()
        self.declare(app, BasicJobTemplate("a", {"description": "new"}))
        new = app.get_job_manager().create_job("two", None, "a")
        old.refresh_from_db()
        assert old.template
        assert new.template
        assert (old.template.version, old.template.current) == (1, False)
        assert (new.template.version, new.template.current, new.description) == (2, True, "new")

    def test_a_return_to_an_old_version_makes_no_third(self, new_app: NewApp) -> None:
        app = new_app()
        for text in ("old", "new", "old"):
            self.declare(app, BasicJobTemplate("a", {"description": text}))
            job = app.get_job_manager().create_job("one", None, "a")
        assert job.template
        assert job.template.version == 1
        assert Template.objects.filter(name="a").count() == 2

    def test_a_template_that_is_declared_no_more_is_not_found(self, new_app: NewApp) -> None:
        app = new_app()
        self.declare(app, BasicJobTemplate("a"), BasicJobTemplate("b"))
        app.get_job_manager().create_job("one", None, "a")
        self.declare(app, BasicJobTemplate("b"))
        with pytest.raises(UnknownTemplate, match="There are: b"):
            app.get_job_manager().create_job("two", None, "a")

    def test_an_administrator_may_add_one(self, new_app: NewApp) -> None:
        app = new_app()
        label = registry.find(app).label
        Template.objects.create(
            app=label, name="extra", type="BASIC", parameters={"description": "hand made"}, from_code=False
        )
        assert app.get_job_manager().create_job("one", None, "extra").description == "hand made"

    def test_code_and_an_administrator_cannot_both_have_a_name(self, new_app: NewApp) -> None:
        app = new_app()
        Template.objects.create(app=registry.find(app).label, name="a", type="BASIC", from_code=False)
        self.declare(app, BasicJobTemplate("a"), BasicJobTemplate("b"))
        with pytest.raises(DuplicateTemplate, match="an administrator has added one of the same name"):
            app.get_job_manager().create_job("one", None, "b")

    def test_a_version_that_another_process_writes_at_the_same_time_is_looked_for_again(
        self, new_app: NewApp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        app = new_app()
        self.declare(app, BasicJobTemplate("a", {"description": "x"}))
        write, refusals = job_templates._make_current, [IntegrityError("template_version")]

        def refused_once(app: Any, wanted: Any) -> None:
            if refusals:
                raise refusals.pop()
            write(app, wanted)

        monkeypatch.setattr(job_templates, "_make_current", refused_once)
        assert app.get_job_manager().create_job("one", None, "a").description == "x"

    def test_a_scheduler_is_kept_by_its_name(self, new_app: NewApp) -> None:
        app = new_app()
        scheduler = create_scheduler("ruby", "ruby.example")
        self.declare(app, CondorJobTemplate("a", {"executable": "x", "scheduler": scheduler}))
        job_templates.synchronise(registry.find(app))
        assert Template.objects.get(name="a").parameters["scheduler"] == "ruby"
        scheduler.save()
        assert app.get_job_manager().create_job("one", None, "a").scheduler == scheduler
