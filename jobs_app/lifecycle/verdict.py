"""How an attempt ended, by its slices' states or, where the pool told none, by their own records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from jobs_app import states
from jobs_app.jobdir import facts, manifest, remote
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, RUN, AttemptPaths
from jobs_app.jobdir.text import storable
from jobs_app.models import Attempt, SliceBlock
from jobs_app.states import Counts, SliceState

from . import blocks, nodes, workflow
from .sheet import counted, sum_of
from .work import Work


@dataclass(frozen=True)
class Verdict:
    status: str
    reason: str
    slices: Counts


def judge(attempt: Attempt, paths: AttemptPaths) -> Verdict:
    work = Work.from_json(attempt.work)
    counts = _counts(attempt, work)
    if sum_of(counts.values()).ended < sum_of(counts.values()).total:
        complete_from_facts(attempt, paths)
        counts = _counts(attempt, work)
    status = states.job_state(sum_of(counts.values()), independent=work.independent)
    reason = _reason(attempt, work, counts, paths) if status != "COM" else ""
    return Verdict(status, reason, counted(work, counts))


def verify(attempt: Attempt, paths: AttemptPaths) -> None:
    """Damaged, if a file that the job made is not there as it was made."""
    if Work.from_json(attempt.work).script:
        away = remote.read(paths.job)
        here = {name: known for name, known in manifest.read(paths.job).items() if name not in away}
        manifest.verify(paths.job.root, here, hashes=False)


def _counts(attempt: Attempt, work: Work) -> dict[str, Counts]:
    rows: dict[str, list[Counts]] = {step.name: [] for step in work.steps}
    found = SliceBlock.objects.filter(attempt_id=attempt.pk).values_list("step", *blocks.COLUMNS)
    for step, *numbers in found:
        rows[step].append(Counts(*numbers))
    return {step: sum_of(each) for step, each in rows.items()}


def complete_from_facts(attempt: Attempt, paths: AttemptPaths) -> None:
    """The pool says that all is over, and has not said how some slices ended: they have, in their records.

    A slice without one was lost, and counts as failed: nothing is shown done that is not. But what comes
    after what did not end well was never begun.
    """
    never = _never_begun(attempt, paths)
    changed = []
    rows = SliceBlock.objects.filter(attempt_id=attempt.pk)
    for pk, step, first, data in rows.values_list("pk", "step", "first", "states"):
        block = blocks.Block(pk, step, first, data)
        for stage, table in never:
            if stage.step == step:
                block.apply(table, stage.first, stage.first + stage.slices)
        for number in _open_in(block):
            fact = facts.read(paths.facts, step, number)
            done = fact is not None and fact.state == SliceState.DONE
            block.apply_one(blocks.DONE if done else blocks.FAILED, number)
        changed.append(block)
    blocks.save(changed)


class _Stage(NamedTuple):
    """Slices that begin when all of earlier stages, `parents`, have ended well."""

    step: str
    first: int
    slices: int
    parents: Sequence[int]
    runs_nothing: bool = False


def _stages(attempt: Attempt, work: Work) -> list[_Stage]:
    if not work.graph:
        return [_Stage(step.name, 0, step.slices, range(place)[-1:]) for place, step in enumerate(work.steps)]
    declared = attempt.job.parameters.get("jobs", [])
    empty = {said["name"] for said in declared if said.get("noop")}
    return [
        _Stage(RUN, place.first, place.slices, place.parents, place.name in empty)
        for place in workflow.places(work)
    ]


def _never_begun(attempt: Attempt, paths: AttemptPaths) -> list[tuple[_Stage, bytes]]:
    """Stages of which nothing is known, and what became of them."""
    stages = _stages(attempt, Work.from_json(attempt.work))
    if len(stages) == 1:
        return []
    states = blocks.whole(attempt.pk)
    ended_well: list[bool] = []
    found = []
    for stage in stages:
        ready = all(ended_well[parent] for parent in stage.parents)
        known = list(_known(stage, states, paths))
        if any(known) or (ready and not stage.runs_nothing):
            ended_well.append(all(state == SliceState.DONE for state in known) and not _is_last(stage, paths))
            continue
        ended_well.append(ready)
        found.append((stage, blocks.DONE if ready else blocks.SKIPPED))
    return found


def _known(stage: _Stage, states: Mapping[str, bytes], paths: AttemptPaths) -> Iterator[int]:
    """The state of each of its slices; 0 where nothing was said and no record was left."""
    said = states[stage.step][stage.first : stage.first + stage.slices]
    left = facts.read_range(paths.facts, stage.step, stage.first, stage.slices)
    for state, fact in zip(said, left, strict=True):
        yield state if SliceState(state).ended else fact.state if fact is not None else 0


def _is_last(stage: _Stage, paths: AttemptPaths) -> bool:
    """A script that ends itself early has no later steps."""
    fact = facts.read(paths.facts, PREPARE) if stage.step == PREPARE else None
    return fact is not None and fact.finished_early


def _open_in(block: blocks.Block) -> list[int]:
    return [block.first + index for index, state in enumerate(block.states) if not SliceState(state).ended]


# --- the reason ---------------------------------------------------------------------------------------------


def _reason(attempt: Attempt, work: Work, counts: Mapping[str, Counts], paths: AttemptPaths) -> str:
    for step in work.steps:
        if counts[step.name].failed:
            return _failure(attempt, step.name, counts[step.name], paths)
    return attempt.reason or "Its slices were removed on the pool."


def _failure(attempt: Attempt, step: str, counts: Counts, paths: AttemptPaths) -> str:
    number = SliceBlock.objects.filter(attempt_id=attempt.pk).numbers(step, SliceState.FAILED, limit=1)[0]
    if attempt.work.get("graph"):
        return nodes.failure(attempt, number, _why(attempt, step, number, paths))
    part = f"Slice {number}" if step in (ANALYSIS, RUN) and counts.total > 1 else f"The step {step}"
    others = _others(counts.failed - 1)
    return f"{part} failed: {_why(attempt, step, number, paths)}{others}"


def _others(number: int) -> str:
    if not number:
        return ""
    return f" ({number} more slices failed.)" if number > 1 else " (1 more slice failed.)"


def _why(attempt: Attempt, step: str, number: int, paths: AttemptPaths) -> str:
    error = _recorded_error(paths, step, number)
    if error:
        return error
    fact = facts.read(paths.facts, step, number)
    exit_code = fact.exit_code if fact else attempt.exit_code
    signal = fact.signal if fact else attempt.signal
    if signal:
        return f"it was killed by signal {signal}."
    return (
        f"it ended with exit code {exit_code}." if exit_code is not None else attempt.reason or "it was lost."
    )


def _recorded_error(paths: AttemptPaths, step: str, number: int) -> str:
    """What the runner wrote of it (see jobs_app/script/failure.py)."""
    try:
        content: Any = json.loads(paths.error(step, number).read_text())
    except (FileNotFoundError, ValueError):
        return ""
    if not isinstance(content, dict):
        return ""
    return storable(": ".join(str(content[name]) for name in ("type", "message") if content.get(name)))
