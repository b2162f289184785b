"""build(): the finished job of a method with these inputs, found or run.

1. The inputs are checked and completed; with the script's digest they make the state point, whose hash is
   the job's address. Two equal builds have one address, whoever asks first.
2. A Complete job with this address is reused if its files are there as its manifest says, and if the methods
   of the subjobs that it built are still the same.
3. Else it is created and executed, waited for if it is at work, or run again in a new attempt.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.contrib.auth.models import Group

from jobs_app import job_types, lifecycle, methods, registry, script_jobs
from jobs_app.compute import find_scheduler
from jobs_app.creation import owner
from jobs_app.errors import (
    BadStatePoint,
    Damaged,
    JobFailed,
    RoostError,
    WouldBuild,
    WrongState,
)
from jobs_app.jobdir import files, manifest, statepoint
from jobs_app.jobdir.layout import JobPaths
from jobs_app.lifecycle import quota
from jobs_app.lifecycle.limits import LIMITS
from jobs_app.methods import Method
from jobs_app.models import Job, Project, ScriptJob
from jobs_app.models.plain import one_row
from jobs_app.permissions import may_act
from jobs_app.registry import App
from jobs_app.script.job import Job as Handle
from jobs_app.script.job import learn
from jobs_app.script.options import Arguments, decode
from jobs_app.script_jobs import Used

GOOD = ("COM", "RES")

# What a caller may say of the job itself. A script's own names go before these.
OF_THE_JOB = frozenset(
    {"slices", "concurrency", "memory", "disk", "wall_time", "cpus", "gpus", "retries", "environment"}
    | {"scheduler", "priority", "groups", "user", "timeout"}
)


@dataclass(frozen=True)
class Order:
    """What is to be built."""

    app: App
    project: Project
    method: Method
    arguments: Arguments
    used: Mapping[str, Used]
    address: str
    statepoint: Mapping[str, Any]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    timeout: float | None = None
    name: str = ""
    caption: str = ""
    parent: Job | None = None


@dataclass(frozen=True)
class Found:
    """A job with the wanted address. `problem`: why it cannot be reused as it is."""

    pk: int
    status: str
    problem: str = ""


def order(
    app: App,
    project: Project,
    method_name: str,
    inputs: Mapping[str, Any],
    keywords: Mapping[str, Any],
    **about: Any,
) -> Order:
    """`inputs`: options, datasets, jobs; `keywords`: any of them, and what is said of the job itself;
    `about`: name, caption, parent."""
    method = methods.find(method_name, app)
    own, rest = _split(method, keywords)
    if "user" in own:
        own["user"] = owner(own["user"])
    arguments = script_jobs.check(method, inputs, rest)
    used = script_jobs.used_by(arguments)
    point = arguments.state_point(method.name_in(app), method.digest, lambda jobid: _address(jobid, used))
    address = statepoint.address(point)
    return Order(
        app, project, method, arguments, used, address, point, own, own.pop("timeout", None), **about
    )


def _split(method: Method, keywords: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    declared = method.script.declared
    own: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    for name, value in keywords.items():
        theirs = name in declared.options or name in declared.datasets.names or name in declared.jobs.names
        (rest if theirs or name not in OF_THE_JOB else own)[name] = value
    return own, rest


def _address(jobid: str, used: Mapping[str, Used]) -> str:
    address = used[jobid].address
    if address is None:
        raise WrongState(
            f"{jobid} was not executed yet, so there is nothing of it to read. Execute it first."
        )
    return address


# --- finding ----------------------------------------------------------------------------------------------


def find(wanted: Order) -> Found | None:
    there = [wanted.project.pk, wanted.address]
    found = one_row(Job, "id, status", "project_id = %s AND address = %s", there)
    if found is None:
        return None
    pk, status = found
    return Found(pk, status, problem_of(wanted) if status in GOOD else "")


def problem_of(wanted: Order) -> str:
    """Why the finished job cannot be reused; "" if it can."""
    paths = JobPaths(wanted.project.directory(wanted.address))
    try:
        post = files.read_object(paths.post)
        problems = manifest.problems(paths.root, manifest.read(paths), hashes=False)
        return "; ".join(problems) or _outdated(post, wanted.app)
    except FileNotFoundError as error:
        return f"{error.filename} is missing"
    except Damaged as error:
        return str(error)


def _outdated(post: Mapping[str, Any], app: App) -> str:
    """The first subjob, however deep, whose method has changed since."""
    for jobid in post.get("subjobs", {}):
        if problem := _outdated_subjob(Handle(jobid).number, app):
            return f"its subjob {jobid} {problem}"
    return ""


def _outdated_subjob(pk: int, app: App) -> str:
    row = Job.objects.filter(pk=pk).values_list("method", "source_digest", "address", "project__path").first()
    if row is None:
        return "was deleted"
    name, digest, address, project = row
    try:
        if methods.find(name, app).digest != digest:
            return f"ran another version of {name}"
        directory = Path(project) / "workspace" / str(address)
        return _outdated(files.read_object(JobPaths(directory).post), app)
    except (RoostError, FileNotFoundError) as error:
        return f"cannot be checked: {error}"


# --- making sure that it runs -----------------------------------------------------------------------------


@dataclass(frozen=True)
class Begun:
    """`fresh`: something was started for this order; else the job was there or at work."""

    job: Job
    fresh: bool


def begin(wanted: Order, *, force: bool = False, by: Any = None) -> Begun:
    """The job of this order, finished or at work. Returns at once. `by`: who asks, and must be allowed to set
    it going; without one the calling program does it."""
    found = find(wanted)
    if found is None:
        return _create(wanted, by)
    job = Job.objects.get(pk=found.pk)
    if found.status in GOOD and not found.problem and not force:
        return Begun(job, False)
    why = "Its caller wants it built again." if force else _why_again(found)
    return Begun(job, _set_going(job, why, wanted, by))


def _why_again(found: Found) -> str:
    return f"It cannot be reused: {found.problem}." if found.problem else "Built again after it had failed."


def _create(wanted: Order, by: Any) -> Begun:
    job = _row(wanted)
    quota.check_create(job.app, job.user)
    try:
        job.save()
    except BadStatePoint:  # somebody was first
        other = Job.objects.filter(project=wanted.project, address=wanted.address).first()
        if other is None:
            raise
        return Begun(other, _set_going(other, "Built again after it had failed.", wanted, by))
    return Begun(job, _set_going(job, "", wanted, by))


def _row(wanted: Order) -> Job:
    given = dict(wanted.parameters)
    user, groups = given.pop("user", None), given.pop("groups", None) or ()
    parameters = job_types.checked_parameters("SCRIPT", given)
    scheduler = parameters.pop("scheduler", None)
    job = ScriptJob(
        project=wanted.project,
        app=wanted.app.label,
        type="SCRIPT",
        name=wanted.name or wanted.method.name,
        description=wanted.caption,
        user=user,
        parent=wanted.parent,
        address=wanted.address,
        statepoint=wanted.statepoint,
        scheduler=find_scheduler(scheduler) if scheduler else None,
        priority=parameters.pop("priority", 0),
    )
    job.link(groups=[groups] if isinstance(groups, Group) else list(groups))
    script_jobs.take(job, wanted.method, wanted.arguments, parameters, wanted.used)
    return job


def _set_going(job: Job, why: str, wanted: Order, by: Any) -> bool:
    """Of several callers one starts it; the others find it at work. A held one needs higher limits."""
    more = _higher(wanted.parameters, job) if job.frozen else {}
    try:
        if job._status == "PEN":
            lifecycle.execute(job, user=by or job.user)
        elif job.is_final:
            _restore_directory(job)
            lifecycle.resubmit(job, user=by, why=why, **more)
        elif job._status == "HLD" and more:
            lifecycle.resume(job, user=by or _actor(wanted, job), **more)
            job.refresh_status()
        else:
            return False
    except WrongState:
        job.refresh_from_db()
        if job._status == "PEN":
            raise
        return False
    return True


def _higher(given: Mapping[str, Any], job: Job) -> dict[str, Any]:
    """The limits that the caller sets higher than those of the job; 0 is none at all."""
    said = {name: value for name, value in given.items() if name in LIMITS}
    asked = job_types.checked_parameters("SCRIPT", said)
    there = {name: job.parameters.get(name, 0) for name in asked}
    return {name: value for name, value in asked.items() if there[name] and not 0 < value <= there[name]}


def _actor(wanted: Order, job: Job) -> Any:
    """Whoever asks, if the job is theirs; else the calling program, which may."""
    user = wanted.parameters.get("user")
    return user if user is not None and may_act(user, job) else None


def _restore_directory(job: Job) -> None:
    """Somebody removed it. All that is needed to run again is known, because the source is the same."""
    from jobs_app.lifecycle.capture import capture
    from jobs_app.lifecycle.execute import make_directory

    if not job.directory.is_dir():
        make_directory(job, capture(job))


# --- building ---------------------------------------------------------------------------------------------


def build(wanted: Order, *, force: bool = False) -> Handle:
    found = None if force else find(wanted)
    if found and found.status in GOOD and not found.problem:
        return _handle(wanted, found.pk)
    job = begin(wanted, force=force).job
    if not job.wait(wanted.timeout):
        raise TimeoutError(f"{job.jobid} ({job.name}) is not ready after {wanted.timeout} s. It goes on.")
    if job._status not in GOOD:
        raise JobFailed(f"{job.jobid} ({job.name}) ended: {job.cached_status}. {job.status_message}".rstrip())
    return _handle(wanted, job.pk)


def _handle(wanted: Order, pk: int) -> Handle:
    jobid = f"{wanted.project.name}-{pk}"
    learn(jobid, wanted.project.directory(wanted.address))
    return Handle(jobid, wanted.name or wanted.method.name)


def subjob(parent: Job, wanted: Mapping[str, Any]) -> Job:
    """The job that a running part of `parent` asked for: finished, or at work."""
    inputs = {kind: decode(wanted.get(kind) or {}) for kind in script_jobs.KINDS}
    keywords = decode(wanted.get("keywords") or {})
    about = {"name": wanted.get("name") or "", "caption": wanted.get("caption") or ""}
    app = registry.find(parent.app)
    asked = order(
        app,
        parent.project,
        wanted["method"],
        inputs,
        {"user": parent.user, "scheduler": parent.scheduler, **keywords},
        parent=parent,
        **about,
    )
    return begin(asked).job


# --- why ----------------------------------------------------------------------------------------------------

LOOKED_AT = 100


def explain(wanted: Order) -> str:
    """Why nothing can be reused; "" if something can."""
    found = find(wanted)
    if found and found.status in GOOD:
        return f"{wanted.project.name}-{found.pk} cannot be reused: {found.problem}." if found.problem else ""
    if found:
        word = Job.objects.get(pk=found.pk).cached_status
        return f"{wanted.project.name}-{found.pk} is the same job, but it is {word}."
    return _nearest(wanted)


def _nearest(wanted: Order) -> str:
    rows = Job.objects.filter(project=wanted.project, method=wanted.method.name_in(wanted.app))
    done = rows.filter(_status__in=GOOD).order_by("-pk").values_list("pk", "statepoint")[:LOOKED_AT]
    candidates = [(list(differences(wanted.statepoint, point or {})), pk) for pk, point in done]
    if not candidates:
        return f"No job of {wanted.method.qualified} is Complete."
    unlike, pk = min(candidates, key=lambda one: (len(one[0]), -one[1]))
    return f"The nearest job is {wanted.project.name}-{pk}. It differs in {'; '.join(unlike)}."


def differences(wanted: Mapping[str, Any], there: Mapping[str, Any], place: str = "") -> Iterator[str]:
    for key in sorted({*wanted, *there}):
        one, other = wanted.get(key), there.get(key)
        name = f"{place}{key}"
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            yield from differences(one, other, f"{name}.")
        elif name == "source" and one != other:
            yield "the script's source"
        elif one != other:
            yield f"{name}: {other!r} there, {one!r} here"


def refuse_to_build(wanted: Order) -> None:
    if why := explain(wanted):
        raise WouldBuild(f"{wanted.method.qualified} would be built. {why}")
