"""health: how a scheduler is, for people and for whatever watches them."""

from __future__ import annotations

from typing import Any

from jobs_app import health
from jobs_app.compute import find_scheduler
from jobs_app.management.jobs.common import Options, Subcommands, subcommand
from jobs_app.terminal.output import Output

AILING = 1  # exit code, for programs that watch


def add(commands: Subcommands) -> None:
    parser = subcommand(commands, "health", show, "how a scheduler is, and what should be looked at")
    parser.add_argument("name", metavar="NAME", nargs="?", help="all of them, if none is named")


def show(output: Output, options: Options) -> int | None:
    named = options["name"]
    found = [health.of(find_scheduler(named))] if named else health.of_all()
    if options["json"]:
        output.json(found[0] if named else found)
    else:
        for known in found:
            _show(output, known)
    return AILING if any(known["troubles"] for known in found) else None


def _show(output: Output, known: dict[str, Any]) -> None:
    output.say(f"{known['name']}: {'well' if not known['troubles'] else 'look here'}", "bold")
    for trouble in known["troubles"]:
        output.say(f"  {trouble}", "yellow")
    output.fields([("  " + name if output.fancy else name, value) for name, value in _fields(known)])


def _fields(known: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        ("courier", _courier(known["courier"])),
        ("queue", _numbers(known["queue"])),
        ("users", _users(known["users"])),
        ("submit", _submit(known["submit"])),
        ("view", _view(known["view"])),
        ("logins", _logins(known["logins"])),
    ]


def _courier(courier: dict[str, Any]) -> str:
    return f"alive: process {courier['pid']} on {courier['host']}" if courier["alive"] else "none works"


def _numbers(numbers: dict[str, int]) -> str:
    return ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in numbers.items())


def _users(users: dict[str, dict[str, int]]) -> str:
    each = (
        f"{name or 'nobody'} {load['slices']} slices of {load['attempts']} jobs"
        for name, load in users.items()
    )
    return "; ".join(each) or "nothing on the pool"


def _submit(submit: dict[str, Any]) -> str:
    if not submit["batches"]:
        return "nothing in the last hour"
    return (
        f"{submit['batches']} in the last hour: half within {submit['p50']} s, 99 % within {submit['p99']} s"
    )


def _view(view: dict[str, Any]) -> str:
    if view["age"] is None:
        return "nothing read yet"
    lag = view["lag"]
    late = f"; events recorded after {lag['p50']} s, 99 % within {lag['p99']} s" if lag else ""
    return f"read {view['age']:.1f} s ago{late}"


def _logins(logins: dict[str, int]) -> str:
    budget = f"of {logins['per_hour']}" if logins["per_hour"] else "of any number"
    return f"{logins['today']} today; {logins['this_hour']} {budget} this hour"
