"""Jobs that are there already: equal script jobs have one state point, whoever makes them (see `building`).

A job that the person may not see is passed over in silence; then the new one gets a state point of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs_app import building, creation, permissions, registry, script_jobs
from jobs_app.errors import RoostError
from jobs_app.forms.form import Filled
from jobs_app.manager import JobManager
from jobs_app.models import Job, ScriptJob
from jobs_app.script.options import decode

Named = tuple[str, dict[str, Any]]


@dataclass(frozen=True)
class Planned:
    """A job to be made; `there`: the equal one that this person can see, `problem`: why it is no use."""

    name: str
    parameters: Mapping[str, Any]
    statepoint: Mapping[str, Any] | None = None
    there: Job | None = None
    problem: str = ""

    @property
    def is_done(self) -> bool:
        return self.there is not None and self.there.state.code in building.GOOD and not self.problem

    @property
    def order(self) -> Named:
        """With its state point as long as no job has it."""
        said = {"statepoint": dict(self.statepoint)} if self.statepoint and not self.there else {}
        return self.name, {**self.parameters, **said}


def plan(filled: Filled) -> list[Planned]:
    """Invalid or Unknown for what the checks of the fields could not know."""
    template, given = filled.form.template, filled.order()
    manager = JobManager(template.app)
    blueprint = creation.blueprint(manager.app, manager.project(), given.template, given.type)
    rows = [(name, {**given.parameters, **own}) for name, own in given.jobs]
    drafts = [creation.draft(blueprint, name, filled.form.person, own) for name, own in rows]
    if not drafts or not isinstance(drafts[0], ScriptJob):
        return [Planned(name, own) for name, own in given.jobs]
    wanted = [_order(draft, manager) for draft in drafts]
    return _beside(filled, list(given.jobs), wanted)


def _order(draft: Job, manager: JobManager) -> building.Order | None:
    """None if it has no address yet: it reads a job that was not executed."""
    inputs = {kind: decode(draft.parameters.get(kind) or {}) for kind in script_jobs.KINDS}
    if draft.statepoint is not None:
        return None
    try:
        return building.order(manager.app, manager.project(), draft.method, inputs, {})
    except RoostError:
        return None


def _beside(filled: Filled, jobs: list[Any], wanted: list[building.Order | None]) -> list[Planned]:
    there = _jobs_at([order.address for order in wanted if order], filled.form.template.app)
    seen = set(
        permissions.readable(filled.form.person)
        .filter(pk__in=[job.pk for job in there.values()])
        .values_list("pk", flat=True)
    )
    return [_planned(name, own, order, there, seen) for (name, own), order in zip(jobs, wanted, strict=True)]


def _jobs_at(addresses: list[str], app: str) -> dict[str, Job]:
    project = creation.project_of(registry.find(app))
    found: dict[str, Job] = {}
    for first in range(0, len(addresses), 500):
        some = addresses[first : first + 500]
        found |= {str(job.address): job for job in Job.objects.filter(project=project, address__in=some)}
    return found


def _planned(
    name: str, own: dict[str, Any], order: building.Order | None, there: Mapping[str, Job], seen: set[int]
) -> Planned:
    if order is None:
        return Planned(name, own)
    job = there.get(order.address)
    if job is None:
        return Planned(name, own, order.statepoint)
    if job.pk not in seen:
        return Planned(name, own)
    problem = building.problem_of(order) if job.state.code in building.GOOD else ""
    return Planned(name, own, order.statepoint, job, problem)
