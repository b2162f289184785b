"""Grace's jobs: what a page can be asked to show, and seldom has all at once. Some run for good on the
embedded pool, the others are rows as the lifecycle would have left them."""

from __future__ import annotations

import json
import random
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.utils import timezone

MANY = 1_000_000
WAITING, RUNNING, DONE, FAILED, HELD, REMOVED, SKIPPED, SUSPENDED = range(8)
PROGRAMS = {
    "fetch": {"executable": "/bin/true"},
    "north": {"executable": "/bin/true", "parents": ["fetch"]},
    "south": {"executable": "/bin/false", "parents": ["fetch"]},
    "join": {"executable": "/bin/true", "parents": ["north", "south"]},
    "clean up": {"executable": "/bin/true", "final": True},
}
GROUPS = ("snow", "ice and glaciers", "office of avalanches, river levels and all other warnings")
FLOW = {  # a workflow's nodes: parents, the state of each
    "prepare the grid": ([], DONE),
    "north": (["prepare the grid"], DONE),
    "east": (["prepare the grid"], RUNNING),
    "south": (["prepare the grid"], FAILED),
    "west": (["prepare the grid"], HELD),
    "join": (["north", "east", "south", "west"], WAITING),
    "plot": (["join"], WAITING),
}


def furnish() -> dict[str, int]:
    """The numbers of her jobs, by name."""
    owner = User.objects.create_user("grace")
    made = [_waiting, _held, _unreachable, _slices, _flow, _far, _own_words, _other_types, _again, _shared]
    jobs = {name: job.pk for make in made for name, job in make(owner).items()}
    jobs |= {name: job.pk for name, job in _real(owner).items()}
    _arranged(owner)
    return jobs


# --- rows -----------------------------------------------------------------------------------------------


def _row(owner: Any, name: str, kind: str, code: str, **fields: Any) -> Any:
    from jobs_app.models import History, Job, Project

    project = Project.objects.get(app="tests.browser.lab")
    counted = {"COM": {"slices_done": 1}, "RUN": {"slices_running": 1}}.get(code, {})
    fields = {**counted, **fields}
    job = Job(project=project, app="tests.browser.lab", name=name, type=kind, user=owner)
    for key, value in {"_status": code, "number_of_attempts": 1, "frozen": True, **fields}.items():
        setattr(job, key, value)
    began = timezone.now() - timedelta(minutes=40)
    job.execute_time, job.start_time = began, began if code not in ("SUB", "PEN") else None
    job.save()
    History.objects.create(job=job, actor="grace", why="Executed.", before="PEN", after="SUB", attempt=1)
    return job


def _attempt(job: Any, states: bytes, **fields: Any) -> Any:
    from jobs_app.lifecycle import blocks
    from jobs_app.models import Attempt
    from jobs_app.pools.base import Step

    given = {"token": f"{job.pk:032x}", "phase": "sent", "slices": len(states), **fields}
    attempt = Attempt.objects.create(job=job, number=1, **given)
    blocks.create(attempt, [Step("run", len(states))], {"run": states})
    return attempt


def _waiting(owner: Any) -> dict[str, Any]:
    why = (
        "No machine fits: it asks for 900 000 MB of memory, the largest has 64 000 MB (slot1@node-7). "
        "12 machines have enough CPUs, none has enough memory."
    )
    job = _row(owner, "too large for any machine", "CONDORJOB", "SUB", slices_total=6)
    _attempt(job, bytes([WAITING] * 6), idle=why, idle_asked=timezone.now())
    return {"idle": job}


def _held(owner: Any) -> dict[str, Any]:
    reason = "Error from slot1@node-7: memory usage exceeded request_memory: 2310 MB (hold code 34.0)"
    given = {"slices_total": 16, "slices_done": 9, "slices_held": 7, "parameters": {"memory": 2048}}
    job = _row(owner, "flood map, 1 m grid", "CONDORJOB", "HLD", status_message=reason, **given)
    _attempt(job, bytes([DONE] * 9 + [HELD] * 7), reason=reason)
    return {"held": job}


def _unreachable(owner: Any) -> dict[str, Any]:
    from jobs_app.models import Scheduler

    lost = Scheduler.objects.create(
        name="valley", kind="condor", host="127.0.0.1", port=9, username="grace", draining=True, failures=4,
        draining_why="The cooling is being mended until Thursday.", draining_since=timezone.now(),
        last_contact=timezone.now() - timedelta(minutes=17), last_error="Connection refused",
    )  # fmt: skip
    job = _row(owner, "on a pool that is silent", "CONDORJOB", "RUN", slices_total=4, slices_running=4)
    wish = {"verb": "remove", "slices": [], "why": "Stopped by grace."}
    _attempt(job, bytes([RUNNING] * 4), scheduler=lost, wish="remove", wishes=[wish])
    return {"unreachable": job}


def _slices(owner: Any) -> dict[str, Any]:
    counts = {"slices_total": MANY, "slices_done": 480_000, "slices_failed": 10_000, "slices_running": 10_000}
    job = _row(owner, "a million", "CONDORJOB", "RUN", **counts)
    kinds, weights = (WAITING, RUNNING, DONE, FAILED), (50, 1, 48, 1)
    head = bytes([DONE]) * 300_000
    rest = bytes(random.Random(1).choices(kinds, weights, k=MANY - len(head)))
    _attempt(job, head + rest)
    few = _row(owner, "slices in all states", "CONDORJOB", "VAR", slices_total=400, slices_done=200)
    _attempt(few, bytes([DONE] * 200 + list(range(8)) * 25))
    return {"million": job, "slices": few}


def _flow(owner: Any) -> dict[str, Any]:
    from jobs_app.models import WorkflowNode

    job = _row(owner, "a workflow at work", "CONDORWORKFLOW", "VAR", slices_total=len(FLOW), slices_done=2)
    attempt = _attempt(job, bytes(state for _, state in FLOW.values()))
    for position, (name, (parents, state)) in enumerate(FLOW.items()):
        WorkflowNode.objects.create(
            attempt=attempt, position=position, name=name, parents=parents, first=position,
            reason="It ended with exit code 3: no such grid" if state == FAILED else "",
            host="node-7.valley.example" if state != WAITING else "",
            exit_code=3 if state == FAILED else None,
        )  # fmt: skip
    return {"flow": job}


def _far(owner: Any) -> dict[str, Any]:
    """A family: parent, chain, uses."""
    from jobs_app.models import JobDependency, JobUse

    first = _row(owner, "first of a chain", "SCRIPT", "COM")
    middle = _row(owner, "second of a chain", "SCRIPT", "RUN")
    last = _row(owner, "third of a chain, with a name that is a good deal longer than a box", "SCRIPT", "PEN")
    JobUse.objects.create(job=middle, used=first, role="previous")
    JobUse.objects.create(job=last, used=middle, role="previous")
    JobDependency.objects.create(job=last, before=middle)
    for number, code in enumerate(("COM", "ERR", "RUN", "HLD", "SUB")):
        _row(owner, f"station {number}", "SCRIPT", code, parent=middle)
    return {"chain": middle}


def _own_words(owner: Any) -> dict[str, Any]:
    job = _row(
        owner, "calibration", "BASIC", "OTH", other_status="Calibrating gauges", status_message="3 of 8"
    )
    hostile = _row(
        owner, "<img src=x onerror=alert(1)> " + "averyveryverylongnamewithoutanyspace" * 4, "BASIC", "ERR",
        status_message="<img src=x onerror=alert(1)> " + "/a/very/long/path/without/an/end" * 8,
        description="A description that goes on for a while, as those of people who care do. " * 4,
    )  # fmt: skip
    return {"own words": job, "hostile": hostile}


def _again(owner: Any) -> dict[str, Any]:
    """It failed at first: what it had printed and left lies with its first attempt."""
    reason = "2 of 2 slices failed."
    given = {"number_of_attempts": 2, "address": f"{0xA6A1:032x}", "slices_total": 2, "slices_done": 2}
    job = _row(owner, "rain gauges, second try", "SCRIPT", "COM", **given)
    _attempt(job, bytes([FAILED] * 2), phase="over", status="ERR", reason=reason, ended=timezone.now())
    left = job.paths.attempt(1)
    for name, content in {
        "kept/OUTPUT/0": "reading gauge 1 \033[32mwell\033[0m\nreading gauge 2 \033[31mbroken\033[0m\n" * 30,
        "kept/deep/er/gauges of May.csv": "gauge,mm\n1,4.5\n2,\n",
        "errors/0.json": json.dumps({"traceback": "Traceback (most recent call last):\n  ...\nValueError"}),
    }.items():
        path = left.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return {"again": job}


def _shared(owner: Any) -> dict[str, Any]:
    """With a group of hers, to which another one could be added, and with one that she is not in."""
    from jobs_app.models import JobShare

    job = _row(owner, "snow depth, for others too", "SCRIPT", "COM", slices_total=4, slices_done=4)
    snow, ice, others = (Group.objects.create(name=name) for name in GROUPS)
    owner.groups.add(snow, ice)
    JobShare.objects.create(job=job, group=snow, may=JobShare.ACT)
    JobShare.objects.create(job=job, group=others)
    return {"shared": job}


def _other_types(owner: Any) -> dict[str, Any]:
    return {
        "external": _row(owner, "runs at a company's", "EXTERNAL", "RUN", status_message="Day 12 of 30"),
        "various": _row(
            owner, "river stages", "SCRIPT", "VCP", slices_total=96, slices_done=93, slices_failed=3,
            status_message="3 of 96 slices failed.",
        ),
    }  # fmt: skip


# --- on the embedded pool, as soon as the server is there -------------------------------------------------


def _real(owner: Any) -> dict[str, Any]:
    from jobs_app.manager import JobManager
    from jobs_app.models import ResultLink

    manager = JobManager("tests.browser.lab")
    gallery = manager.create_job("gallery", owner, "gallery")
    flow = manager.create_job(
        "north and south", owner, job_type="CONDORWORKFLOW",
        jobs=[{"name": name.replace(" ", "-"), **told} for name, told in PROGRAMS.items()],
    )  # fmt: skip
    for job in (gallery, flow):
        job.execute()
    for name, header in {
        "notes.md": "What was measured",
        "waves.parquet": "The waves",
        "sky.png": "",
    }.items():
        said = {"header": header, "description": "As seen from the mast.\nOn all days." if header else ""}
        ResultLink.objects.create(
            job=gallery, owner=owner, app=gallery.app, filename=name, name=f"weather/{name}", **said
        )
    return {"gallery": gallery, "real flow": flow}


# --- what she has arranged ---------------------------------------------------------------------------------


def _arranged(owner: Any) -> None:
    from jobs_app import tokens
    from jobs_app.models import Notice, NoticePreference, SavedFilter

    SavedFilter.objects.create(user=owner, name="Broken ones", query="status=ERR")
    SavedFilter.objects.create(user=owner, name="Chains of last week", query="text=chain")
    tokens.make("laptop", owner, ["jobs:read"])
    NoticePreference.objects.create(user=owner, on=["end", "held"], webhook="https://chat.example/hooks/42")
    for number, (state, error) in enumerate(
        {Notice.SENT: "", Notice.DEAD: "410 Gone: this hook was removed. " * 3, Notice.WAITING: ""}.items()
    ):
        Notice.objects.create(
            key=f"shown-{number}", user=owner, channel=Notice.WEBHOOK, subject=f"flood map {number} is held",
            state=state, error=error, due=timezone.now() + timedelta(days=300),
        )  # fmt: skip
