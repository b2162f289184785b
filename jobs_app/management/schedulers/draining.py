"""drain, resume: whether anything is sent to a pool. limit: how much may be there at once."""

from __future__ import annotations

from jobs_app import audit
from jobs_app.compute import find_scheduler
from jobs_app.errors import BadParameter
from jobs_app.lifecycle import pausing
from jobs_app.lifecycle.actors import Actor
from jobs_app.lifecycle.nudge import nudge
from jobs_app.management import person
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.models import Scheduler, UserLimit
from jobs_app.terminal.output import Output

NO_LIMIT = "none"


def add(commands: Subcommands) -> None:
    parser = subcommand(commands, "drain", drain, "sends no new jobs there; what runs goes on", json=False)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--why", default="", metavar="TEXT", help="said to those whose jobs wait")
    parser.add_argument("--move-to", default="", metavar="OTHER", help="where what waits is sent instead")
    parser = subcommand(commands, "resume", resume, "sends jobs there again: drained or paused", json=False)
    parser.add_argument("name", metavar="NAME")
    _add_limit(commands)


def _add_limit(commands: Subcommands) -> None:
    parser = subcommand(commands, "limit", limit, "how much may be on the pool at once", json=False)
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("--slices", metavar="N", help="in all; `none`: no limit")
    parser.add_argument("--jobs", metavar="N", help="likewise")
    parser.add_argument("--slices-each", metavar="N", help="of each user")
    parser.add_argument("--jobs-each", metavar="N", help="likewise")
    parser.add_argument("--user", metavar="USER", help="--slices and --jobs are of this user only")


def drain(output: Output, options: Options) -> None:
    scheduler, by = find_scheduler(options["name"]), _me()
    other = find_scheduler(options["move_to"]) if options["move_to"] else None
    if other is not None:
        pausing.check_target(scheduler, other)
    pausing.drain(scheduler, by, options["why"])
    output.say(f"Nothing more is sent to {scheduler}. What runs there goes on.")
    if other is not None:
        moved = pausing.move_waiting(scheduler, other, by)
        output.say(f"{_jobs(moved)} that waited for it {'waits' if moved == 1 else 'wait'} for {other} now.")


def resume(output: Output, options: Options) -> None:
    scheduler = find_scheduler(options["name"])
    was = pausing.resume(scheduler)
    audit.tell(person.here(), f"Resumed scheduler {scheduler}: {was or pausing.NEITHER}")
    output.say(f"{scheduler} goes on." if was else f"{scheduler} was neither drained nor paused.")
    if was:
        output.say(was.replace(f"{scheduler} is ", f"{scheduler} was ", 1) + ".", "dim")


def _me() -> Actor:
    known = person.here()
    return Actor(known.name, known.pk)


def _jobs(count: int) -> str:
    return "1 job" if count == 1 else f"{count} jobs"


# --- limits -----------------------------------------------------------------------------------------------


def limit(output: Output, options: Options) -> None:
    scheduler = find_scheduler(options["name"])
    if options["user"]:
        _limit_user(scheduler, options)
    else:
        _limit_all(scheduler, options)
    nudge(scheduler.pk)
    said = _said(scheduler)
    audit.tell(person.here(), f"Limits of scheduler {scheduler}: {' '.join(said)}")
    for line in said:
        output.say(line)


def _limit_all(scheduler: Scheduler, options: Options) -> None:
    given = {
        "max_slices": options["slices"],
        "max_attempts": options["jobs"],
        "max_slices_per_user": options["slices_each"],
        "max_attempts_per_user": options["jobs_each"],
    }
    for name, number in _numbers(given).items():
        setattr(scheduler, name, number)
    scheduler.save(update_fields=list(_numbers(given)))


def _limit_user(scheduler: Scheduler, options: Options) -> None:
    if options["slices_each"] or options["jobs_each"]:
        raise BadParameter("--slices-each and --jobs-each are of every user; leave --user out.")
    user = person.called(options["user"])
    numbers = _numbers({"max_slices": options["slices"], "max_attempts": options["jobs"]})
    UserLimit.objects.update_or_create(scheduler=scheduler, user=user, defaults=numbers)


def _numbers(given: dict[str, str | None]) -> dict[str, int | None]:
    return {name: _number(text) for name, text in given.items() if text is not None}


def _number(text: str) -> int | None:
    if text == NO_LIMIT:
        return None
    if not (text.isascii() and text.isdigit()):
        raise BadParameter(f"{text!r} is no limit. Give a whole number, or `none`.")
    return int(text)


def _said(scheduler: Scheduler) -> list[str]:
    def line(whose: str, slices: int | None, jobs: int | None) -> str:
        known = [
            f"{number} {what}" for number, what in ((slices, "slices"), (jobs, "jobs")) if number is not None
        ]
        return f"{whose} may have {' and '.join(known) or 'as much as it takes'} on {scheduler}."

    own = scheduler.user_limits.select_related("user").order_by("user__username")
    return [
        line("All together", scheduler.max_slices, scheduler.max_attempts),
        line("Each user", scheduler.max_slices_per_user, scheduler.max_attempts_per_user),
        *(line(each.user.get_username(), each.max_slices, each.max_attempts) for each in own),
    ]
