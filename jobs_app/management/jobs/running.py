"""run and wait."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User

from jobs_app import building, job_templates, job_types, methods, registry, script_jobs, situation
from jobs_app.errors import Invalid, JobHeld, NotYours, UnknownMethod
from jobs_app.management import person
from jobs_app.management.base import FAILED, INTERRUPTED, WAITING
from jobs_app.management.hints import line
from jobs_app.manager import JobManager
from jobs_app.models import Job, Template
from jobs_app.permissions import may_make_for
from jobs_app.states import FINAL
from jobs_app.terminal import describe
from jobs_app.terminal.output import Output
from jobs_app.terminal.progress import Progress
from jobs_app.terminal.result import result_of

from .common import Options, Subcommands, assignments, find_jobs, subcommand, takes_jobs, takes_operator

GOOD = ("COM", "RES")
HELD = ("HLD", "PAS")
KEPT = building.OF_THE_JOB - {"scheduler", "priority", "groups", "user", "timeout"}


@dataclass(frozen=True)
class Started:
    """`fresh`: it was set going now; else it was there, finished or at work. `keeps`: what it was given
    otherwise then than it is asked for now."""

    job: Job
    fresh: bool
    keeps: tuple[str, ...] = ()


def add(commands: Subcommands) -> None:
    parser = subcommand(
        commands, "run", run, "runs a job script or a template; a finished job like it is reused"
    )
    parser.add_argument("what", metavar="METHOD_OR_TEMPLATE", help="see the commands methods and templates")
    parser.add_argument(
        "values",
        nargs="*",
        default=[],
        metavar="KEY=VALUE",
        help="options of the script; memory, retries, wall_time, scheduler, ...",
    )
    parser.add_argument("--slices", type=int, help="into how many")
    parser.add_argument("--name", help="what the job is called")
    parser.add_argument("--user", help="whose it is; else the person's at this terminal")
    parser.add_argument("--again", action="store_true", help="run it even if there is a finished one")
    parser.add_argument("--wait", "-w", action="store_true", help="until it is over, and show its progress")
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="wait no longer")
    takes_operator(parser)

    parser = subcommand(commands, "wait", wait, "waits until jobs are over, and shows their progress")
    takes_jobs(parser)
    parser.add_argument("--timeout", type=float, metavar="SECONDS", help="no longer")


# --- run --------------------------------------------------------------------------------------------------


def run(output: Output, options: Options) -> int | None:
    started = start(options)
    job = started.job
    if started.keeps:
        output.warn(_about_keeping(job, started.keeps))
    if not started.fresh and job._status in GOOD:
        output.say(f"Job {job.pk} ({job.name}) was finished already, and is reused.", "green")
        say_result(output, job)
        return _say_json(output, job, 0)
    if not started.fresh and job._status in HELD:
        output.warn(f"Job {job.pk} ({job.name}) is {job.cached_status}: {job.status_message}")
        _say_how_to_resume(output, job, job.status_message)
        return _say_json(output, job, WAITING)
    output.say(f"Job {job.pk} ({job.name}) is {'on its way' if started.fresh else 'at work already'}.")
    if options["wait"]:
        code = follow(output, job, options["timeout"])
        return _say_json(output, job, code)
    output.say(f"Follow it: {line(f'jobs wait {job.pk}')}", "dim")
    return _say_json(output, job, 0)


def _about_keeping(job: Job, keeps: tuple[str, ...]) -> str:
    return (
        f"Job {job.pk} is the same job, and keeps what it was given: {', '.join(keeps)}. "
        f"New limits (memory, wall_time, ...) come with jobs resume or jobs resubmit; for anything else, "
        f"delete it first: {line(f'jobs delete {job.pk}')}"
    )


def say_result(output: Output, job: Job) -> None:
    """Only to its owner, whose own script wrote it."""
    if person.owns(job) and (text := result_of(job)):
        output.say(f"Result: {text}")


def _say_json(output: Output, job: Job, code: int) -> int:
    if output.as_json:
        output.json(describe.brief(Job.objects.select_related("user").get(pk=job.pk)))
    return code


def start(options: Options) -> Started:
    """The template of this name, else the method."""
    own: dict[str, Any] = {"user": _owner(options)}
    if options["slices"] is not None:
        own["slices"] = options["slices"]
    values = _refuse_own(assignments(options["values"]))
    template = find_template(options["what"])
    if template is None:
        return _build(_method(options["what"]), values, own, options)
    if template.type == "SCRIPT":
        return _build_from(template, values, own, options)
    return _create(template, values, own, options)


def _owner(options: Options) -> User:
    if not options["user"]:
        return person.local()
    owner, by = _called(options["user"]), person.acting(options)
    if by is not None and not may_make_for(by, owner):
        raise NotYours(f"{by.get_username()} may not make jobs in the name of {owner.get_username()}.")
    return owner


def _called(name: str) -> User:
    try:
        return person.called(name)
    except Invalid as error:
        add = line("createsuperuser")
        raise Invalid(f"{error} Add one: {add}, or /admin/ in the browser.") from None


def _refuse_own(values: dict[str, Any]) -> dict[str, Any]:
    for name in ("user", "groups", "timeout"):
        if name in values:
            raise Invalid(f"{name} cannot be a value here. --user and --timeout are for that.")
    return values


def _method(name: str) -> methods.Method:
    try:
        return methods.find(name)
    except UnknownMethod as error:
        raise UnknownMethod(f"{error} Nor is it a template: {line('templates')}") from None


def _build(method: methods.Method, values: dict[str, Any], own: dict[str, Any], options: Options) -> Started:
    manager = JobManager(method.app.label)
    about = {"name": options["name"] or "", "caption": ""}
    wanted = building.order(manager.app, manager.project(), method.name, {}, {**values, **own}, **about)
    return _begin(wanted, options)


def _begin(wanted: building.Order, options: Options) -> Started:
    begun = building.begin(wanted, force=options["again"], by=person.acting(options))
    return Started(begun.job, begun.fresh, _kept_otherwise(wanted, begun.job))


def _kept_otherwise(wanted: building.Order, job: Job) -> tuple[str, ...]:
    """ "slices=2" where other ones are wanted: they are no part of what the job is known by."""
    said = {name: value for name, value in wanted.parameters.items() if name in KEPT}
    asked = job_types.checked_parameters("SCRIPT", said)
    there = {name: job.parameters.get(name) for name in asked}
    return tuple(
        f"no {name}" if there[name] is None else f"{name}={there[name]}"
        for name in sorted(asked)
        if there[name] != asked[name]
    )


def _build_from(template: Template, values: dict[str, Any], own: dict[str, Any], options: Options) -> Started:
    manager, given = JobManager(template.app), template.parameters
    inputs = {kind: dict(given.get(kind) or {}) for kind in script_jobs.KINDS}
    said = {name: value for name, value in given.items() if name in building.OF_THE_JOB}
    about = {"name": options["name"] or template.name, "caption": given.get("description", "")}
    keywords = {**said, **values, **own}
    wanted = building.order(manager.app, manager.project(), given["method"], inputs, keywords, **about)
    return _begin(wanted, options)


def _create(template: Template, values: dict[str, Any], own: dict[str, Any], options: Options) -> Started:
    given = {**own, **values}
    user = given.pop("user")
    if "slices" in given:
        given["num_jobs"] = given.pop("slices")
    manager = JobManager(template.app)
    job = manager.create_job(options["name"] or f"{template.name} {{id}}", user, template.name, **given)
    by: Any = person.acting(options)
    job.execute(user=by)
    return Started(job, True)


def find_template(name: str) -> Template | None:
    """ "ising", or "examples.ising/ising" where two apps have one of that name."""
    label, slash, plain = name.rpartition("/")
    apps = [registry.find(label)] if slash else list(registry.apps())
    for app in apps:
        job_templates.synchronise(app)
    found = list(Template.objects.filter(current=True, name=plain, app__in=[app.label for app in apps]))
    if len(found) > 1:
        named = " and ".join(f"{template.app}/{template.name}" for template in found)
        raise Invalid(f"{name!r} may mean {named}. Write one of them in full.")
    if slash and not found:
        return job_templates.find(apps[0], plain)
    return found[0] if found else None


# --- wait -------------------------------------------------------------------------------------------------


def wait(output: Output, options: Options) -> int | None:
    jobs = find_jobs(options["jobs"])
    codes = [_wait_for(output, job, options["timeout"]) for job in jobs]
    if output.as_json:
        output.json([describe.brief(job) for job in jobs])
    return next((code for code in (INTERRUPTED, FAILED, WAITING) if code in codes), 0)


def _wait_for(output: Output, job: Job, timeout: float | None) -> int:
    if job._status not in FINAL:
        output.say(f"Job {job.pk} ({job.name})")
    return follow(output, job, timeout)


def follow(output: Output, job: Job, timeout: float | None = None) -> int:
    """Shows the job until it is over, and says how it ended."""
    try:
        over = Progress(output, job).watch(job.wait, timeout)
    except JobHeld as held:
        output.warn(str(held))
        _say_how_to_resume(output, job, str(held))
        return WAITING
    except KeyboardInterrupt:
        say_how_to_go_on(output, job)
        return INTERRUPTED
    if not over:
        why = [badge.text for badge in situation.badges(job)]
        output.warn(f"Job {job.pk} is not over after {timeout:g} s. {' '.join(why) or 'It goes on.'}")
        return WAITING
    return say_how_it_ended(output, job)


def _say_how_to_resume(output: Output, job: Job, said: str) -> None:
    if job._status in HELD and "jobs resume" not in said:
        output.warn(f"Let it go on: {line(f'jobs resume {job.pk}')}")


def say_how_to_go_on(output: Output, job: Job) -> None:
    output.warn(
        f"\nJob {job.pk} goes on without this terminal.\n"
        f"  See it:  {line(f'jobs wait {job.pk}')}\n"
        f"  Stop it: {line(f'jobs stop {job.pk}')}"
    )


def say_how_it_ended(output: Output, job: Job) -> int:
    if job._status in GOOD:
        files = line(f"jobs files {job.pk}")
        output.say(f"Job {job.pk} is {job.cached_status}. Its files: {files}", "green")
        say_result(output, job)
        return 0
    output.warn(f"Job {job.pk} ended: {job.cached_status}. {job.status_message}".rstrip())
    output.warn(
        f"What it says: {line(f'jobs show {job.pk}')}\nWhat it printed: {line(f'jobs logs {job.pk}')}"
    )
    return FAILED
