"""What clients and parts may ask the daemon for. Each verb takes a message and returns the answer."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from jobs_app.killpoints import reach

from ..base import Refused, Resources, Selection, Sending
from . import machine, node, waiting
from .checkpoint import packed
from .connection import Connection
from .journal import Journal
from .plan import Plan
from .wire import read_sending
from .work import Part

Message = Mapping[str, Any]
Answer = dict[str, Any]
_DONE: Answer = {"done": True}
BY_A_PERSON = 1  # HTCondor's code of a hold that somebody asked for


class Verbs:
    def __init__(self, plan: Plan, journal: Journal, drain: Callable[[], None]) -> None:
        self._plan, self._journal, self._drain = plan, journal, drain
        self._asking: dict[tuple[str, str], Connection] = {}
        self._verbs = {
            "send": self.send,
            "look": self.look,
            "query": self.query,
            "why_idle": self.why_idle,
            "hold": self.hold,
            "release": self.release,
            "remove": self.remove,
            "change": self.change,
            "answer": self.answer,
            "forget": self.forget,
        }

    def find(self, name: object) -> Callable[[Message], Answer] | None:
        return self._verbs.get(name) if isinstance(name, str) else None

    # -- batches

    def send(self, message: Message) -> Answer:
        self._plan.slots = max(1, int(message.get("slots", self._plan.slots)))
        sending = read_sending(message["sending"])
        if not self._journal.has(sending.token):
            self._refuse_known(sending)
            for task in sending.tasks:
                machine.check(task.resources, self._plan.slots, task.directory)
                for each in task.nodes:
                    machine.check(each.resources, self._plan.slots, task.directory)
                node.check(task)
            offset = self._journal.size(sending.segment)
            self._journal.keep(sending.token, {"offset": offset, "sending": message["sending"]})
            reach("pool.batch-kept")
            self._take_over(sending)
        return {"sent": sending.token}

    def _refuse_known(self, sending: Sending) -> None:
        names = [task.attempt for task in sending.tasks]
        double = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
        for name in sorted(double | (set(names) & self._plan.works.keys())):
            raise Refused(f"The attempt {name} was sent already. Send each attempt once.")

    def _take_over(self, sending: Sending) -> None:
        now = time.time()
        for task in sending.tasks:
            self._plan.add(sending.token, sending.segment, task)
            self._plan.accept(task.attempt, now)

    def look(self, message: Message) -> Answer:
        """What a dead sender said may lie in a socket still; only once that is read does None mean never."""
        token = message["token"]
        if not self._journal.has(token):
            self._drain()
        return {"sent": token if self._journal.has(token) else None}

    def forget(self, message: Message) -> Answer:
        batches = {}
        for token in message["attempts"]:
            if token in self._plan.works:
                batches[token] = self._plan.works[token].batch
                self._plan.forget(token)
        kept = {work.batch for work in self._plan.works.values()} if batches else set()
        for batch in set(batches.values()) - kept:
            self._journal.drop(batch)
            reach("pool.batch-dropped")
        if batches:
            self._journal.drop_old_segments({work.segment for work in self._plan.works.values()})
        return _DONE

    # -- attempts

    def query(self, message: Message) -> Answer:
        works = [self._plan.works[token] for token in message["attempts"] if token in self._plan.works]
        return {
            "snapshots": {
                work.token: {
                    "finished": work.finished,
                    "slices": {stage.name: packed(stage.states) for stage in work.stages},
                }
                for work in works
            }
        }

    def why_idle(self, message: Message) -> Answer:
        return {"why": {token: waiting.why_idle(self._plan, token) for token in message["attempts"]}}

    def hold(self, message: Message) -> Answer:
        self._plan.hold(_selection(message), BY_A_PERSON, str(message["reason"]), time.time())
        return _DONE

    def release(self, message: Message) -> Answer:
        self._plan.release(_selection(message), time.time())
        return _DONE

    def remove(self, message: Message) -> Answer:
        self._plan.remove(_selection(message), str(message["reason"]), time.time())
        return _DONE

    def change(self, message: Message) -> Answer:
        selection, resources = _selection(message), Resources(**message["resources"])
        if work := self._plan.works.get(selection.attempt):
            machine.check(resources, self._plan.slots, work.task.directory)
        self._plan.change(selection, resources, time.time())
        return _DONE

    # -- subjobs

    def ask(self, connection: Connection, message: Message) -> None:
        """A part asks; it is answered by `deliver`."""
        request = message["request"]
        self._asking[message["attempt"], str(request["id"])] = connection
        part = Part(message["step"], message["slice"])
        self._plan.ask(message["attempt"], part, message["tries"], request, time.time())

    def answer(self, message: Message) -> Answer:
        self._plan.answer(message["attempt"], message["request"], message["answer"], time.time())
        return _DONE

    def deliver(self, attempt: str, request: str, answer: Mapping[str, Any]) -> None:
        """To the part, if it is connected; else it will ask again."""
        connection = self._asking.pop((attempt, request), None)
        if connection is not None:
            connection.send({"answer": answer})

    def hung_up(self, connection: Connection) -> None:
        for key in [key for key, other in self._asking.items() if other is connection]:
            del self._asking[key]


def _selection(message: Message) -> Selection:
    attempt, step, slices = message["selection"]
    return Selection(attempt, step, tuple(slices))
