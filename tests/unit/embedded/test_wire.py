from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as some

from jobs_app.pools.base import Event, EventKind, Refused, Resources, Sending, Step, Task
from jobs_app.pools.embedded.wire import Lines, Note, read_record, read_sending, record_line, sending_message


def test_an_event_comes_back_as_it_was() -> None:
    event = Event(EventKind.ENDED, "a", 1.5, step="run", slice=3, exit_code=0, memory_mb=12, data={"x": [1]})
    assert read_record(record_line(event)) == event


def test_what_has_its_default_takes_no_room() -> None:
    line = record_line(Event(EventKind.STARTED, "a", 1.5, step="run"))
    assert json.loads(line) == {"kind": "started", "attempt": "a", "at": 1.5, "step": "run"}


def test_an_exit_code_of_zero_is_told() -> None:
    event = Event(EventKind.ENDED, "a", 1.0, exit_code=0)
    assert read_record(record_line(event)) == event


def test_a_note_comes_back_as_it_was() -> None:
    note = Note("answer", "a", 2.0, {"id": "r", "answer": {"job": "x-1"}})
    assert read_record(record_line(note)) == note


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{",
        b"[]",
        b"3",
        b"null",
        b'{"kind":"nonsense"}',
        b'{"kind":"ended","x":1}',
        b"\xff",
        b'{"note":1}',
    ],
)
def test_a_torn_line_is_no_record(line: bytes) -> None:
    assert read_record(line) is None


def test_no_beginning_of_a_line_is_a_record() -> None:
    line = record_line(Event(EventKind.ENDED, "a", 1.5, step="run", data={"x": {"y": "}"}}))
    assert [read_record(line[:end]) for end in range(len(line) - 1)] == [None] * (len(line) - 1)


def test_a_batch_comes_back_as_it_was() -> None:
    task = Task(
        "a",
        1,
        2,
        "/job",
        (Step("run", 3),),
        executable="/bin/true",
        arguments=(("x", "y"), ("z",)),
        environment={"A": "b"},
        inputs=("/in",),
        resources=Resources(cpus=2, memory_mb=5),
        retries=1,
        attributes={"k": 1},
    )
    sending = Sending("token", "segment", (task,))
    assert read_sending(json.loads(json.dumps(sending_message(sending)))) == sending


@pytest.mark.parametrize(
    "message", [{}, {"token": "a", "segment": "b", "tasks": 3}, {"tasks": [{"steps": [1]}]}]
)
def test_what_is_no_batch_is_refused(message: dict[str, object]) -> None:
    with pytest.raises(Refused, match="no batch"):
        read_sending(message)


@given(some.lists(some.binary().map(lambda data: data.replace(b"\n", b" "))), some.integers(1, 7))
def test_lines_are_cut_wherever_the_pieces_end(lines: list[bytes], size: int) -> None:
    data = b"".join(line + b"\n" for line in lines)
    cutter = Lines()
    pieces = [data[at : at + size] for at in range(0, len(data), size)]
    assert [line for piece in pieces for line in cutter.feed(piece)] == lines
