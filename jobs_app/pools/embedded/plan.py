"""What is to be done: decided here, done elsewhere. No processes, no files, no clock.

Each verb and each thing that happens turns into records (to be written first) and actions (to be done once
the records are written). A restarted daemon applies the same records and goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from jobs_app.jobdir.layout import ANALYSIS
from jobs_app.states import SliceState

from ..base import Event, EventKind, Node, Resources, Selection, Task
from .checkpoint import restore
from .graph import Graph
from .stage import Stage
from .turns import Turns
from .wire import Note
from .work import NO_PART, Part, Request, Run, Wish, Work

WAITING, RUNNING, HELD = SliceState.WAITING, SliceState.RUNNING, SliceState.HELD


class Outcome(NamedTuple):
    """How a part ended."""

    exit_code: int = 0
    signal: int = 0
    at: float = 0.0
    memory_mb: int | None = None
    reason: str = ""
    finished_early: bool = False

    @property
    def well(self) -> bool:
        return self.exit_code == 0 and self.signal == 0


@dataclass(frozen=True)
class Start:
    attempt: str
    part: Part
    tries: int


@dataclass(frozen=True)
class Kill:
    attempt: str
    part: Part
    hard: bool = False


@dataclass(frozen=True)
class Deliver:
    attempt: str
    request: str
    answer: Mapping[str, Any]


@dataclass(frozen=True)
class Dismiss:
    """The attempt is over: its leader may go."""

    attempt: str


Action = Start | Kill | Deliver | Dismiss


class Plan:
    def __init__(self, slots: int, host: str = "") -> None:
        self.slots = max(1, slots)
        self.host = host
        self.works: dict[str, Work] = {}
        self.busy: set[str] = set()  # attempts with running parts
        self.unfinished: set[str] = set()
        self._records: list[tuple[str, Event | Note]] = []
        self._actions: list[Action] = []
        self._turns = Turns()
        self._answered: list[tuple[str, str]] = []  # attempt and request of parts that want a slot to go on

    def take(self) -> tuple[list[tuple[str, Event | Note]], list[Action]]:
        """What is to be written and then done; each told once."""
        taken = self._records, self._actions
        self._records, self._actions = [], []
        return taken

    def running(self) -> Iterator[tuple[Work, Part, Run]]:
        for token in self.busy:
            work = self.works[token]
            for part, run in work.running.items():
                yield work, part, run

    @property
    def free(self) -> int:
        return self.slots - sum(self._cpus(run.resources) for _, _, run in self.running() if not run.parked)

    @property
    def waiting(self) -> int:
        """Attempts of which a slice could start if there were room."""
        return len(self._turns)

    def needed_next(self, work: Work) -> int:
        """Slots for the slice that comes next, of an attempt that is ready."""
        return self._cpus(self._first(work)[1])

    def _cpus(self, resources: Resources) -> int:
        """Who asks for more than there is gets all."""
        return min(max(1, resources.cpus), self.slots)

    # -- batches come, are remembered, and go

    def add(self, batch: str, segment: str, task: Task) -> None:
        self.works[task.attempt] = Work(batch, segment, task)
        self.unfinished.add(task.attempt)

    def accept(self, attempt: str, now: float) -> None:
        work = self.works[attempt]
        if not work.accepted:
            self._emit(work, EventKind.ACCEPTED, now)
        self._settle(work, now)

    def restore(self, attempt: str, known: Mapping[str, Any]) -> None:
        """Takes in what an earlier daemon knew."""
        restore(self.works[attempt], known)
        self._note_whether_busy(self.works[attempt])

    def replay(self, record: Event | Note) -> None:
        """Takes in what an earlier daemon has written."""
        work = self.works.get(record.attempt)
        if work is not None:
            work.apply(record)
            self._note_whether_busy(work)

    def forget(self, attempt: str) -> None:
        """Only what is over is forgotten."""
        if attempt in self.works and attempt not in self.unfinished:
            del self.works[attempt]

    # -- starting

    def start(self, now: float) -> None:
        """Fills the free slots: first with parts that wait to go on, then by turns."""
        self._go_on(now)
        while self._answered == []:
            work = self._next()
            if work is None or self.needed_next(work) > self.free:
                return
            self._turns.pass_on()
            part, _ = self._first(work)
            tries = work.next_try(part)
            self._emit(work, EventKind.STARTED, now, part, tries=tries, host=self.host)
            self._actions.append(Start(work.token, part, tries))
            self._settle(work, now)

    def _next(self) -> Work | None:
        while (token := self._turns.first()) is not None:
            work = self.works.get(token)
            if work is not None and work.ready:
                return work
            self._turns.pass_on()
        return None

    def _first(self, work: Work) -> tuple[Part, Resources]:
        stage = work.stage
        sliceno = work.graph.next_waiting() if work.graph else stage.first_waiting() if stage else None
        if stage is None or sliceno is None:
            raise AssertionError(f"{work.token} is ready, but no slice of it waits")
        part = Part(stage.name, sliceno)
        return part, work.resources_of(part)

    def _go_on(self, now: float) -> None:
        while self._answered:
            token, name = self._answered[0]
            request = self._request(token, name)
            if request is not None:
                run = self.works[token].running[request.part]
                if self._cpus(run.resources) > self.free:
                    return
                run.go_on(now)
                self._actions.append(Deliver(token, name, request.answer or {}))
            self._answered.pop(0)

    # -- ends

    def ended(self, attempt: str, part: Part, tries: int, outcome: Outcome) -> None:
        work = self._runs(attempt, part, tries)
        if work is None:
            return
        if part in work.wishes and not outcome.well:
            self.lost(attempt, part, tries, outcome.at)
            return
        ends = _node_that_ends_it(work, part, outcome)
        forgiven = ends is not None and ends.abort_return == 0
        retried = ends is None and not outcome.well and self._gets_another_try(work, part, outcome)
        self._emit(
            work,
            EventKind.ENDED,
            outcome.at,
            part,
            tries=tries,
            exit_code=0 if forgiven else outcome.exit_code,
            signal=outcome.signal or None,
            will_retry=retried,
            host=self.host,
            memory_mb=outcome.memory_mb,
            reason=outcome.reason,
            data=_said_of_end(outcome, ends),
        )
        if ends is not None:
            self._end_the_others(work, ends, outcome.at)
        self._settle(work, outcome.at)

    def _end_the_others(self, work: Work, node: Node, now: float) -> None:
        """Of a workflow that a node has ended; its final node runs all the same."""
        kind = EventKind.SKIPPED if node.abort_return == 0 else EventKind.REMOVED
        for part in list(work.running):
            if work.graph is not None and not work.graph.node_of(part.slice).final:
                self._wish(work, part, Wish(kind, f"Node {node.name} ended the workflow."), now)

    def _gets_another_try(self, work: Work, part: Part, outcome: Outcome) -> bool:
        if work.graph is not None:
            node = work.graph.node_of(part.slice)
            return work.failures.get(part, 0) < node.retries and outcome.exit_code != node.retry_unless
        given_up = bool(work.failure) and not work.independent
        return not given_up and work.failures.get(part, 0) < work.task.retries

    def lost(self, attempt: str, part: Part, tries: int, now: float, reason: str = "") -> None:
        """The part is dead and has left no record: killed as somebody wished, or by no fault of its own."""
        work = self._runs(attempt, part, tries)
        if work is None:
            return
        wish = work.wishes.get(part, Wish(EventKind.EVICTED, reason))
        self._emit(work, wish.kind, now, part, tries=tries, code=wish.code, reason=wish.reason)
        self._settle(work, now)

    def _runs(self, attempt: str, part: Part, tries: int) -> Work | None:
        work = self.works.get(attempt)
        run = work.running.get(part) if work else None
        return work if run and run.tries == tries else None

    # -- what people ask for

    def hold(self, selection: Selection, code: int, reason: str, now: float) -> None:
        wish = Wish(EventKind.HELD, reason, code)
        self._end_early(selection, (WAITING,), wish, now)

    def remove(self, selection: Selection, reason: str, now: float) -> None:
        wish = Wish(EventKind.REMOVED, reason)
        self._end_early(selection, (WAITING, HELD), wish, now)

    def _end_early(self, selection: Selection, idle: Sequence[SliceState], wish: Wish, now: float) -> None:
        work = self.works.get(selection.attempt)
        if work is None or work.finished:
            return
        for stage in _stages(work, selection):
            for first, count in list(stage.runs(idle, selection.slices)):
                part = Part(stage.name, first)
                self._emit(work, wish.kind, now, part, count=count, code=wish.code, reason=wish.reason)
        for part in _running(work, selection):
            self._wish(work, part, wish, now)
        self._settle(work, now)

    def _wish(self, work: Work, part: Part, wish: Wish, now: float, *, hard: bool = False) -> None:
        before = work.wishes.get(part)
        if before is not None and before.kind == EventKind.REMOVED:
            return
        data = {**part._asdict(), **vars(wish)}
        self._note(work, Note("wish", work.token, now, data))
        self._actions.append(Kill(work.token, part, hard))

    def hold_at_limit(self, attempt: str, part: Part, code: int, reason: str, now: float) -> None:
        work = self.works[attempt]
        if part in work.running and part not in work.wishes:
            self._wish(work, part, Wish(EventKind.HELD, reason, code), now, hard=True)

    def release(self, selection: Selection, now: float) -> None:
        work = self.works.get(selection.attempt)
        if work is None or work.finished:
            return
        for stage in _stages(work, selection):
            for first, count in list(stage.runs((HELD,), selection.slices)):
                self._emit(work, EventKind.RELEASED, now, Part(stage.name, first), count=count)
        for part in _running(work, selection):
            if part in work.wishes:
                self._wish(work, part, Wish(EventKind.EVICTED, "held and released"), now)
        self._settle(work, now)

    def change(self, selection: Selection, resources: Resources, now: float) -> None:
        work = self.works.get(selection.attempt)
        if work is None or work.finished:
            return
        for stage in _stages(work, selection):
            data = {"step": stage.name, "slices": selection.slices, "resources": asdict(resources)}
            self._note(work, Note("change", work.token, now, data))

    # -- parts ask for subjobs

    def ask(self, attempt: str, part: Part, tries: int, request: Mapping[str, Any], now: float) -> None:
        """Asking again (after a daemon died) changes nothing, and brings the answer if there is one."""
        work = self._runs(attempt, part, tries)
        if work is None:
            return
        name = str(request["id"])
        known = work.requests.get(name)
        if known is None:
            self._emit(work, EventKind.REQUEST, now, part, tries=tries, data=request)
        elif known.answer is not None and work.running[part].parked:
            self._let_go_on(attempt, name)
        elif known.answer is not None:
            self._actions.append(Deliver(attempt, name, known.answer))

    def answer(self, attempt: str, name: str, answer: Mapping[str, Any], now: float) -> None:
        request = self._request(attempt, name)
        if request is None or request.answer is not None:
            return
        self._note(self.works[attempt], Note("answer", attempt, now, {"id": name, "answer": answer}))
        self._let_go_on(attempt, name)

    def _let_go_on(self, attempt: str, name: str) -> None:
        if (attempt, name) not in self._answered:
            self._answered.append((attempt, name))

    def _request(self, attempt: str, name: str) -> Request | None:
        work = self.works.get(attempt)
        return work.requests.get(name) if work else None

    # -- what follows from what has happened

    def _settle(self, work: Work, now: float) -> None:
        if work.finished:
            return
        self._skip(work, now)
        if not work.running and all(stage.ended == len(stage) for stage in work.stages):
            self._finish(work, now)
        elif work.ready:
            self._turns.add(work.token, work.task.priority)

    def _skip(self, work: Work, now: float) -> None:
        if work.graph is not None:
            self._skip_nodes(work, work.graph, now)
            return
        stage = work.stage
        if stage and work.finished_early and stage.name == ANALYSIS:
            self._skip_stage(work, stage, "the script finished early", now)
            stage = work.stage
        if stage is None or not stage.count(SliceState.FAILED, SliceState.REMOVED):
            return
        if work.independent and stage.ended < len(stage):
            return
        for later in work.stages[work.stages.index(stage) :]:
            self._skip_stage(work, later, f"{stage.name} did not end well", now)

    def _skip_nodes(self, work: Work, graph: Graph, now: float) -> None:
        stage = work.stages[0]
        for node, reason in list(graph.doomed(work.ended_by)):
            mine = range(node.first, node.first + node.slices)
            for first, count in list(stage.runs((WAITING, HELD), mine)):
                part = Part(stage.name, first)
                self._emit(work, EventKind.SKIPPED, now, part, count=count, reason=reason)

    def _skip_stage(self, work: Work, stage: Stage, reason: str, now: float) -> None:
        for first, count in list(stage.runs((WAITING, HELD))):
            self._emit(work, EventKind.SKIPPED, now, Part(stage.name, first), count=count, reason=reason)

    def _finish(self, work: Work, now: float) -> None:
        well = all(stage.ended_well for stage in work.stages)
        reason = "" if well else work.failure or "removed"
        self._emit(work, EventKind.FINISHED, now, data={"ok": well, "reason": reason})
        self.unfinished.discard(work.token)
        self._actions.append(Dismiss(work.token))

    def recover(self, now: float) -> None:
        """After the replay: what the last daemon had no time for."""
        self.unfinished = {token for token, work in self.works.items() if not work.finished}
        for token in sorted(self.unfinished):
            self.accept(token, now)

    # -- records

    def _emit(self, work: Work, kind: EventKind, now: float, part: Part = NO_PART, **values: Any) -> None:
        event = Event(kind, work.token, now, step=part.step, slice=part.slice, **values)
        self._records.append((work.segment, event))
        work.apply(event)
        self._note_whether_busy(work)

    def _note(self, work: Work, note: Note) -> None:
        self._records.append((work.segment, note))
        work.apply(note)

    def _note_whether_busy(self, work: Work) -> None:
        if work.running:
            self.busy.add(work.token)
        else:
            self.busy.discard(work.token)


def _node_that_ends_it(work: Work, part: Part, outcome: Outcome) -> Node | None:
    """The part's node, if by ending so it ends all of its workflow."""
    node = work.graph.node_of(part.slice) if work.graph else None
    ends = node is not None and node.abort_on is not None and outcome.exit_code == node.abort_on
    return node if ends and not outcome.signal else None


def _said_of_end(outcome: Outcome, ends: Node | None) -> dict[str, Any]:
    early = {"finished_early": True} if outcome.finished_early else {}
    return {**early, **({"ended_by": ends.name} if ends else {})}


def _stages(work: Work, selection: Selection) -> list[Stage]:
    return [stage for stage in work.stages if selection.step in ("", stage.name)]


def _running(work: Work, selection: Selection) -> list[Part]:
    return [
        part
        for part in work.running
        if selection.step in ("", part.step) and (not selection.slices or part.slice in selection.slices)
    ]
