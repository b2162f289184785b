"""From a template, a type and what the caller says to an unsaved row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from django.contrib.auth import get_user_model
from django.db import IntegrityError, transaction

from jobs_app import conf, job_templates, job_types, script_jobs, variables, workspaces
from jobs_app import parameters as check
from jobs_app.compute import find_scheduler
from jobs_app.errors import BadParameter, Invalid, NotAllowed, UnknownJob, UnknownTemplate, UnknownVariable
from jobs_app.jobdir import statepoint as statepoints
from jobs_app.lifecycle.asked import check_asked
from jobs_app.models import Job, Project, Scheduler, ScriptJob, Template
from jobs_app.registry import App

ANONYMOUS = "AnonymousUser"

# In what the caller says, variables are looked for only where it names files and commands; the rest is data.
_EXPANDED = frozenset(
    {"workspace", "executable", "arguments", "attributes", "remote_input_files", "environment", "config"}
)

# Parameters of which the caller may give a part; of the others the caller's replace the template's.
_MERGED = ("options", "datasets", "jobs")

_COLUMNS = frozenset({"description", "extended_properties", "priority", "workspace"})


@dataclass(frozen=True)
class Blueprint:
    """What the jobs of one template (or of a bare type) share."""

    app: App
    project: Project
    type: str
    template: Template | None
    parameters: Mapping[str, Any]
    schedulers: dict[str, Scheduler] = field(default_factory=dict, compare=False)  # found so far

    def scheduler(self, name: str | None) -> Scheduler | None:
        """Of a thousand jobs that name the same one it is looked up once."""
        if name and name not in self.schedulers:
            self.schedulers[name] = find_scheduler(name)
        return self.schedulers[name] if name else None


def blueprint(app: App, project: Project, template_name: str | None, job_type: Any) -> Blueprint:
    if template_name is None:
        if job_type is None:
            raise UnknownTemplate("Say template_name= or job_type=: a job needs one of them.")
        return Blueprint(app, project, job_types.type_name(job_type), None, {})
    template = job_templates.find(app, template_name)
    if job_type is not None and job_types.type_name(job_type) != template.type:
        raise Invalid(
            f"The template {template_name!r} makes {template.type} jobs, not "
            f"{job_types.type_name(job_type)}. Leave job_type out."
        )
    return Blueprint(app, project, template.type, template, template.parameters)


def draft(plan: Blueprint, name: str, user: Any, given: Mapping[str, Any]) -> Job:
    """The unsaved row. What the caller gives wins over the template."""
    model = Job.types[plan.type]
    parameters = _merged(plan, job_types.checked_parameters(plan.type, given), user)
    job = model(
        project=plan.project,
        app=plan.app.label,
        type=plan.type,
        template=plan.template,
        name=check.job_name(name),
        user=user,
        _process_results_function=parameters.pop("process_results_function", ""),
        scheduler=plan.scheduler(parameters.pop("scheduler", None)),
    )
    job.link(after=jobs_named(parameters.pop("after", ())))
    _place(job, parameters.pop("statepoint", None), parameters, plan, user)
    check_asked(job)
    return job


def _place(
    job: Job, statepoint: dict[str, Any] | None, parameters: dict[str, Any], plan: Blueprint, user: Any
) -> None:
    if statepoint is not None:
        job.statepoint, job.address = statepoint, statepoints.address(statepoint)
    if parameters.get("workspace"):
        parameters["workspace"] = _workspace(parameters["workspace"], plan.app, user)
    for name in _COLUMNS & parameters.keys():
        setattr(job, name, parameters.pop(name))
    if isinstance(job, ScriptJob):
        script_jobs.complete(job, parameters)
    else:
        job.complete(parameters)


def _workspace(wanted: str, app: App, user: Any) -> str:
    if "$(JOB_WORKSPACE)" in wanted:
        raise UnknownVariable(f"workspace: {wanted!r} says what $(JOB_WORKSPACE) is. Use $(USER_WORKSPACE).")
    inside = partial(workspaces.job_workspace, app=app.label, user=user)
    return str(check.check_one("workspace", inside, wanted))


def _merged(plan: Blueprint, given: dict[str, Any], user: Any) -> dict[str, Any]:
    """Variables are replaced in all that the template says, and where the caller names files and commands."""
    places = _Places(plan.app.label, user)
    own = {**plan.parameters.get("attributes", {}), **given.get("attributes", {})}
    found = {
        name: _expanded(name, value, places, own)
        for name, value in plan.parameters.items()
        if name not in given
    }
    for name, value in given.items():
        found[name] = _expanded(name, value, places, own) if _names_files(name, value) else value
    for name in _MERGED:
        if name in given and name in plan.parameters and isinstance(given[name], Mapping):
            found[name] = {**_expanded(name, plan.parameters[name], places, own), **given[name]}
    return found


def _names_files(name: str, value: Any) -> bool:
    """Also in the nodes of a workflow; a script's `jobs` are names of jobs."""
    return name in _EXPANDED or (name == "jobs" and isinstance(value, list))


def _expanded(name: str, value: Any, places: Mapping[str, str], own: Any) -> Any:
    if not variables.has_job_variables(value):
        return value
    later = _names_files(name, value)  # what execute() completes; the rest has to be complete now
    return variables.expand_parameter(name, value, places, last=not later, own=own)


class _Places(Mapping[str, str]):
    """The folders that variables stand for, made when one is asked for."""

    _names = ("APP_WORKSPACE", "USER_WORKSPACE")

    def __init__(self, app: str, user: Any) -> None:
        self._app, self._user = app, user

    def __getitem__(self, name: str) -> str:
        if name == "APP_WORKSPACE":
            return workspaces.get_app_workspace(self._app).path
        if name == "USER_WORKSPACE":
            return workspaces.get_user_workspace(self._app, self._user).path
        raise KeyError(name)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Any:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)


def jobs_named(ids: Any) -> list[Job]:
    if not ids:
        return []
    found = Job.objects.in_bulk(set(ids))
    missing = sorted(set(ids) - found.keys())
    if missing:
        raise UnknownJob(f"after: there is no job {', '.join(map(str, missing))}.")
    return list(found.values())


# --- owners -------------------------------------------------------------------------------------------


def owner(user: Any) -> Any:
    """The user who will own a job. None is the program itself: its jobs belong to nobody.

    A visitor who has not signed in is not nobody: refused, or (setting ROOST_ANONYMOUS_JOBS) the one user
    that all such visitors share.
    """
    if user is None or isinstance(user, get_user_model()):
        return user
    if not getattr(user, "is_anonymous", False):
        raise BadParameter(f"user: {user!r} is not a user. Give a User (of Django), not its name or id.")
    if is_nobody(user):
        raise NotAllowed(
            "A visitor who has not signed in cannot have jobs. Ask them to sign in, or set "
            "ROOST_ANONYMOUS_JOBS = True: then all such visitors share one user's jobs."
        )
    return _anonymous()


def is_nobody(user: Any) -> bool:
    """A visitor who has no jobs and can have none."""
    return bool(getattr(user, "is_anonymous", False)) and not conf.anonymous_jobs()


def _anonymous() -> Any:
    model = get_user_model()
    named: dict[str, Any] = {model.USERNAME_FIELD: ANONYMOUS}
    user, fresh = model._default_manager.get_or_create(**named)
    if fresh:
        user.set_unusable_password()
        user.save()
    return user


# --- projects -----------------------------------------------------------------------------------------


def project_of(app: App) -> Project:
    """The app's project, made at its first need. Two processes may need it at once: both get it."""
    project = Project.objects.filter(app=app.label).order_by("pk").first()
    return project or _make_project(app)


def _make_project(app: App) -> Project:
    for name in _project_names(app.label):
        path = conf.projects().absolute() / name
        try:
            with transaction.atomic():
                project = Project.objects.create(name=name, path=str(path), app=app.label)
        except IntegrityError:
            other = Project.objects.filter(name=name).first()
            if other is None or other.app != app.label:
                continue
            project = other
        prepare_folder(path)
        return project
    raise AssertionError("unreachable: the names never end")


def _project_names(label: str) -> Any:
    """Job ids begin with it: "ising-42". The last part of the label, else all of it, else with a number."""
    safe = [re.sub(r"[^A-Za-z0-9_]", "_", part) or "app" for part in (label.rpartition(".")[2], label)]
    yield from safe
    yield from (f"{safe[1]}_{number}" for number in range(2, 1000))


def prepare_folder(path: Path) -> None:
    """A project is one of signac's too."""
    (path / "workspace").mkdir(parents=True, exist_ok=True)
    (path / ".signac").mkdir(exist_ok=True)
    config = path / ".signac" / "config"
    if not config.exists():
        config.write_text("schema_version = 2\n")
