"""A real HTCondor, reached over SSH through the verbs that every pool has."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from jobs_app import conf
from jobs_app.jobdir import facts
from jobs_app.jobdir.layout import JobPaths
from jobs_app.pools.base import (
    Event,
    EventKind,
    PoolUnreachable,
    Refused,
    Resources,
    Selection,
    Sending,
    Step,
    Task,
)
from jobs_app.pools.condor import CondorPool
from jobs_app.pools.condor.opening import AccountAt, open_condor
from jobs_app.pools.condor.templates import finder
from jobs_app.pools.shell import LocalShell
from jobs_app.pools.shell.base import Running
from jobs_app.states import SliceState
from tests.pool.pool import TestPool

pytestmark = pytest.mark.pool

SECONDS = 90.0

PROGRAM = """#!/bin/sh
echo "slice $ROOST_SLICE of $ROOST_SLICES got $1 and [$2]"
cat numbers.txt
echo "and a complaint" >&2
case $ROOST_SLICE in
    3) exit 3 ;;
    4) kill -9 $$ ;;
esac
mkdir -p tables
echo "$1 squared is $(($1 * $1))" > "tables/$1.txt"
echo "$ROOST_SLICE" > who.txt
"""


@pytest.fixture
def account(condor_pool: TestPool) -> AccountAt:
    return AccountAt(
        condor_pool.host, condor_pool.user, condor_pool.port, str(condor_pool.key), condor_pool.host_key
    )


@pytest.fixture
def open_pool(account: AccountAt) -> Iterator[Callable[[], CondorPool]]:
    opened: list[CondorPool] = []

    def opener() -> CondorPool:
        opened.append(open_condor(account, "roost", conf.submit_folders()))
        return opened[-1]

    yield opener
    for pool in opened:
        pool.close()


@pytest.fixture
def pool(open_pool: Callable[[], CondorPool]) -> CondorPool:
    return open_pool()


@pytest.fixture
def task(tmp_path: Path) -> Task:
    """Five slices of a program: slice 3 exits with 3, slice 4 is killed."""
    program, numbers = tmp_path / "square.sh", tmp_path / "numbers.txt"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    numbers.write_text("one two three\n")
    directory = tmp_path / "job"
    directory.mkdir()
    return Task(
        attempt=secrets.token_hex(16),
        job=42,
        number=1,
        directory=str(directory),
        steps=(Step("run", 5),),
        executable=str(program),
        arguments=tuple((str(number), f'it\'s "{number}", $HOME %41 ü;') for number in range(5)),
        environment={"GREETING": "two\nlines"},
        inputs=(str(numbers),),
        resources=Resources(memory_mb=64),
    )


def sending(*tasks: Task) -> Sending:
    return Sending(secrets.token_hex(16), f"test-{secrets.token_hex(4)}", tasks)


def follow(
    pool: CondorPool, segment: str, until: Callable[[list[Event]], bool], offset: int = 0
) -> tuple[list[Event], int]:
    """All events until they are enough."""
    events: list[Event] = []
    deadline = time.monotonic() + SECONDS
    while not until(events):
        assert time.monotonic() < deadline, f"only these came: {events}"
        found = pool.follow(segment, offset, 1.0)
        events += found.events
        offset = found.offset
    return events, offset


def finished(events: list[Event]) -> bool:
    return any(event.kind == EventKind.FINISHED for event in events)


def of_kind(events: list[Event], kind: EventKind) -> list[Event]:
    return sorted((event for event in events if event.kind == kind), key=lambda event: event.slice)


def test_a_cluster_runs_to_its_end_and_its_results_come_home(
    pool: CondorPool, task: Task, tmp_path: Path
) -> None:
    before = time.time()
    batch = sending(task)
    sent = pool.send(batch)
    events, _ = follow(pool, batch.segment, finished)

    assert sent.remote_id.isdigit()
    assert events[0].kind == EventKind.ACCEPTED
    assert {event.host.partition(".")[0] for event in of_kind(events, EventKind.STARTED)} <= {
        "exec1",
        "exec2",
    }
    ends = [(event.slice, event.exit_code, event.signal) for event in of_kind(events, EventKind.ENDED)]
    assert ends == [(0, 0, None), (1, 0, None), (2, 0, None), (3, 3, None), (4, None, 9)]
    assert events[-1].kind == EventKind.FINISHED
    assert events[-1].data == {"ok": False, "reason": "2 of 5 slices failed."}
    assert all(before - 2 < event.at < time.time() + 2 for event in events)

    home = Path(task.directory)
    assert pool.fetch(task, home)
    assert (home / "tables" / "2.txt").read_text() == "2 squared is 4\n"
    assert (home / "OUTPUT" / "1").read_text() == (
        'slice 1 of 5 got 1 and [it\'s "1", $HOME %41 ü;]\none two three\nand a complaint\n'
    )
    assert (home / "slices" / "2" / "who.txt").read_text() == "2\n"
    states = [fact and (fact.state, fact.exit_code, fact.signal) for fact in read_facts(home, 5)]
    done = (SliceState.DONE, 0, 0)
    assert states == [done, done, done, (SliceState.FAILED, 3, 0), (SliceState.FAILED, 0, 9)]


def read_facts(home: Path, count: int) -> list[facts.Fact | None]:
    return list(facts.read_range(JobPaths(home).attempt(1).facts, "run", 0, count))


def test_what_is_sent_twice_is_submitted_once(
    pool: CondorPool, task: Task, open_pool: Callable[[], CondorPool]
) -> None:
    batch = sending(task)
    sent = pool.send(batch)
    assert pool.send(batch) == sent
    another = open_pool()
    assert another.look(batch.token) == sent
    assert another.send(batch) == sent
    follow(pool, batch.segment, finished)
    assert another.send(batch) == sent
    assert another.look(batch.token) == sent


def test_a_batch_that_was_never_sent_is_not_there(pool: CondorPool, task: Task) -> None:
    batch = sending(task)
    assert pool.look(batch.token) is None
    assert pool.send(batch) == pool.look(batch.token)
    pool.remove(Selection(task.attempt), "enough seen")


def test_what_was_composed_before_a_look_that_found_nothing_can_never_be_submitted(
    pool: CondorPool, task: Task, open_pool: Callable[[], CondorPool]
) -> None:
    batch = sending(task)
    assert open_pool().look(batch.token) is None
    with pytest.raises(PoolUnreachable, match="did not get through"):
        pool.send(batch)  # it knows nothing of that look, as if it had been delayed on its way
    assert pool.look(batch.token) is None


def test_a_submit_whose_record_was_lost_is_found_in_the_queue(
    pool: CondorPool, task: Task, condor_pool: TestPool, open_pool: Callable[[], CondorPool]
) -> None:
    batch = sending(task)
    sent = pool.send(batch)
    condor_pool.run("rm", f"/home/roost/roost/sent/{batch.token}/0.0.done")
    assert open_pool().send(batch) == sent
    follow(pool, batch.segment, finished)
    condor_pool.run("rm", f"/home/roost/roost/sent/{batch.token}/0.0.done")
    assert open_pool().look(batch.token) == sent  # by now in the history


def test_another_accounts_job_that_looks_like_ours_is_not_taken_for_it(
    pool: CondorPool, task: Task, condor_pool: TestPool
) -> None:
    """Attributes are for everybody to read and to set; a plan's name is also one of a file."""
    batch = sending(task)
    for plan in (f"{batch.token}.0", "../../../.ssh/x", f"{batch.token}.../../x"):
        imitate(condor_pool, batch.token, plan)
    assert pool.look(batch.token) is None
    sent = pool.send(batch)
    owner = condor_pool.run("condor_q", "-allusers", sent.remote_id, "-af", "Owner").split()
    assert set(owner) == {condor_pool.user}
    pool.remove(Selection(task.attempt), "enough seen")
    assert "x.0" not in condor_pool.run("find", "/home/roost", "-newer", "/proc/1", "-name", "*x.0*")


def imitate(condor_pool: TestPool, token: str, plan: str) -> None:
    lines = [
        "executable = /bin/true",
        "transfer_executable = false",
        "hold = true",
        f'MY.RoostBatch = "{token}"',
    ]
    lines += [f'MY.RoostPlan = "{plan}"', "MY.RoostGroup = 0", "queue"]
    text = "\\n".join(lines)
    condor_pool.run("sh", "-c", f"cd /tmp && printf '{text}\\n' | condor_submit -terse", user="games")


def test_a_reader_that_begins_in_the_middle_says_the_same(
    pool: CondorPool, task: Task, open_pool: Callable[[], CondorPool]
) -> None:
    batch = sending(task)
    pool.send(batch)
    first, offset = follow(pool, batch.segment, lambda events: bool(of_kind(events, EventKind.ENDED)))
    rest, _ = follow(open_pool(), batch.segment, lambda events: finished(first + events), offset)
    whole, _ = follow(open_pool(), batch.segment, finished)
    assert first + rest == whole


def test_many_jobs_go_in_one_cluster(pool: CondorPool, task: Task) -> None:
    tasks = [replace(task, attempt=secrets.token_hex(16), job=number) for number in range(20)]
    batch = sending(*tasks)
    sent = pool.send(batch)
    assert sent.remote_id.isdigit()
    snapshots = pool.query([each.attempt for each in tasks])
    assert {len(each.slices["run"]) for each in snapshots.values()} == {5}
    assert len(snapshots) == 20
    for each in tasks:
        pool.remove(Selection(each.attempt), "not needed")
    events, _ = follow(pool, batch.segment, lambda events: len(of_kind(events, EventKind.FINISHED)) == 20)
    assert {event.attempt for event in of_kind(events, EventKind.FINISHED)} == {
        each.attempt for each in tasks
    }


def test_a_held_slice_says_so_and_goes_on_when_it_is_released(pool: CondorPool, task: Task) -> None:
    batch = sending(replace(task, executable="/bin/sleep", arguments=(("1",),)))
    pool.send(batch)
    pool.hold(Selection(task.attempt, "run", (1, 2)), "alice wants to look")
    events, offset = follow(pool, batch.segment, lambda events: len(of_kind(events, EventKind.HELD)) == 2)
    assert {(event.slice, event.code) for event in of_kind(events, EventKind.HELD)} == {(1, 1), (2, 1)}
    assert "alice wants to look" in of_kind(events, EventKind.HELD)[0].reason
    pool.release(Selection(task.attempt))
    events, _ = follow(pool, batch.segment, finished, offset)
    assert events[-1].data["ok"]


def test_removing_what_is_gone_is_no_error(pool: CondorPool, task: Task) -> None:
    batch = sending(replace(task, executable="/bin/sleep", arguments=(("60",),)))
    pool.send(batch)
    pool.remove(Selection(task.attempt), "alice stopped it")
    events, _ = follow(pool, batch.segment, finished)
    assert len(of_kind(events, EventKind.REMOVED)) == 5
    pool.remove(Selection(task.attempt), "alice stopped it")
    assert pool.query([task.attempt])[task.attempt].finished


def test_a_retried_slice_ends_only_once_for_good(pool: CondorPool, task: Task) -> None:
    batch = sending(replace(task, executable="/bin/false", arguments=(), steps=(Step("run", 1),), retries=1))
    pool.send(batch)
    events, _ = follow(pool, batch.segment, finished)
    assert [event.will_retry for event in of_kind(events, EventKind.ENDED)] == [True, False]


def test_a_program_that_is_not_there_fails_and_says_so(pool: CondorPool, task: Task) -> None:
    batch = sending(replace(task, executable="no-such-program", steps=(Step("run", 1),), arguments=()))
    pool.send(batch)
    events, _ = follow(pool, batch.segment, finished)
    assert [event.exit_code for event in of_kind(events, EventKind.ENDED)] == [127]
    pool.fetch(task, Path(task.directory))
    assert "no-such-program cannot be run" in (Path(task.directory) / "OUTPUT" / "0").read_text()


def test_what_condor_refuses_is_refused_in_its_own_words(pool: CondorPool, task: Task) -> None:
    batch = sending(replace(task, attributes={"requirements": "((("}))
    with pytest.raises(Refused, match=r"[Rr]equirements"):
        pool.send(batch)
    assert pool.look(batch.token) is None


def test_what_is_refused_in_company_takes_nobody_along(
    pool: CondorPool, task: Task, condor_pool: TestPool
) -> None:
    good = [replace(task, attempt=secrets.token_hex(16), retries=number) for number in range(2)]
    bad = replace(task, attempt=secrets.token_hex(16), attributes={"requirements": "((("})
    batch = sending(good[0], bad, good[1])
    sent = pool.send(batch)
    assert list(sent.refused) == [bad.attempt]
    assert "requirements" in sent.refused[bad.attempt].lower()
    assert len(sent.remote_id.split(",")) == 2
    assert pool.send(batch) == pool.look(batch.token) == sent
    events, _ = follow(pool, batch.segment, lambda events: len(of_kind(events, EventKind.FINISHED)) == 2)
    assert {event.attempt for event in events} == {each.attempt for each in good}


DYING = """
cd /usr/bin && mv condor_submit condor_submit.real && cat > condor_submit <<'END'
#!/bin/sh
echo x >> /tmp/calls
[ $(wc -l < /tmp/calls) -eq 1 ] || kill -9 0
exec /usr/bin/condor_submit.real "$@"
END
chmod +x condor_submit
"""


@pytest.fixture
def dying_submit(condor_pool: TestPool) -> Iterator[None]:
    """The second call of condor_submit kills all that belongs to its command."""
    condor_pool.run("sh", "-c", DYING, user="root")
    yield
    condor_pool.run(
        "sh", "-c", "cd /usr/bin && mv condor_submit.real condor_submit; rm /tmp/calls", user="root"
    )


@pytest.mark.usefixtures("dying_submit")
def test_what_goes_on_after_a_look_leaves_out_what_was_taken_or_stopped(
    pool: CondorPool, task: Task, condor_pool: TestPool, open_pool: Callable[[], CondorPool]
) -> None:
    """The first of three clusters was submitted when the sending died; then the second job was stopped."""
    tasks = [replace(task, attempt=secrets.token_hex(16), retries=number) for number in range(3)]
    batch = sending(*tasks)
    with pytest.raises(PoolUnreachable):
        pool.send(batch)
    condor_pool.run(
        "sh", "-c", "echo > /tmp/calls; sed -i 's/-eq 1/-ne 0/' /usr/bin/condor_submit", user="root"
    )
    fresh = open_pool()
    assert fresh.look(batch.token) is None
    sent = fresh.send(replace(batch, tasks=(tasks[0], tasks[2])))
    assert len(sent.remote_id.split(",")) == 2
    events, _ = follow(fresh, batch.segment, lambda events: len(of_kind(events, EventKind.FINISHED)) == 2)
    assert {event.attempt for event in events} == {tasks[0].attempt, tasks[2].attempt}
    assert fresh.look(batch.token) == sent


def test_an_input_that_is_there_already_does_not_travel_again(
    pool: CondorPool, task: Task, tmp_path: Path, condor_pool: TestPool
) -> None:
    big = tmp_path / "big.bin"
    big.write_bytes(secrets.token_bytes(1 << 20))
    steps = (Step("run", 1),)
    first = replace(task, executable="/bin/true", arguments=(), steps=steps, inputs=(str(big),))
    pool.send(sending(first))
    second = sending(replace(first, attempt=secrets.token_hex(16)))
    contents = "/home/roost/roost/files"
    before = condor_pool.run("ls", "-i", contents)
    pool.send(second)
    assert condor_pool.run("ls", "-i", contents) == before
    events, _ = follow(pool, second.segment, finished)
    assert events[-1].data["ok"]


class InsideAccessPoint(LocalShell):
    """As if Roost ran on the access point itself."""

    def __init__(self, pool: TestPool) -> None:
        host = pool.hosts["ap"]
        self._enter = ["nsenter", "-t", str(host.pid), "-m", "-u", "-i", "-n", "-p"]
        self._enter += ["runuser", "-u", pool.user, "--", "env", f"HOME=/home/{pool.user}"]

    def start(self, argv: Sequence[str]) -> Running:
        return super().start([*self._enter, *argv])


def test_a_schedd_on_the_same_machine_is_used_without_ssh(condor_pool: TestPool, task: Task) -> None:
    logins = condor_pool.logins()
    local = CondorPool(InsideAccessPoint(condor_pool), "roost", finder(conf.submit_folders()))
    batch = sending(task)
    sent = local.send(batch)
    events, _ = follow(local, batch.segment, finished)
    assert len(of_kind(events, EventKind.ENDED)) == 5
    local.fetch(task, Path(task.directory))
    assert (Path(task.directory) / "tables" / "2.txt").exists()
    assert local.look(batch.token) == sent
    local.forget([task.attempt])
    local.close()
    assert condor_pool.logins() == logins
