"""What a look at an access point finds, from what it says, in plain words and with a cure."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs_app.pools.base import (
    Event,
    EventKind,
    Events,
    PoolUnreachable,
    Selection,
    Sending,
    Sent,
    Task,
)
from jobs_app.pools.condor import checkup
from jobs_app.pools.condor.point import AccessPoint
from jobs_app.pools.findings import FAIL, OK, WARN, Finding
from jobs_app.pools.shell import Result, Shell

GIB = 1 << 20  # KiB

WELL = {
    "now": "",
    "user": "roost",
    "umask": "0022",
    "root": "/home/roost/roost",
    "rights": "700 roost",
    "space": f"{50 * GIB} {100 * GIB}",
    "writable": "yes",
    "condor": "$CondorVersion: 23.9.6 2024-08-08 BuildID: Debian $",
    "name": "2 0 10.0.0.1 ap",
    "schedd": "12 0 Total for all users: 0 jobs",
    "collector": "9 0 Total 8",
    "slots": "2 8 2048",
}


class Machine(Shell):
    name = "roost@ap:22"

    def __init__(self, **said: str | None) -> None:
        known = {**WELL, "now": f"{time.time():.3f}", **said}
        self._text = "\n".join(f"{name} {value}" for name, value in known.items() if value is not None)
        self.made = Result(0)

    def run(self, argv: Sequence[str], stdin: object = b"", timeout: float = 1.0) -> Result:
        if argv[0] == "true":
            return Result(0)
        return Result(0, self._text.encode()) if "checkup.sh" in argv[2][:60] else self.made


def findings(**said: str | None) -> dict[str, Finding]:
    return {found.what: found for found in checkup.examine(AccessPoint(Machine(**said), "roost"))}


def test_all_is_well() -> None:
    found = findings()
    assert {finding.level for finding in found.values()} == {OK}
    assert list(found) == [
        "connection",
        "folder",
        "space",
        "clock",
        "own name",
        "HTCondor",
        "schedd",
        "slots",
    ]
    assert found["HTCondor"].said == "23.9.6"
    assert found["slots"].said == "2 seen with 8 cores, the largest with 2048 MB"


@pytest.mark.parametrize(
    ("said", "what", "level", "words", "cure"),
    [
        ({"writable": None}, "folder", FAIL, "cannot be written", "owned by roost"),
        ({"root": "", "rights": ""}, "folder", FAIL, "cannot be written", "schedulers edit NAME --root"),
        ({"rights": "777 roost"}, "folder", FAIL, "has mode 777", "chmod 700"),
        ({"rights": "700 bob"}, "folder", FAIL, "belongs to bob", "chown roost"),
        ({"rights": "755 roost"}, "folder", WARN, "can be read by others", "chmod 700"),
        ({"space": f"{GIB} {100 * GIB}"}, "space", WARN, "1.0 GiB of 100.0 GiB", "Make room"),
        ({"space": "100 100000"}, "space", FAIL, "0.0 GiB", "Make room"),
        ({"space": ""}, "space", WARN, "df does not say", "Look"),
        ({"now": "1000000000.0"}, "clock", WARN, "differs by", "NTP"),
        ({"now": "soon"}, "clock", WARN, "does not tell the time", "GNU date"),
        ({"name": "5004 2 "}, "own name", WARN, "is not found", "/etc/hosts"),
        ({"name": "5004 0 10.0.0.1"}, "own name", WARN, "only after 5004 ms", "/etc/hosts"),
        ({"missing": "flock"}, "commands", FAIL, "not found: flock", "PATH"),
        ({"condor": ""}, "HTCondor", FAIL, "says nothing", "on which jobs are submitted"),
        ({"condor": "$CondorVersion: 8.8.1 x $"}, "HTCondor", WARN, "8.8.1", "has not been tried"),
        ({"schedd": "20000 1 Failed to connect"}, "schedd", FAIL, "Failed to connect", "administrator"),
        ({"collector": "5 1 Error: timed out"}, "slots", FAIL, "timed out", "administrator"),
        ({"slots": "0 0 0"}, "slots", FAIL, "No execute host", "wait for ever"),
    ],
)
def test_what_is_not_well_is_said_with_its_cure(
    said: dict[str, str | None], what: str, level: str, words: str, cure: str
) -> None:
    found = findings(**said)[what]
    assert (found.level, words in found.said, cure in found.cure) == (level, True, True), found


def test_an_access_point_that_says_nothing_that_can_be_read_is_not_taken_for_well() -> None:
    found = findings(**dict.fromkeys(WELL, None))
    assert {finding.level for finding in found.values()} == {OK, WARN, FAIL}
    assert [what for what, finding in found.items() if finding.level == OK] == ["connection"]


@pytest.mark.parametrize("name", WELL)
def test_garbage_is_no_finding_that_all_is_well_and_no_error(name: str) -> None:
    found = findings(**{name: "\x00 ~ {garbage}"})
    levels = {finding.level for finding in found.values()}
    assert levels <= {OK, WARN, FAIL}
    assert name in ("user", "umask", "root", "writable") or levels != {OK}


def test_a_folder_that_cannot_be_made_is_said_in_the_machine_s_words() -> None:
    machine = Machine()
    machine.made = Result(1, b"", b"mkdir: cannot create directory: No space left on device")
    found = checkup.examine(AccessPoint(machine, "roost"))
    assert (found[-1].level, "No space left" in found[-1].said) == (FAIL, True)
    assert [finding.what for finding in found].count("folder") == 1


# --- the test job ---------------------------------------------------------------------------------------


class Pool:
    """Says what it was told to say."""

    def __init__(self, *kinds: EventKind, home: str = "", refuses: str = "", exit_code: int = 0) -> None:
        self.kinds, self.home, self.refuses, self.exit_code = kinds, home, refuses, exit_code
        self.forgotten: list[str] = []

    def send(self, sending: Sending) -> Sent:
        self.attempt = sending.tasks[0].attempt
        return Sent("1", {self.attempt: self.refuses} if self.refuses else {})

    def follow(self, segment: str, offset: int, wait: float = 0.0) -> Events:
        end = {"exit_code": self.exit_code, "reason": "no such file"}
        events = [Event(kind, self.attempt, 1.0, "run", **end) for kind in self.kinds[offset:]]  # type: ignore[arg-type]
        return Events(tuple(events), len(self.kinds))

    def fetch(self, task: Task, into: Path) -> bool:
        if self.home == "unreachable":
            raise PoolUnreachable("the link broke")
        (into / "token.txt").write_text(self.home or task.attempt)
        (into / "python.txt").write_text("3.13.5\n")
        (into / "host.txt").write_text("exec1\n")
        return True

    def remove(self, selection: Selection, reason: str) -> None: ...

    def forget(self, attempts: list[str]) -> None:
        self.forgotten += attempts


ACCEPTED, STARTED, ENDED, HELD, FINISHED = (
    *(EventKind.ACCEPTED, EventKind.STARTED, EventKind.ENDED, EventKind.HELD),
    EventKind.FINISHED,
)
WHOLE = (ACCEPTED, STARTED, ENDED, FINISHED)


@pytest.mark.parametrize(
    ("pool", "level", "words"),
    [
        (Pool(*WHOLE), OK, "ran on exec1 with Python 3.13.5, its result came back"),
        (Pool(*WHOLE, home="somebody else's"), FAIL, "its result did not come back"),
        (Pool(*WHOLE, home="unreachable"), FAIL, "the link broke"),
        (Pool(*WHOLE, exit_code=127), FAIL, "has failed (exit code 127"),
        (Pool(ACCEPTED, FINISHED), FAIL, "without an end"),
        (Pool(ACCEPTED, HELD), FAIL, "is held: no such file"),
        (Pool(refuses="ERROR: no such universe"), FAIL, "no such universe"),
        (Pool(ACCEPTED), WARN, "was accepted, but has not begun within 0 s"),
        (Pool(ACCEPTED, STARTED), WARN, "runs, but has not ended within 0 s"),
    ],
)
def test_how_a_test_job_went(pool: Pool, level: str, words: str, tmp_path: Path) -> None:
    (found,) = checkup.run_a_job(pool, tmp_path, 0.05)
    assert (found.level, words in found.said) == (level, True), found
    assert pool.forgotten == [pool.attempt]
