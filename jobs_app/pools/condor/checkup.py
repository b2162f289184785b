"""Whether everything that a job needs is there, in plain words: what was found, and what to do about it."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

from ..base import Event, EventKind, Events, PoolError, Resources, Selection, Sending, Sent, Step, Task
from ..findings import FAIL, OK, WARN, Finding
from .point import AccessPoint

OLDEST = (23, 0)  # of HTCondor, with which this is tried
LITTLE_SPACE, TOO_LITTLE_SPACE = 5 << 20, 200 << 10  # KiB
CLOCK_WARNS, SLOW_NAME = 5.0, 1000  # seconds; milliseconds
_SLOW_LINK = 1.0  # seconds


Said = Mapping[str, list[str]]


def examine(point: AccessPoint) -> list[Finding]:
    """Three commands: for the round trip, as before each job, and one that asks everything."""
    begin = time.monotonic()
    point.command("true")
    round_trip = time.monotonic() - begin
    made = point.run("hello.sh", point.root)
    asked = time.time()
    said = _read(point.run("checkup.sh", point.root).text)
    found = [_connection(point, said, round_trip), *_host(said, asked, round_trip), *_condor(said)]
    if made.exit != 0:
        found = [finding for finding in found if finding.what != "folder"]
        found.append(_no_folder(point.root, made.complaint))
    return found


def _no_folder(root: str, complaint: str) -> Finding:
    cure = "Make it there, owned by the account, or give another one: schedulers edit NAME --root FOLDER."
    return Finding(FAIL, "folder", f"{root} cannot be used: {complaint}", cure)


def _read(text: str) -> Said:
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        name, _, value = line.partition(" ")
        said.setdefault(name, []).append(value.strip())
    return said


def _first(said: Said, name: str) -> str:
    return said.get(name, [""])[0]


def _connection(point: AccessPoint, said: Said, seconds: float) -> Finding:
    text = f"{point.shell.name} answers as {_first(said, 'user')}, a command takes {seconds * 1000:.0f} ms"
    if seconds > _SLOW_LINK:
        return Finding(WARN, "connection", text, "The link is slow; sending and fetching will be, too.")
    return Finding(OK, "connection", text)


# --- the machine ------------------------------------------------------------------------------------------


def _host(said: Said, asked: float, round_trip: float) -> Iterator[Finding]:
    yield _root(said)
    if _first(said, "root") or _first(said, "space"):  # else that it is not there is all there is to say
        yield _space(said)
    yield _clock(said, asked, round_trip)
    yield _own_name(said)
    yield from _commands(said)


def _root(said: Said) -> Finding:
    root, user = _first(said, "root"), _first(said, "user")
    mode, _, owner = _first(said, "rights").partition(" ")
    if not root or "writable" not in said:
        cure = f"Make it, owned by {user}, or give another folder: schedulers edit NAME --root."
        return Finding(FAIL, "folder", f"{root or 'The folder for jobs'} cannot be written", cure)
    if owner != user or _number(mode, 8, 0o777) & 0o022:
        cure = f"chown {user} and chmod 700 it: who may write there can change what jobs run."
        return Finding(FAIL, "folder", f"{root} belongs to {owner} and has mode {mode}", cure)
    if _number(mode, 8) & 0o055:
        return Finding(WARN, "folder", f"{root} (mode {mode}) can be read by others", "chmod 700 it.")
    text = f"{root} is {user}'s own (mode {mode}, umask {_first(said, 'umask')})"
    return Finding(OK, "folder", text)


def _space(said: Said) -> Finding:
    free, _, whole = _first(said, "space").partition(" ")
    if not free.isdecimal() or not whole.isdecimal():
        return Finding(WARN, "space", "df does not say how much is free", "Look at it on the machine.")
    text = f"{int(free) / (1 << 20):.1f} GiB of {int(whole) / (1 << 20):.1f} GiB are free"
    if int(free) < TOO_LITTLE_SPACE:
        return Finding(FAIL, "space", text, "Make room: inputs and results of jobs lie there for a while.")
    if int(free) < LITTLE_SPACE:
        return Finding(WARN, "space", text, "Make room before large results come.")
    return Finding(OK, "space", text)


def _clock(said: Said, asked: float, round_trip: float) -> Finding:
    try:
        difference = float(_first(said, "now")) - asked - round_trip / 2
    except ValueError:
        return Finding(WARN, "clock", "date does not tell the time", "GNU date is needed.")
    text = f"differs by {abs(difference):.1f} s from the one here"
    if abs(difference) > CLOCK_WARNS:
        return Finding(WARN, "clock", text, "Times of jobs will look wrong. Let both set their clock (NTP).")
    return Finding(OK, "clock", text)


def _own_name(said: Said) -> Finding:
    milliseconds, code, _ = _timed(said, "name")
    if code == 0 and milliseconds < SLOW_NAME:
        return Finding(OK, "own name", f"is found within {milliseconds} ms")
    text = f"is found only after {milliseconds} ms" if code == 0 else "is not found by the machine itself"
    cure = "Put it into /etc/hosts there: the schedd looks it up at each submit, and stands still meanwhile."
    return Finding(WARN, "own name", text, cure)


def _commands(said: Said) -> Iterator[Finding]:
    missing = said.get("missing", [])
    if missing:
        cure = "Install them there, or put them on the account's PATH for commands over SSH."
        yield Finding(FAIL, "commands", f"not found: {', '.join(missing)}", cure)


# --- HTCondor ---------------------------------------------------------------------------------------------


def _condor(said: Said) -> Iterator[Finding]:
    yield _version(_first(said, "condor"))
    milliseconds, code, words = _timed(said, "schedd")
    if code == 0:
        yield Finding(OK, "schedd", f"answers within {milliseconds} ms: {words}")
    else:
        yield Finding(
            FAIL, "schedd", f"does not answer: {words}", "Ask its administrator; condor_q tells more."
        )
    yield _slots(said)


def _version(text: str) -> Finding:
    found = re.search(r"\b(\d+)\.(\d+)\.(\d+)\b", text)
    if not found:
        cure = "Is this the machine on which jobs are submitted? Is HTCondor on the account's PATH?"
        return Finding(FAIL, "HTCondor", "condor_version says nothing", cure)
    if (int(found[1]), int(found[2])) < OLDEST:
        cure = f"Older than {OLDEST[0]}.{OLDEST[1]} has not been tried. Update it."
        return Finding(WARN, "HTCondor", found[0], cure)
    return Finding(OK, "HTCondor", found[0])


def _slots(said: Said) -> Finding:
    _, code, words = _timed(said, "collector")
    numbers = _first(said, "slots").split()
    if code != 0 or len(numbers) != 3 or not numbers[0].isdecimal():
        return Finding(
            FAIL, "slots", f"The pool's collector does not answer: {words}", "Ask its administrator."
        )
    count, cpus, memory = numbers
    if count == "0":
        cure = "Jobs will wait for ever. Are the execute hosts up, and do they report to this collector?"
        return Finding(FAIL, "slots", "No execute host is seen", cure)
    return Finding(OK, "slots", f"{count} seen with {cpus} cores, the largest with {memory} MB")


def _timed(said: Said, name: str) -> tuple[int, int, str]:
    milliseconds, code, words = [*_first(said, name).split(" ", 2), "", "", ""][:3]
    return _number(milliseconds), _number(code, otherwise=1), words[:300]


def _number(text: str, base: int = 10, otherwise: int = 0) -> int:
    try:
        return int(text, base)
    except ValueError:
        return otherwise


# --- a job, end to end ------------------------------------------------------------------------------------

_PROGRAM = """#!/bin/sh
echo "$1" > token.txt
python3 -c 'import platform; print(platform.python_version())' > python.txt 2>/dev/null
hostname > host.txt
"""


class _Pool(Protocol):
    def send(self, sending: Sending) -> Sent: ...
    def follow(self, segment: str, offset: int, wait: float = 0.0) -> Events: ...
    def fetch(self, task: Task, into: Path) -> bool: ...
    def remove(self, selection: Selection, reason: str) -> None: ...
    def forget(self, attempts: list[str]) -> None: ...


def run_a_job(pool: _Pool, folder: Path, seconds: float) -> list[Finding]:
    """Sends a small program, waits for its end, and compares what comes back."""
    task = _task(folder)
    begin = time.monotonic()
    try:
        last = _ran(pool, task, seconds)
        return [_end(pool, task, folder, last, time.monotonic() - begin)]
    except PoolError as error:
        return [Finding(FAIL, "test job", str(error), "What the pool said is the reason.")]
    finally:
        _clear(pool, task)


def _task(folder: Path) -> Task:
    program = folder / "roost-check.sh"
    program.write_text(_PROGRAM)
    program.chmod(0o755)
    (folder / "job").mkdir()
    token = secrets.token_hex(16)
    return Task(
        attempt=token,
        job=0,
        number=1,
        directory=str(folder / "job"),
        steps=(Step("run"),),
        executable=str(program),
        arguments=((token,),),
        resources=Resources(memory_mb=64, disk_mb=16),
    )


def _ran(pool: _Pool, task: Task, seconds: float) -> list[Event]:
    """All that happened, until it ended or the time was up."""
    batch = Sending(secrets.token_hex(16), f"check-{secrets.token_hex(6)}", (task,))
    sent = pool.send(batch)
    if task.attempt in sent.refused:
        raise PoolError(sent.refused[task.attempt])
    events: list[Event] = []
    offset, deadline = 0, time.monotonic() + seconds
    while time.monotonic() < deadline and not _is_over(events):
        found = pool.follow(batch.segment, offset, 1.0)
        offset = found.offset
        events += found.events
    return events


def _is_over(events: list[Event]) -> bool:
    return any(event.kind in (EventKind.FINISHED, EventKind.HELD) for event in events)


def _end(pool: _Pool, task: Task, folder: Path, events: list[Event], seconds: float) -> Finding:
    known = {event.kind: event for event in events}
    if EventKind.HELD in known:
        return Finding(FAIL, "test job", f"is held: {known[EventKind.HELD].reason}", "The reason says what.")
    if EventKind.FINISHED not in known:
        where = "runs, but has not ended" if EventKind.STARTED in known else "was accepted, but has not begun"
        cure = "The pool may be busy; try again later, or look with condor_q -better-analyze."
        return Finding(WARN, "test job", f"{where} within {seconds:.0f} s", cure)
    ended = known.get(EventKind.ENDED)
    if ended is None or ended.exit_code != 0:
        how = f"exit code {ended.exit_code}, signal {ended.signal}" if ended else "without an end"
        return Finding(FAIL, "test job", f"has failed ({how})", _ABOUT_PYTHON)
    return _came_home(pool, task, folder, seconds)


_ABOUT_PYTHON = "The nodes need a python3 from 3.9 on; condor_history tells more."


def _came_home(pool: _Pool, task: Task, folder: Path, seconds: float) -> Finding:
    home = folder / "home"
    home.mkdir()
    pool.fetch(task, home)
    said = {path.stem: path.read_text().strip() for path in home.rglob("*.txt")}
    if said.get("token") != task.attempt:
        return Finding(FAIL, "test job", "ran, but its result did not come back", "Try again; then tell us.")
    where = f"ran on {said.get('host')} with Python {said.get('python') or 'unknown'}"
    return Finding(OK, "test job", f"{where}, its result came back and was checked: {seconds:.1f} s in all")


def _clear(pool: _Pool, task: Task) -> None:
    """What cannot be cleared away now goes with what nobody needs any more."""
    tidy: tuple[Callable[[], None], ...] = (
        lambda: pool.remove(Selection(task.attempt), "the check is over"),
        lambda: pool.forget([task.attempt]),
    )
    for each in tidy:
        try:
            each()
        except PoolError:
            return
