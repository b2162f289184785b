"""A job as the commands show it: the same names in tables, in plain text and in JSON."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from jobs_app import inspection
from jobs_app.models import Job

from .output import Column

STYLES = {
    "PEN": "dim",
    "SUB": "blue",
    "RUN": "bold blue",
    "VAR": "blue",
    "PAS": "yellow",
    "HLD": "bold yellow",
    "OTH": "magenta",
    "RES": "green",
    "COM": "green",
    "ERR": "bold red",
    "ABT": "red",
    "VCP": "red",
}


def brief(job: Job) -> dict[str, Any]:
    """What a list shows of a job."""
    return {
        "id": job.pk,
        "name": job.name,
        "status": job.state.code,
        "state": job.cached_status,
        "message": job.status_message,
        "app": job.app,
        "type": job.type,
        "method": job.method,
        "user": job.user.get_username() if job.user else None,
        "slices": {
            "total": job.slices_total,
            "running": job.slices_running,
            "done": job.slices_done,
            "failed": job.slices_failed,
            "held": job.slices_held,
        },
        "created": _iso(job.creation_time),
        "started": _iso(job.start_time),
        "ended": _iso(job.completion_time),
        "seconds": _seconds(job.run_time),
    }


def full(job: Job) -> dict[str, Any]:
    """What `show` tells of it."""
    scheduler = inspection.scheduler(job)
    return {
        **brief(job),
        "jobid": job.jobid,
        "description": job.description,
        "template": job.template and f"{job.template.name} v{job.template.version}",
        "scheduler": scheduler and scheduler.name,
        "attempt": job.number_of_attempts,
        "form": inspection.form(job),
        "parent": job.parent and job.parent.jobid,
        "address": job.address,
        "directory": str(job.directory) if job.address else None,
        "statepoint": job.statepoint,
        "parameters": job.parameters,
        "steps": {name: _counts(counts) for name, counts in inspection.steps(job)},
        "files": len(inspection.files(job)),
        **({"nodes": found} if (found := [node(each) for each in inspection.nodes(job)]) else {}),
    }


def node(view: inspection.NodeView) -> dict[str, Any]:
    """A node of a workflow."""
    return {
        **vars(view),
        "state": view.state.word,
        "slices": _counts(view.slices),
        "started": _iso(view.started),
        "ended": _iso(view.ended),
    }


def _counts(counts: Any) -> dict[str, int]:
    return {name: number for name, number in vars(counts).items() if number}


def _iso(time: datetime | None) -> str | None:
    return time.isoformat() if time else None


def _seconds(time: timedelta | str) -> float | None:
    return round(time.total_seconds(), 3) if isinstance(time, timedelta) else None


# --- cells --------------------------------------------------------------------------------------------------


def moment(iso: str | None) -> str:
    """In the time of this machine, as people read it."""
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M %Z") if iso else ""


def moment_exactly(iso: str | None) -> str:
    return datetime.fromisoformat(iso).astimezone().strftime("%Y-%m-%d %H:%M:%S %Z") if iso else ""


def seconds(number: float | None) -> str:
    return "" if number is None else inspection.duration(timedelta(seconds=number))


def slices(counts: dict[str, int]) -> str:
    """ "12/24", and what is wrong with the others."""
    wrong = [f"{counts[name]} {name}" for name in ("failed", "held") if counts[name]]
    return ", ".join([f"{counts['done']}/{counts['total']}", *wrong])


def state_style(state: str) -> str:
    return _STATE_STYLES.get(state, "magenta")


def _state_styles() -> dict[str, str]:
    from jobs_app.states import JOB_STATES

    return {JOB_STATES[code].word: style for code, style in STYLES.items()}


_STATE_STYLES = _state_styles()

JOB_COLUMNS = (
    Column("id", "id", right=True, style="bold"),
    Column("name", "name"),
    Column("state", "state", style=state_style),
    Column("slices", "slices", slices),
    Column("method", "method", lambda method: method or "-", style="dim"),
    Column("owner", "user", style="dim"),
    Column("created", "created", moment, style="dim"),
    Column("time", "seconds", seconds, right=True),
)
