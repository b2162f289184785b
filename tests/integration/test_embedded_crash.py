"""The embedded pool when something dies, or the disk is full: nothing is lost, doubled or forgotten.

tests/faults kills at every named place; here stand the cases that a person would think of, one by one.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from jobs_app.pools.base import EventKind, PoolUnreachable, Refused, Selection, Task
from jobs_app.pools.embedded import live
from tests.embedded import (
    SEGMENT,
    Attempts,
    folders,
    is_alive,
    kinds,
    output,
    wait_for,
    wait_for_file,
    wait_for_text,
)

# Ends when the file "go" is there, and tells how often it began.
PATIENT = "echo $$ >> began; while test ! -e go; do sleep 0.02; done; echo done"


@pytest.fixture
def attempts(tmp_path: Path) -> Iterator[Attempts]:
    yield from folders(tmp_path)


def daemon(attempts: Attempts) -> int:
    with attempts.pool.places.connect() as connection:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[0])


def kill_daemon(attempts: Attempts) -> None:
    pid = daemon(attempts)
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(pid))


def holders(attempts: Attempts, task: Task) -> dict[int, live.Place]:
    return live.held(attempts.pool.places.crew(task.attempt))


def kill_leader(attempts: Attempts, task: Task) -> None:
    leader = holders(attempts, task)[live.LEADER]
    os.kill(leader.pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(leader.pid))


def begin(attempts: Attempts, **fields: int) -> Task:
    """An attempt whose first slice runs."""
    task = attempts.shell(PATIENT, **fields)
    attempts.send(task)
    wait_for_text(Path(task.directory) / "began")
    return task


def let_go(task: Task) -> None:
    (Path(task.directory) / "go").touch()


def began(task: Task) -> int:
    return len((Path(task.directory) / "began").read_text().split())


def test_a_part_goes_on_while_there_is_no_daemon(attempts: Attempts) -> None:
    task = begin(attempts)
    kill_daemon(attempts)
    let_go(task)
    wait_for(lambda: output(task, 0) == "done\n")
    events = attempts.until_finished(task)
    assert kinds(events) == ["accepted", "started", "ended", "finished"]
    assert began(task) == 1


def test_a_part_that_still_runs_is_adopted_by_the_next_daemon(attempts: Attempts) -> None:
    task = begin(attempts)
    kill_daemon(attempts)
    assert attempts.pool.query([task.attempt])[task.attempt].slices["run"] == b"\x01"
    let_go(task)
    assert kinds(attempts.until_finished(task)) == ["accepted", "started", "ended", "finished"]
    assert began(task) == 1


def test_an_adopted_part_can_be_removed(attempts: Attempts) -> None:
    task = begin(attempts)
    kill_daemon(attempts)
    attempts.pool.remove(Selection(task.attempt), "stop")
    assert kinds(attempts.until_finished(task))[-2:] == ["removed", "finished"]
    wait_for(lambda: not holders(attempts, task))


def test_a_part_goes_on_without_its_leader(attempts: Attempts) -> None:
    task = begin(attempts, slices=3)
    wait_for(lambda: began(task) == 2)
    kill_leader(attempts, task)
    let_go(task)
    attempts.until_finished(task)
    assert began(task) == len(attempts.of(task, EventKind.STARTED)) == 3


def test_a_part_goes_on_without_its_leader_and_without_a_daemon(attempts: Attempts) -> None:
    task = begin(attempts)
    kill_daemon(attempts)
    kill_leader(attempts, task)
    let_go(task)
    assert kinds(attempts.until_finished(task)) == ["accepted", "started", "ended", "finished"]
    assert began(task) == 1


def test_an_orphan_can_be_removed(attempts: Attempts) -> None:
    task = begin(attempts)
    kill_leader(attempts, task)
    attempts.pool.remove(Selection(task.attempt), "stop")
    assert kinds(attempts.until_finished(task))[-2:] == ["removed", "finished"]


def test_what_died_with_everybody_else_starts_again(attempts: Attempts) -> None:
    task = begin(attempts)
    places = holders(attempts, task)
    kill_daemon(attempts)
    os.kill(places[live.LEADER].pid, signal.SIGKILL)
    os.killpg(places[1].pid, signal.SIGKILL)
    let_go(task)
    events = attempts.until_finished(task)
    assert kinds(events) == ["accepted", "started", "evicted", "started", "ended", "finished"]
    assert [event.tries for event in attempts.of(task, EventKind.STARTED)] == [1, 2]


def test_a_leader_that_hangs_in_loading_is_ended_by_the_next_daemon(attempts: Attempts) -> None:
    task = attempts.script(
        "open('loading', 'w')\nimport time\ntime.sleep(1000)\ndef synthesis():\n    pass\n"
    )
    attempts.send(task)
    wait_for_file(Path(task.directory) / "loading")
    kill_daemon(attempts)
    attempts.pool.remove(Selection(task.attempt), "stop")
    assert kinds(attempts.until_finished(task))[-2:] == ["removed", "finished"]


def test_without_its_zygote_the_daemon_starts_anew(attempts: Attempts) -> None:
    task = begin(attempts)
    pid = daemon(attempts)
    (zygote,) = map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
    os.kill(zygote, signal.SIGKILL)
    let_go(task)
    attempts.until_finished(task)
    attempts.run(attempts.shell("true"))
    assert began(task) == 1


def test_a_part_that_waits_for_a_subjob_gets_its_answer_from_the_next_daemon(attempts: Attempts) -> None:
    task = attempts.script(
        "from jobs_app.script.subjobs import build\ndef synthesis():\n    return str(build('sub'))\n"
    )
    attempts.send(task)
    attempts.until(lambda: bool(attempts.of(task, EventKind.REQUEST)))
    kill_daemon(attempts)
    (request,) = attempts.of(task, EventKind.REQUEST)
    attempts.pool.answer(task.attempt, request.data["id"], {"job": "test-7", "path": task.directory})
    attempts.until_finished(task)
    assert len(attempts.of(task, EventKind.REQUEST)) == 1
    assert attempts.outcome(task)["ok"]


def test_a_held_attempt_stays_held_under_the_next_daemon(attempts: Attempts) -> None:
    task = begin(attempts, slices=2)
    attempts.pool.hold(Selection(task.attempt), "wait")
    kill_daemon(attempts)
    attempts.until(lambda: sum(event.count for event in attempts.of(task, EventKind.HELD)) == 2)
    let_go(task)
    attempts.pool.release(Selection(task.attempt))
    attempts.until_finished(task)
    assert attempts.outcome(task)["ok"]


def test_what_was_forgotten_does_not_run_again_though_its_batch_is_still_there(attempts: Attempts) -> None:
    one, other = attempts.shell("echo once >> ran"), attempts.shell("true")
    attempts.send(one, other)
    attempts.until_finished(one, other)
    attempts.pool.forget([one.attempt])
    attempts.pool.stop()  # which leaves a checkpoint without it
    attempts.run(attempts.shell("true"))
    assert kinds(attempts.of(one, EventKind.STARTED)) == ["started"]
    assert (Path(one.directory) / "ran").read_text() == "once\n"


def test_a_daemon_with_a_checkpoint_goes_on_like_one_without(attempts: Attempts) -> None:
    task = begin(attempts, slices=4)
    wait_for(lambda: began(task) == 2)
    attempts.pool.stop()
    assert attempts.pool.places.checkpoint.exists()
    let_go(task)
    events = attempts.until_finished(task)
    assert kinds(events).count("ended") == began(task) == 4


def test_a_line_torn_by_the_death_of_the_daemon_is_passed_over(attempts: Attempts) -> None:
    task = begin(attempts)
    kill_daemon(attempts)
    with attempts.pool.places.segment(SEGMENT).open("ab") as file:
        file.write(b'{"kind":"ended","attempt":"' + task.attempt.encode() + b'","at":1.0,"exit_c')
    let_go(task)
    assert kinds(attempts.until_finished(task)) == ["accepted", "started", "ended", "finished"]


def test_a_follower_sees_a_torn_line_only_when_it_is_closed(attempts: Attempts) -> None:
    attempts.run(attempts.shell("true"))
    with attempts.pool.places.segment(SEGMENT).open("ab") as file:
        file.write(b'{"kind":"started","attem')
    found = attempts.pool.follow(SEGMENT, attempts.offset)
    assert (found.events, found.offset) == ((), attempts.offset)


def test_what_a_dead_sender_left_in_the_socket_is_seen_by_look(attempts: Attempts) -> None:
    """It wrote its request and died: the answer to `look` must not be that the batch will never be there."""
    from jobs_app.pools.base import Sending
    from jobs_app.pools.embedded.wire import encode, sending_message

    attempts.pool.look("nothing")
    pid = daemon(attempts)
    os.kill(pid, signal.SIGSTOP)
    with attempts.pool.places.connect() as connection:
        sending = Sending("late", SEGMENT, (attempts.shell("true"),))
        connection.sendall(encode({"verb": "send", "sending": sending_message(sending)}))
    os.kill(pid, signal.SIGCONT)
    assert attempts.pool.look("late") is not None


def limit_files(pid: int, size: int) -> None:
    """As a full disk: no file of the process may grow beyond `size` bytes."""
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))


def test_while_the_disk_is_full_nothing_starts_and_nothing_is_lost(attempts: Attempts) -> None:
    task = begin(attempts, slices=4)
    wait_for(lambda: began(task) == 2)
    segment, log = attempts.pool.places.segment(SEGMENT), attempts.pool.places.log
    limit_files(daemon(attempts), segment.stat().st_size + 20)
    let_go(task)
    wait_for(lambda: log.exists() and "events wait in memory" in log.read_text())
    assert began(task) == 2
    limit_files(daemon(attempts), resource.RLIM_INFINITY)
    assert kinds(attempts.until_finished(task)).count("ended") == 4
    assert attempts.outcome(task)["ok"]


def test_a_daemon_killed_while_the_disk_was_full_loses_nothing(attempts: Attempts) -> None:
    task = begin(attempts, slices=3)
    wait_for(lambda: began(task) == 2)
    segment, log = attempts.pool.places.segment(SEGMENT), attempts.pool.places.log
    limit_files(daemon(attempts), segment.stat().st_size + 20)
    let_go(task)
    wait_for(lambda: "events wait in memory" in log.read_text())
    kill_daemon(attempts)
    events = attempts.until_finished(task)
    assert kinds(events).count("ended") == began(task) == 3


def test_a_batch_for_which_there_is_no_room_is_refused(attempts: Attempts) -> None:
    attempts.pool.look("nothing")
    limit_files(daemon(attempts), 10)
    task = attempts.shell("true")
    with pytest.raises(Refused, match="cannot keep the batch"):
        attempts.send(task, token="big")
    assert attempts.pool.look("big") is None
    assert list(attempts.pool.places.batches.iterdir()) == []
    limit_files(daemon(attempts), resource.RLIM_INFINITY)
    attempts.send(task, token="big")
    attempts.until_finished(task)


def test_a_daemon_that_does_not_answer_is_unreachable(
    attempts: Attempts, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts.pool.look("nothing")
    pid = daemon(attempts)
    os.kill(pid, signal.SIGSTOP)
    monkeypatch.setattr("jobs_app.pools.embedded.client._PATIENCE_SECONDS", 0.2)
    with pytest.raises(PoolUnreachable):
        attempts.pool.look("token")
    os.kill(pid, signal.SIGCONT)


def test_a_part_that_is_done_is_not_run_again_though_all_records_are_lost(attempts: Attempts) -> None:
    task = attempts.shell("echo once >> ran", slices=2)
    attempts.run(task)
    attempts.pool.stop()
    attempts.pool.places.checkpoint.unlink()
    attempts.pool.places.segment(SEGMENT).unlink()
    attempts.offset, attempts.events = 0, []
    attempts.pool.look("nothing")
    assert kinds(attempts.until_finished(task)).count("ended") == 2
    assert (Path(task.directory) / "ran").read_text() == "once\nonce\n"


def test_a_daemon_whose_folder_was_removed_ends(attempts: Attempts) -> None:
    attempts.run(attempts.shell("true"))
    pid = daemon(attempts)
    folder = attempts.pool.places.folder
    folder.rename(folder.with_name("elsewhere"))
    wait_for(lambda: not is_alive(pid))
    attempts.offset = 0
    attempts.run(attempts.shell("true"))


@pytest.mark.parametrize(
    "damage", ['{"offsets": {}, "works": {"%s": {}}}', '{"offsets": {}, "works": {"%s": 3}}', "%s"]
)
def test_a_checkpoint_of_another_version_is_passed_over(attempts: Attempts, damage: str) -> None:
    task = begin(attempts, slices=2)
    attempts.pool.stop()
    attempts.pool.places.checkpoint.write_text(damage.replace("%s", task.attempt))
    let_go(task)
    assert kinds(attempts.until_finished(task)).count("ended") == 2


@pytest.mark.parametrize("content", ["{}", '{"offset": 0, "sending": {"tasks": 3}}', "[]"])
def test_a_batch_that_is_none_is_put_aside_and_the_others_go_on(attempts: Attempts, content: str) -> None:
    task = begin(attempts)
    kill_daemon(attempts)
    attempts.pool.places.batch("bad").write_text(content)
    let_go(task)
    attempts.until_finished(task)
    assert (attempts.pool.places.batches / "bad.damaged").exists()
