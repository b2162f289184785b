"""Stands for the courier in the tests of the pool alone: sends, follows, answers, and keeps what it heard.

It is a process of its own, because it may be killed as well. What it has heard and the offset are kept
together (one file, renamed), so that after its death it goes on where it was.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from jobs_app.killpoints import reach
from jobs_app.pools.base import Event, EventKind, Selection, Sending
from jobs_app.pools.embedded.client import EmbeddedPool
from jobs_app.pools.embedded.wire import read_record, read_sending, record_line

SEGMENT = "segment"


class Driver:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.pool = EmbeddedPool(root / "pool", slots=3)
        self.orders: dict[str, Any] = json.loads((root / "orders.json").read_text())
        self.kept = root / "kept.json"
        self.offset = 0
        self.events: list[Event] = []
        if self.kept.exists():
            self._restore(json.loads(self.kept.read_text()))

    def _restore(self, kept: dict[str, Any]) -> None:
        self.offset = kept["offset"]
        records = [read_record(line.encode()) for line in kept["events"]]
        self.events = [record for record in records if isinstance(record, Event)]

    def run(self) -> None:
        for message in self.orders["batches"]:
            sending = read_sending(message)
            if self.pool.look(sending.token) is None:
                self.pool.send(sending)
                reach("driver.sent")
        deadline = time.monotonic() + 75
        while not self._all_over():
            self._go_on()
            assert time.monotonic() < deadline, "not over in time"
        self._forget()

    def _forget(self) -> None:
        """All but one, after a last look at what the pool knows of them."""
        tokens = sorted({event.attempt for event in self.events})
        if not self._done("seen.json"):
            seen = self.pool.query(tokens)
            states = {
                token: {step: data.hex() for step, data in seen[token].slices.items()} for token in seen
            }
            (self.root / "seen.json").write_text(json.dumps(states))
        self.pool.forget([token for token in tokens if token != self.orders["hold"]])

    def _go_on(self) -> None:
        found = self.pool.follow(SEGMENT, self.offset, 0.2)
        self.offset = found.offset
        self.events += found.events
        self._keep()
        self._answer()
        self._hold_and_release()

    def _keep(self) -> None:
        lines = [record_line(event).decode() for event in self.events]
        beside = self.kept.with_suffix(".new")
        beside.write_text(json.dumps({"offset": self.offset, "events": lines}))
        reach("driver.before-keeping")
        beside.rename(self.kept)
        reach("driver.kept")

    def _answer(self) -> None:
        for event in self.events:
            if event.kind == EventKind.REQUEST:
                answer = {"job": "test-1", "path": str(self.root), "was_built": True}
                self.pool.answer(event.attempt, event.data["id"], answer)
                reach("driver.answered")

    def _hold_and_release(self) -> None:
        """Holds an attempt when its first slice has started, and lets it go when all of it is held."""
        token = self.orders["hold"]
        mine = [event for event in self.events if event.attempt == token]
        started = any(event.kind == EventKind.STARTED for event in mine)
        if started and not self._done("held"):
            self.pool.hold(Selection(token), "the driver says so")
            self._mark("held")
        if self._done("held") and not self._done("released"):
            self.pool.release(Selection(token))
            self._mark("released")

    def _done(self, what: str) -> bool:
        return (self.root / what).exists()

    def _mark(self, what: str) -> None:
        reach(f"driver.before-{what}")
        (self.root / what).touch()

    def _all_over(self) -> bool:
        over = {event.attempt for event in self.events if event.kind == EventKind.FINISHED}
        tokens = {task["attempt"] for batch in self.orders["batches"] for task in batch["tasks"]}
        return tokens <= over


def sendings(*batches: Sending) -> list[dict[str, Any]]:
    from jobs_app.pools.embedded.wire import sending_message

    return [sending_message(batch) for batch in batches]


if __name__ == "__main__":
    Driver(Path(sys.argv[1])).run()
