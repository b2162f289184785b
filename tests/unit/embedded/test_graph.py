"""Which nodes of a workflow may run here, and which never will; also as a restarted daemon sees it."""

from __future__ import annotations

from jobs_app.pools.base import Event, EventKind, Node, Step, Task
from jobs_app.pools.embedded.checkpoint import dump
from jobs_app.pools.embedded.plan import Outcome, Plan, Start
from jobs_app.pools.embedded.wire import Note, read_task, task_message
from jobs_app.pools.embedded.work import Part
from jobs_app.states import SliceState

TOKEN = "a" * 32


def task(*nodes: Node, **known: object) -> Task:
    steps = (Step("run", sum(node.slices for node in nodes)),)
    return Task(TOKEN, 1, 1, "/job", steps, nodes=nodes, **known)  # type: ignore[arg-type]


class Pool:
    """A plan, and all that it has recorded."""

    def __init__(self, of: Task, slots: int = 8) -> None:
        self.task = of
        self.plan = Plan(slots)
        self.plan.add("batch", "segment", of)
        self.plan.accept(TOKEN, 0.0)
        self.records: list[Event | Note] = []
        self.started: list[int] = []
        self.turn()

    def turn(self) -> list[int]:
        self.plan.start(0.0)
        records, actions = self.plan.take()
        self.records += [record for _, record in records]
        fresh = [action.part.slice for action in actions if isinstance(action, Start)]
        self.started += fresh
        return fresh

    def end(self, sliceno: int, exit_code: int = 0) -> list[int]:
        part = Part("run", sliceno)
        self.plan.ended(TOKEN, part, self.plan.works[TOKEN].running[part].tries, Outcome(exit_code))
        return self.turn()

    @property
    def states(self) -> list[str]:
        return [SliceState(state).name for state in self.plan.works[TOKEN].stages[0].states]


def test_a_node_begins_when_all_its_parents_have_ended_well() -> None:
    pool = Pool(task(Node("a", 0), Node("b", 1, 2, parents=("a",)), Node("c", 3, parents=("a", "b"))))
    assert pool.started == [0]
    assert pool.end(0) == [1, 2]
    assert pool.end(2) == []
    assert pool.end(1) == [3]


def test_what_a_failed_node_keeps_from_running_is_skipped_at_once() -> None:
    pool = Pool(task(Node("a", 0), Node("b", 1), Node("c", 2, parents=("a",)), Node("d", 3, parents=("c",))))
    pool.end(0, exit_code=1)
    assert pool.states == ["FAILED", "RUNNING", "SKIPPED", "SKIPPED"]
    pool.end(1)
    assert [record.kind for record in pool.records if isinstance(record, Event)][-1] == EventKind.FINISHED


def test_the_more_urgent_goes_first_and_a_category_is_throttled() -> None:
    nodes = (
        Node("a", 0, category="few"),
        Node("b", 1, category="few", priority=5),
        Node("c", 2, 2, category="few"),
        Node("d", 4),
    )
    pool = Pool(task(*nodes, throttles={"few": 1}))
    assert pool.started == [1, 4]
    assert pool.end(1) == [0]
    assert pool.end(0) == [2, 3]


def test_the_final_node_runs_last_whatever_became_of_the_others() -> None:
    pool = Pool(task(Node("a", 0), Node("b", 1, parents=("a",)), Node("z", 2, final=True)))
    assert pool.end(0, exit_code=1) == [2]


def test_a_node_that_ends_the_workflow_is_remembered_by_the_next_daemon() -> None:
    nodes = (Node("a", 0, abort_on=7, abort_return=0), Node("b", 1), Node("c", 2, parents=("b",)))
    pool = Pool(task(*nodes))
    pool.end(0, exit_code=7)
    assert pool.states == ["DONE", "RUNNING", "SKIPPED"]
    again = Plan(8)
    again.add("batch", "segment", read_task(task_message(pool.task)))
    for record in pool.records:
        again.replay(record)
    assert again.works[TOKEN].ended_by == "a"
    assert dump(again.works[TOKEN]) == dump(pool.plan.works[TOKEN])


def test_a_task_comes_through_the_wire_as_it_was() -> None:
    known = Node("a", 0, arguments=(("x", "y"),), asks=(("b", "*"),), inputs=("/x",), retry_unless=3)
    sent = task(known, throttles={"few": 1})
    assert read_task(task_message(sent)) == sent
