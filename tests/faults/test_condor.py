"""A real HTCondor whose link, hosts and logs break: nothing is submitted twice, nothing is lost."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from jobs_app import conf
from jobs_app.pools.base import (
    Event,
    EventKind,
    Events,
    Garbled,
    Node,
    PoolError,
    PoolUnreachable,
    Refused,
    Sending,
    Sent,
    Step,
    Task,
)
from jobs_app.pools.condor import CondorPool, kit
from jobs_app.pools.condor.opening import AccountAt, open_condor
from tests.pool.pool import TestPool
from tests.pool.relay import Relay
from tests.pool.waiting import wait_until

pytestmark = pytest.mark.pool

SECONDS = 120.0


@pytest.fixture
def relay(condor_pool: TestPool) -> Iterator[Relay]:
    relay = condor_pool.slow()
    yield relay
    relay.stop()


@pytest.fixture
def pool(condor_pool: TestPool, relay: Relay) -> Iterator[CondorPool]:
    account = AccountAt(relay.host, condor_pool.user, relay.port, str(condor_pool.key), condor_pool.host_key)
    pool = open_condor(account, "roost", conf.submit_folders())
    yield pool
    pool.close()


@pytest.fixture
def new_task(tmp_path: Path) -> Callable[..., Task]:
    def new(script: str = "exit 0", slices: int = 3) -> Task:
        program = tmp_path / f"program-{secrets.token_hex(4)}"
        program.write_text(f"#!/bin/sh\n{script}\n")
        ballast = tmp_path / "ballast"
        ballast.write_bytes(secrets.token_bytes(100_000))
        steps = (Step("run", slices),)
        return Task(
            secrets.token_hex(16), 1, 1, str(tmp_path), steps, executable=str(program), inputs=(str(ballast),)
        )

    return new


def patiently(act: Callable[[], Sent | None]) -> Sent | None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            return act()
        except PoolUnreachable:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def send_as_a_courier_does(pool: CondorPool, sending: Sending, relay: Relay) -> Sent:
    """After a failure it looks, and sends again only if the pool surely does not have it."""
    try:
        return pool.send(sending)
    except PoolUnreachable:
        relay.restore()
    found = patiently(lambda: pool.look(sending.token))
    if found is None:
        found = patiently(lambda: pool.send(sending))
    assert found is not None
    return found


def clusters_of(condor_pool: TestPool, sending: Sending) -> set[str]:
    constraint = f'RoostBatch == "{sending.token}"'
    queue = condor_pool.run("condor_q", "-constraint", constraint, "-af", "ClusterId")
    history = condor_pool.run("condor_history", "-constraint", constraint, "-af", "ClusterId")
    return set(queue.split() + history.split())


def follow(pool: CondorPool, segment: str, until: Callable[[list[Event]], bool]) -> list[Event]:
    """Goes on from the last offset, whatever breaks."""
    events: list[Event] = []
    offset = 0
    deadline = time.monotonic() + SECONDS
    while not until(events):
        assert time.monotonic() < deadline, f"only these came: {events}"
        try:
            found = pool.follow(segment, offset, 1.0)
        except PoolUnreachable:
            time.sleep(0.2)
            continue
        events += found.events
        offset = found.offset
    return events


def finished(events: list[Event]) -> bool:
    return any(event.kind == EventKind.FINISHED for event in events)


def ends(events: list[Event]) -> list[tuple[int, int | None]]:
    return sorted((event.slice, event.exit_code) for event in events if event.kind == EventKind.ENDED)


@pytest.mark.parametrize("up", [1, 5_000, 50_000, 100_000, 120_000, 125_000, 130_000])
def test_a_link_that_breaks_while_a_batch_goes_up_makes_no_second_cluster(
    pool: CondorPool, condor_pool: TestPool, relay: Relay, new_task: Callable[..., Task], up: int
) -> None:
    pool.look(secrets.token_hex(16))  # the connection is open, and the kit is known
    batch = Sending(secrets.token_hex(16), f"cut-{secrets.token_hex(4)}", (new_task(),))
    relay.cut_after(up=up)
    send_as_a_courier_does(pool, batch, relay)
    relay.restore()
    assert finished(follow(pool, batch.segment, finished))
    assert len(clusters_of(condor_pool, batch)) == 1


@pytest.mark.parametrize("down", [1, 60, 120, 200])
def test_a_link_that_breaks_before_the_answer_makes_no_second_cluster(
    pool: CondorPool, condor_pool: TestPool, relay: Relay, new_task: Callable[..., Task], down: int
) -> None:
    task = new_task()
    pool.send(Sending(secrets.token_hex(16), "warm-up", (new_task(),)))
    batch = Sending(secrets.token_hex(16), f"cut-{secrets.token_hex(4)}", (task,))
    relay.cut_after(down=down)
    send_as_a_courier_does(pool, batch, relay)
    relay.restore()
    events = follow(pool, batch.segment, finished)
    assert ends(events) == [(0, 0), (1, 0), (2, 0)]
    assert len(clusters_of(condor_pool, batch)) == 1


def test_a_frozen_access_point_that_wakes_up_late_submits_nothing_that_was_given_up(
    pool: CondorPool, condor_pool: TestPool, relay: Relay, new_task: Callable[..., Task]
) -> None:
    pool.send(Sending(secrets.token_hex(16), "warm-up", (new_task(),)))
    batch = Sending(secrets.token_hex(16), f"frozen-{secrets.token_hex(4)}", (new_task(),))
    condor_pool.freeze("ap")
    try:
        relay_cut_soon(relay)
        with pytest.raises(PoolUnreachable):
            pool.send(batch)
    finally:
        condor_pool.thaw("ap")
    relay.restore()
    sent = send_as_a_courier_does(pool, batch, relay)
    assert finished(follow(pool, batch.segment, finished))
    assert clusters_of(condor_pool, batch) == {sent.remote_id}


def relay_cut_soon(relay: Relay) -> None:
    import threading

    threading.Timer(1.0, relay.cut).start()


def test_an_access_point_that_loses_its_power_goes_on_where_it_was(
    pool: CondorPool, condor_pool: TestPool, relay: Relay, new_task: Callable[..., Task]
) -> None:
    batch = Sending(secrets.token_hex(16), f"power-{secrets.token_hex(4)}", (new_task("sleep 5"),))
    sent = pool.send(batch)
    follow(pool, batch.segment, lambda events: len(starts(events)) == 3)
    relay.cut()
    condor_pool.kill("ap")
    condor_pool.start("ap")
    condor_pool.wait_ready()
    relay.restore()
    assert patiently(lambda: pool.send(batch)) == sent
    events = follow(pool, batch.segment, finished)
    assert ends(events) == [(0, 0), (1, 0), (2, 0)]
    assert len(clusters_of(condor_pool, batch)) == 1


def test_slices_of_a_host_that_is_cut_off_run_again_elsewhere(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task], request: pytest.FixtureRequest
) -> None:
    if request.config.getoption("--faults") != "all":
        pytest.skip("HTCondor takes a minute to give up a host; `make faults` waits for it")
    batch = Sending(secrets.token_hex(16), f"host-{secrets.token_hex(4)}", (new_task("sleep 6", slices=8),))
    pool.send(batch)
    events = follow(pool, batch.segment, lambda events: len(starts(events)) == 8)
    assert {event.host for event in starts(events)} == {"exec1.pool.roost.test", "exec2.pool.roost.test"}
    condor_pool.cut("exec2")
    try:
        events = follow(pool, batch.segment, finished)
    finally:
        condor_pool.restore("exec2")
        condor_pool.wait_ready()
    assert ends(events) == [(number, 0) for number in range(8)]
    assert EventKind.EVICTED in {event.kind for event in events}


def starts(events: list[Event]) -> list[Event]:
    return [event for event in events if event.kind == EventKind.STARTED]


@pytest.mark.parametrize("damage", [": > {}", "rm {}"])
def test_an_event_log_that_was_damaged_is_an_error_and_no_end(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task], damage: str
) -> None:
    batch = Sending(secrets.token_hex(16), f"log-{secrets.token_hex(4)}", (new_task("sleep 2"),))
    pool.send(batch)
    offset = read_something(pool, batch.segment).offset
    condor_pool.run("sh", "-c", damage.format(f"/home/roost/roost/segments/{batch.segment}"))
    with pytest.raises(Garbled, match=r"not the file that it was|has only"):
        wait_until(lambda: read_on(pool, batch.segment, offset), 60, "the damage to be noticed")
    snapshot = wait_until(lambda: ended(pool, batch.tasks[0].attempt), SECONDS, "the queue to know the end")
    assert snapshot == b"\2\2\2"


def read_something(pool: CondorPool, segment: str) -> Events:
    return wait_until(lambda: (found := pool.follow(segment, 0, 1.0)).events and found, SECONDS, "an event")


def read_on(pool: CondorPool, segment: str, offset: int) -> None:
    try:
        pool.follow(segment, offset, 0.2)
    except PoolUnreachable:
        return


def ended(pool: CondorPool, attempt: str) -> bytes:
    try:
        snapshot = pool.query([attempt]).get(attempt)
    except PoolError:
        return b""
    return snapshot.slices["run"] if snapshot and snapshot.finished else b""


@pytest.mark.parametrize("effect", [":", '/usr/bin/condor_submit "$@" > /dev/null'])
def test_a_submit_that_ends_well_and_says_nothing_is_found_out_about(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task], effect: str
) -> None:
    pool.send(Sending(secrets.token_hex(16), "warm-up", (new_task(),)))
    batch = Sending(secrets.token_hex(16), f"silent-{secrets.token_hex(4)}", (new_task(),))
    silent = f'[ "$1" = -dry-run ] || {effect}\nexit 0'
    with says_something_else(condor_pool, "condor_submit", silent):
        try:
            pool.send(batch)
        except PoolUnreachable:
            assert effect == ":"
    patiently(lambda: pool.look(batch.token) or pool.send(batch))
    assert finished(follow(pool, batch.segment, finished))
    assert len(clusters_of(condor_pool, batch)) == 1


@pytest.mark.parametrize("command", ["condor_q", "condor_history"])
def test_a_command_that_says_nothing_at_all_does_not_let_a_batch_be_sent_again(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task], command: str
) -> None:
    batch = Sending(secrets.token_hex(16), f"mute-{secrets.token_hex(4)}", (new_task("sleep 1"),))
    pool.send(batch)
    condor_pool.run("sh", "-c", f"rm /home/roost/roost/sent/{batch.token}/*.done")
    with says_something_else(condor_pool, command, "exit 0"), pytest.raises(PoolUnreachable):
        pool.look(batch.token)
    assert patiently(lambda: pool.look(batch.token)) is not None
    assert len(clusters_of(condor_pool, batch)) == 1


@pytest.mark.parametrize("nodes", [(), (Node("only", 0, 1, executable="true", folder="only"),)])
def test_a_batch_that_has_left_the_queue_and_the_history_is_found_in_its_log(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task], nodes: tuple[Node, ...]
) -> None:
    task = replace(new_task(slices=1), nodes=nodes)
    batch = Sending(secrets.token_hex(16), f"old-{secrets.token_hex(4)}", (task,))
    sent = pool.send(batch)
    assert finished(follow(pool, batch.segment, finished))
    mine = ("-constraint", f'RoostBatch == "{batch.token}"', "-af", "ProcId")
    wait_until(lambda: not condor_pool.run("condor_q", *mine), SECONDS, "it to leave the queue")
    before = clusters_of(condor_pool, batch)
    condor_pool.run("sh", "-c", f"rm /home/roost/roost/sent/{batch.token}/*.done")
    with says_something_else(condor_pool, "condor_history", "echo RoostPlan"):
        found = patiently(lambda: pool.look(batch.token))
    assert found is not None
    assert found.remote_id == sent.remote_id
    assert patiently(lambda: pool.send(batch)) is not None
    assert clusters_of(condor_pool, batch) == before


def fails_strangely(times: int) -> str:
    """Says something that HTCondor does not say, so many times."""
    calls = f"/tmp/calls-{secrets.token_hex(4)}"
    count = f"echo >> {calls}; [ $(wc -l < {calls}) -gt {times} ]"
    return f'{count} || {{ echo what?; exit 1; }}; exec /usr/bin/condor_submit "$@"'


def test_a_submit_that_fails_without_htcondors_words_is_tried_again(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task]
) -> None:
    batch = Sending(secrets.token_hex(16), f"strange-{secrets.token_hex(4)}", (new_task(),))
    with says_something_else(condor_pool, "condor_submit", fails_strangely(2)):
        for _ in range(2):
            with pytest.raises(PoolUnreachable, match=r"what\?"):
                pool.send(batch)
        assert pool.send(batch).remote_id
    assert finished(follow(pool, batch.segment, finished))
    assert len(clusters_of(condor_pool, batch)) == 1


def test_a_submit_that_fails_strangely_for_ever_is_refused_so_that_others_go_on(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task]
) -> None:
    batch = Sending(secrets.token_hex(16), f"stranger-{secrets.token_hex(4)}", (new_task(),))
    with says_something_else(condor_pool, "condor_submit", fails_strangely(1000)):
        for _ in range(5):
            with pytest.raises(PoolUnreachable):
                pool.send(batch)
        with pytest.raises(Refused, match=r"what\?"):
            pool.send(batch)


@contextmanager
def says_something_else(condor_pool: TestPool, command: str, script: str) -> Iterator[None]:
    place = f"/usr/local/bin/{command}"
    make = 'printf "#!/bin/sh\n%s\n" "$1" > "$2" && chmod 755 "$2"'
    condor_pool.run("sh", "-c", make, "-", script, place, user="root")
    try:
        yield
    finally:
        condor_pool.run("rm", place, user="root")


def test_a_schedd_that_is_down_is_out_of_reach_and_never_empty(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task]
) -> None:
    batch = Sending(secrets.token_hex(16), f"down-{secrets.token_hex(4)}", (new_task(),))
    condor_pool.run("condor_off", "-fast", "-schedd", user="root")
    wait_until(lambda: not schedd_answers(condor_pool), 60, "the schedd to end")
    try:
        for verb in (
            lambda: pool.look(batch.token),
            lambda: pool.query(["a" * 32]),
            lambda: pool.send(batch),
        ):
            with pytest.raises(PoolUnreachable):
                verb()
    finally:
        condor_pool.run("condor_on", "-schedd", user="root")
        wait_until(lambda: schedd_answers(condor_pool), 60, "the schedd to come back")
    assert patiently(lambda: pool.look(batch.token)) is None
    assert patiently(lambda: pool.send(batch)) is not None
    assert len(clusters_of(condor_pool, batch)) == 1


def schedd_answers(condor_pool: TestPool) -> bool:
    return condor_pool.hosts["ap"].run("condor_q", "-totals").returncode == 0


def test_what_runs_on_nodes_is_brought_again_when_the_access_point_could_not_take_it(
    pool: CondorPool, condor_pool: TestPool, new_task: Callable[..., Task], monkeypatch: pytest.MonkeyPatch
) -> None:
    version, members = kit.contents()
    monkeypatch.setattr(kit, "contents", lambda: (version[::-1], members))
    batch = Sending(secrets.token_hex(16), f"kit-{secrets.token_hex(4)}", (new_task(),))
    with says_something_else(condor_pool, "tar", "exit 0"), pytest.raises(PoolUnreachable):
        pool.send(batch)
    patiently(lambda: pool.look(batch.token) or pool.send(batch))
    assert finished(follow(pool, batch.segment, finished))
