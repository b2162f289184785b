"""Jobs that a job builds: `from jobs_app.script.subjobs import build`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, Optional

from jobs_app.errors import JobFailed, WrongState
from jobs_app.jobdir.layout import ANALYSIS

from .current import running
from .job import Job, learn
from .typed import encode

Ask = Callable[[dict[str, Any]], Mapping[str, Any]]

_running: dict[str, Optional[Ask]] = {}  # the step that this process runs, and how it asks Roost


def begin(step: str, ask: Optional[Ask]) -> None:
    """From now on this process is that step, and asks Roost by this means."""
    _running.clear()
    _running[step] = ask


def build(
    method: str,
    options: Optional[Mapping[str, Any]] = None,
    datasets: Optional[Mapping[str, Any]] = None,
    jobs: Optional[Mapping[str, Any]] = None,
    name: Optional[str] = None,
    caption: Optional[str] = None,
    **keywords: Any,
) -> Job:
    """The job of this method with these arguments: built, or found where it was built before."""
    job = running()
    ((step, ask),) = _running.items()
    if step == ANALYSIS:
        raise WrongState("A slice of analysis cannot build jobs. Build them in prepare or in synthesis.")
    if ask is None:
        raise WrongState(f"{method!r} cannot be built here: this job runs where Roost cannot be asked.")
    request = {
        "kind": "build",
        "method": method,
        "options": encode(dict(options or {})),
        "datasets": encode(dict(datasets or {})),
        "jobs": encode(dict(jobs or {})),
        "keywords": encode(keywords),
        "name": name,
        "caption": caption,
    }
    return _built(job, method, name, ask(request))


def _built(job: Any, method: str, name: Optional[str], answer: Mapping[str, Any]) -> Job:
    """`answer` is {"job", "path", "was_built"}, or {"error"} with a message."""
    if "error" in answer:
        raise JobFailed(f"The subjob {method!r} was not built: {answer['error']}")
    learn(answer["job"], answer["path"])
    job._registered.subjobs[answer["job"]] = bool(answer.get("was_built", True))
    return Job(answer["job"], name or method)
