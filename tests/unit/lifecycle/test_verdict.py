"""How an attempt ended of which the pool only says that all is over: by the records that its slices left."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from jobs_app.jobdir import facts
from jobs_app.jobdir.facts import FINISHED_EARLY, Fact
from jobs_app.lifecycle import blocks
from jobs_app.lifecycle.verdict import Verdict, judge
from jobs_app.lifecycle.work import Work
from jobs_app.models import Attempt, AttemptPhase, CondorWorkflow, Job, ScriptJob
from jobs_app.pools.base import Event, EventKind, Step
from jobs_app.states import SliceState

NewJob = Callable[..., Job]
Left = Sequence[tuple[str, int, Fact]]

GOOD, BAD = Fact(SliceState.DONE), Fact(SliceState.FAILED, exit_code=3)
EARLY = Fact(SliceState.DONE, flags=FINISHED_EARLY)


def judged(job: Job, work: Work, left: Left) -> tuple[Verdict, dict[str, list[str]]]:
    """The verdict, and each slice's state in a word."""
    job.address = f"{job.pk:032x}"
    job.save()
    attempt = Attempt.objects.create(
        job=job, number=1, token=f"{job.pk:032x}", phase=AttemptPhase.FETCHING, work=work.to_json()
    )
    blocks.create(attempt, work.steps)
    for position, (name, first, slices, *_) in enumerate(work.graph):
        attempt.nodes.create(name=name, position=position, first=first, slices=slices)
    paths = job.paths.attempt(1)
    paths.root.mkdir(parents=True)
    for step, number, fact in left:
        facts.write(paths.facts, step, number, fact)
    verdict = judge(attempt, paths)
    found = blocks.whole(attempt.pk).items()
    return verdict, {step: [SliceState(state).word for state in states] for step, states in found}


@pytest.fixture
def script(new_job: NewJob) -> Callable[..., tuple[Verdict, dict[str, list[str]]]]:
    def run(*left: tuple[str, int, Fact]) -> tuple[Verdict, dict[str, list[str]]]:
        steps = (Step("prepare"), Step("analysis", 2), Step("synthesis"))
        return judged(new_job(model=ScriptJob), Work(steps, independent=False, script="x.py"), left)

    return run


@pytest.fixture
def workflow(new_job: NewJob) -> Callable[..., tuple[Verdict, dict[str, list[str]]]]:
    """a -> b (two slices), a -> c (runs nothing) -> d, and e at the end."""

    def run(*left: tuple[int, Fact]) -> tuple[Verdict, dict[str, list[str]]]:
        graph = (
            ("a", 0, 1, [], False, False),
            ("b", 1, 2, [0], False, False),
            ("c", 3, 1, [0], False, False),
            ("d", 4, 1, [2], False, False),
            ("e", 5, 1, [], True, False),
        )
        names = [{"name": name, "noop": name == "c"} for name, *_ in graph]
        job = new_job(model=CondorWorkflow, jobs=names)
        work = Work((Step("run", 6),), graph=graph)
        return judged(job, work, [("run", number, fact) for number, fact in left])

    return run


def test_nodes_after_one_that_failed_were_never_begun(workflow) -> None:
    verdict, states = workflow((0, BAD), (5, GOOD))
    assert states == {"run": ["Failed", "Skipped", "Skipped", "Skipped", "Skipped", "Done"]}
    assert (verdict.slices.failed, verdict.slices.done) == (1, 1)


def test_a_node_that_ran_in_part_lost_the_rest_and_one_that_should_have_run_was_lost(workflow) -> None:
    _, states = workflow((0, GOOD), (2, GOOD), (5, GOOD))
    assert states == {"run": ["Done", "Failed", "Done", "Done", "Failed", "Done"]}


def test_a_node_that_runs_nothing_is_done_when_those_before_it_are(workflow) -> None:
    verdict, states = workflow(*((number, GOOD) for number in (0, 1, 2, 4, 5)))
    assert states == {"run": ["Done"] * 6}
    assert verdict.status == "COM"


def test_steps_after_one_that_failed_were_never_begun(script) -> None:
    verdict, states = script(("prepare", 0, GOOD), ("analysis", 0, BAD), ("analysis", 1, GOOD))
    assert (states["analysis"], states["synthesis"]) == (["Failed", "Done"], ["Skipped"])
    assert verdict.status == "ERR"


def test_a_slice_without_a_record_was_lost_and_what_comes_after_it_never_begun(script) -> None:
    _, states = script(("prepare", 0, GOOD), ("analysis", 1, GOOD))
    assert (states["analysis"], states["synthesis"]) == (["Failed", "Done"], ["Skipped"])


def test_what_comes_after_an_early_end_was_not_wanted(script) -> None:
    verdict, states = script(("prepare", 0, EARLY))
    assert (states["analysis"], states["synthesis"]) == (["Skipped", "Skipped"], ["Skipped"])
    assert verdict.status == "COM"


def test_nothing_is_done_of_which_nothing_is_known(script) -> None:
    verdict, states = script()
    assert states == {"prepare": ["Failed"], "analysis": ["Skipped", "Skipped"], "synthesis": ["Skipped"]}
    assert verdict.status == "ERR"


@pytest.mark.parametrize(("exit_code", "signal"), [(0, 9), (3, 0), (3, 9)])
def test_a_signal_is_no_good_end_whatever_the_exit_code(exit_code: int, signal: int) -> None:
    ended = blocks.ended_well(
        Event(EventKind.ENDED, "a" * 32, 0.0, "run", exit_code=exit_code, signal=signal or None)
    )
    assert not ended
