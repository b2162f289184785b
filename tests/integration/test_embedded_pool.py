"""The embedded pool with real processes: what is sent runs, is told, and is recorded."""

from __future__ import annotations

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import jobs_app
from jobs_app.jobdir.layout import JobPaths
from jobs_app.lifecycle.idle import Explaining
from jobs_app.pools.base import EventKind, PoolUnreachable, Refused, Resources, Selection, Sending
from jobs_app.pools.embedded.client import EmbeddedPool
from jobs_app.states import SliceState
from tests.embedded import (
    Attempts,
    end_all,
    fact,
    folders,
    is_alive,
    kinds,
    output,
    processes,
    wait_for,
    wait_for_file,
    wait_for_text,
)

THREE_STEPS = """
def prepare(job):
    print("prepared")
    return 10

def analysis(sliceno, slices, prepare_res):
    print("slice", sliceno)
    return prepare_res + sliceno

def synthesis(analysis_res):
    return sum(analysis_res)
"""


@pytest.fixture
def attempts(tmp_path: Path) -> Iterator[Attempts]:
    yield from folders(tmp_path)


def test_an_executable_runs_once_a_slice(attempts: Attempts) -> None:
    task = attempts.shell("echo slice $ROOST_SLICE of $ROOST_SLICES", slices=3)
    events = attempts.run(task)
    assert kinds(events).count("started") == kinds(events).count("ended") == 3
    assert [output(task, i) for i in range(3)] == [f"slice {i} of 3\n" for i in range(3)]
    assert attempts.outcome(task) == {"ok": True, "reason": ""}


def test_a_script_runs_its_steps_in_order(attempts: Attempts) -> None:
    import pickle

    task = attempts.script(THREE_STEPS, slices=4)
    events = attempts.run(task)
    ended = [(event.step, event.slice) for event in events if event.kind == EventKind.ENDED]
    assert ended[0] == ("prepare", 0)
    assert sorted(ended[1:5]) == [("analysis", i) for i in range(4)]
    assert ended[5:] == [("synthesis", 0)]
    assert pickle.loads((Path(task.directory) / "result.pickle").read_bytes()) == 46
    assert output(task, "prepare") == "prepared\n"


# --- sending ------------------------------------------------------------------------------------------------


def test_the_same_batch_sent_twice_runs_once(attempts: Attempts) -> None:
    task = attempts.shell("echo once >> ran")
    for _ in range(3):
        attempts.send(task, token="again")
    events = attempts.until_finished(task)
    attempts.send(task, token="again")
    attempts.read(0.2)
    assert kinds(events) == ["accepted", "started", "ended", "finished"]
    assert len(attempts.events) == 4
    assert (Path(task.directory) / "ran").read_text() == "once\n"


def test_a_batch_is_found_by_its_token(attempts: Attempts) -> None:
    assert attempts.pool.look("nothing") is None
    attempts.send(attempts.shell("true"), token="something")
    found = attempts.pool.look("something")
    assert found is not None
    assert found.remote_id == "something"


def test_an_attempt_in_two_batches_is_refused_and_nothing_of_the_second_is_kept(attempts: Attempts) -> None:
    first, second = attempts.shell("true"), attempts.shell("true")
    attempts.send(first, token="one")
    with pytest.raises(Refused, match=first.attempt):
        attempts.send(second, first, token="two")
    assert attempts.pool.look("two") is None
    assert attempts.pool.query([second.attempt]) == {}


@pytest.mark.parametrize("name", ["../outside", "", "a/b", ".hidden", "x" * 200, "nul\0"])
def test_a_name_that_leads_elsewhere_is_refused(attempts: Attempts, name: str) -> None:
    with pytest.raises(Refused, match="cannot name"):
        attempts.pool.send(Sending(name, "segment", (attempts.shell("true"),)))
    with pytest.raises(Refused, match="cannot name"):
        attempts.pool.send(Sending("token", name, (attempts.shell("true"),)))


def test_a_batch_of_many_attempts_is_taken_over_together(attempts: Attempts) -> None:
    tasks = [attempts.shell("exit $ROOST_SLICE", slices=2) for _ in range(5)]
    attempts.run(*tasks)
    assert [attempts.outcome(task)["ok"] for task in tasks] == [False] * 5
    for task in tasks:
        states = attempts.pool.query([task.attempt])[task.attempt].slices["run"]
        assert list(states) == [SliceState.DONE, SliceState.FAILED]


# --- what goes wrong with a part ----------------------------------------------------------------------------


def test_a_slice_that_fails_is_tried_again_and_the_finished_ones_are_kept(attempts: Attempts) -> None:
    text = "echo $ROOST_SLICE >> tried; test $ROOST_SLICE = 0 || test $(grep -c 1 tried) = 3"
    task = attempts.shell(text, slices=2, retries=2)
    attempts.run(task)
    ended = [
        (event.slice, event.tries, event.exit_code, event.will_retry)
        for event in attempts.of(task, EventKind.ENDED)
    ]
    assert sorted(ended) == [(0, 1, 0, False), (1, 1, 1, True), (1, 2, 1, True), (1, 3, 0, False)]
    assert attempts.outcome(task)["ok"]


def test_the_other_slices_of_an_executable_run_though_one_failed(attempts: Attempts) -> None:
    task = attempts.shell("exit $((ROOST_SLICE == 0 ? 3 : 0))", slices=4)
    attempts.run(task)
    assert sorted(event.exit_code for event in attempts.of(task, EventKind.ENDED)) == [0, 0, 0, 3]
    assert attempts.outcome(task) == {"ok": False, "reason": "exit code 3"}


def test_after_a_slice_of_a_script_failed_nothing_further_starts(attempts: Attempts) -> None:
    task = attempts.script(
        "def analysis(sliceno):\n    raise ValueError(f'bad {sliceno}')\n"
        "def synthesis():\n    open('never', 'w')\n",
        slices=50,
    )
    attempts.run(task)
    assert len(attempts.of(task, EventKind.STARTED)) <= 3
    assert attempts.outcome(task)["reason"].startswith("ValueError: bad")
    assert not (Path(task.directory) / "never").exists()
    snapshot = attempts.pool.query([task.attempt])[task.attempt]
    assert set(snapshot.slices["analysis"][5:]) == {SliceState.SKIPPED}
    assert snapshot.slices["synthesis"] == bytes([SliceState.SKIPPED])


def test_a_slice_killed_by_a_signal_says_which(attempts: Attempts) -> None:
    task = attempts.shell("kill -SEGV $$")
    attempts.run(task)
    (ended,) = attempts.of(task, EventKind.ENDED)
    assert (ended.exit_code, ended.signal) == (0, signal.SIGSEGV)
    assert "SIGSEGV" in attempts.outcome(task)["reason"]


def test_a_script_part_that_dies_without_a_word_fails_with_the_signal(attempts: Attempts) -> None:
    task = attempts.script("import os\ndef synthesis():\n    os.kill(os.getpid(), 11)\n")
    attempts.run(task)
    (ended,) = attempts.of(task, EventKind.ENDED)
    assert ended.signal == 11
    recorded = fact(task, "synthesis")
    assert recorded is not None
    assert (recorded.state, recorded.signal) == (SliceState.FAILED, 11)


def test_a_part_that_exits_python_itself_is_not_taken_for_done(attempts: Attempts) -> None:
    task = attempts.script("import os\ndef synthesis():\n    os._exit(0)\n")
    attempts.run(task)
    assert "exit code 0" in attempts.outcome(task)["reason"]
    assert not attempts.outcome(task)["ok"]


def test_an_executable_that_is_not_there_fails_and_names_it(attempts: Attempts) -> None:
    task = attempts.executable("/no/such/program")
    attempts.run(task)
    (ended,) = attempts.of(task, EventKind.ENDED)
    assert ended.exit_code == 127
    assert "/no/such/program" in output(task, 0)
    assert attempts.outcome(task)["reason"] == "/no/such/program cannot be run: No such file or directory"


def test_what_a_part_leaves_running_ends_with_it(attempts: Attempts) -> None:
    task = attempts.shell("sleep 1000 & echo $! > child")
    attempts.run(task)
    pid = int((Path(task.directory) / "child").read_text())
    wait_for(lambda: not is_alive(pid))


def test_a_directory_that_is_gone_fails_the_attempt(attempts: Attempts) -> None:
    task = attempts.shell("true")
    Path(task.directory).rmdir()
    attempts.run(task)
    assert not attempts.outcome(task)["ok"]
    assert not Path(task.directory).exists()


# --- scripts that do not load -------------------------------------------------------------------------------


def test_a_script_that_raises_while_it_is_loaded_fails_its_first_part(attempts: Attempts) -> None:
    task = attempts.script("x = 1 / 0\ndef prepare():\n    pass\ndef synthesis():\n    pass\n")
    attempts.run(task)
    (ended,) = attempts.of(task, EventKind.ENDED)
    assert (ended.step, ended.exit_code) == ("prepare", 1)
    assert "ZeroDivisionError" in attempts.outcome(task)["reason"]


@pytest.mark.parametrize(
    ("line", "exit_code", "number"),
    [("os._exit(3)", 3, None), ("os._exit(0)", 1, None), ("os.kill(os.getpid(), 11)", 0, 11)],
)
def test_a_script_that_ends_python_while_it_is_loaded_fails_its_first_part(
    attempts: Attempts, line: str, exit_code: int, number: int | None
) -> None:
    task = attempts.script(f"import os\n{line}\ndef analysis(sliceno):\n    pass\n", slices=3)
    attempts.run(task)
    failed = attempts.of(task, EventKind.ENDED)[0]
    assert (failed.exit_code, failed.signal, failed.will_retry) == (exit_code, number, False)
    assert "while the script was loaded" in attempts.outcome(task)["reason"]


def test_a_leader_that_is_killed_again_and_again_while_it_loads_is_given_up(attempts: Attempts) -> None:
    task = attempts.script("import os\nos.kill(os.getpid(), 9)\ndef synthesis():\n    pass\n")
    attempts.run(task)
    assert "SIGKILL" in attempts.outcome(task)["reason"]
    assert len(attempts.of(task, EventKind.EVICTED)) >= 1


def test_the_time_limit_holds_while_a_script_is_loaded(attempts: Attempts) -> None:
    task = attempts.script(
        "import time\ntime.sleep(100)\ndef synthesis():\n    pass\n", resources=Resources(wall_seconds=1)
    )
    attempts.send(task)
    attempts.until(lambda: bool(attempts.of(task, EventKind.HELD)))
    assert attempts.of(task, EventKind.HELD)[0].code == 46


def test_a_script_that_closes_every_descriptor_while_it_is_loaded_does_not_hang(attempts: Attempts) -> None:
    task = attempts.script("import os\nos.closerange(3, 1000)\ndef synthesis():\n    return 1\n")
    attempts.run(task)
    assert not attempts.outcome(task)["ok"]


# --- limits -------------------------------------------------------------------------------------------------


def test_a_slice_over_its_time_is_held_and_runs_again_with_more_of_it(attempts: Attempts) -> None:
    task = attempts.shell("test -e again || { touch again; sleep 100; }", resources=Resources(wall_seconds=1))
    attempts.send(task)
    attempts.until(lambda: bool(attempts.of(task, EventKind.HELD)))
    (held,) = attempts.of(task, EventKind.HELD)
    assert held.code == 46
    attempts.pool.change(Selection(task.attempt), Resources(wall_seconds=50))
    attempts.pool.release(Selection(task.attempt))
    attempts.until_finished(task)
    assert attempts.outcome(task)["ok"]
    assert [event.tries for event in attempts.of(task, EventKind.STARTED)] == [1, 2]


def test_a_slice_over_its_memory_is_held_with_the_numbers(attempts: Attempts) -> None:
    text = "x = 'x' * 200_000_000; import time; time.sleep(100)"
    task = attempts.executable("python3", "-c", text, resources=Resources(memory_mb=100))
    attempts.send(task)
    attempts.until(lambda: bool(attempts.of(task, EventKind.HELD)))
    (held,) = attempts.of(task, EventKind.HELD)
    assert held.code == 34
    assert "of the 100 MB it may use" in held.reason


# --- hold, release, remove ----------------------------------------------------------------------------------


def test_a_held_attempt_starts_nothing_until_it_is_released(attempts: Attempts) -> None:
    task = attempts.shell("test -e go || sleep 100", slices=4)
    attempts.send(task)
    attempts.until_started(task, 2)
    attempts.pool.hold(Selection(task.attempt), "alice wants to think")
    attempts.until(lambda: sum(event.count for event in attempts.of(task, EventKind.HELD)) == 4)
    held = attempts.of(task, EventKind.HELD)
    assert {(event.code, event.reason) for event in held} == {(1, "alice wants to think")}
    assert set(attempts.pool.query([task.attempt])[task.attempt].slices["run"]) == {SliceState.HELD}
    (Path(task.directory) / "go").touch()
    attempts.pool.release(Selection(task.attempt))
    attempts.until_finished(task)
    assert attempts.outcome(task)["ok"]


def test_one_slice_can_be_held_while_the_others_go_on(attempts: Attempts) -> None:
    task = attempts.shell("test $ROOST_SLICE != 1 || test -e go || sleep 100", slices=3)
    attempts.send(task)
    attempts.until_started(task, 2)
    attempts.pool.hold(Selection(task.attempt, "run", (1,)), "wait")
    attempts.until(lambda: len(attempts.of(task, EventKind.ENDED)) == 2)
    attempts.until(lambda: len(attempts.of(task, EventKind.HELD)) == 1)
    assert not attempts.of(task, EventKind.FINISHED)
    (Path(task.directory) / "go").touch()
    attempts.pool.release(Selection(task.attempt, "run", (1,)))
    attempts.until_finished(task)
    assert attempts.outcome(task)["ok"]


def test_a_removed_attempt_ends_at_once_and_leaves_no_process(attempts: Attempts) -> None:
    task = attempts.shell("echo $$ > pid$ROOST_SLICE; exec sleep 1000", slices=3)
    attempts.send(task)
    pids = [int(wait_for_text(Path(task.directory) / f"pid{sliceno}")) for sliceno in (0, 1)]
    attempts.pool.remove(Selection(task.attempt), "stopped by alice")
    attempts.until_finished(task)
    attempts.pool.remove(Selection(task.attempt), "and once more")
    assert not any(is_alive(pid) for pid in pids)
    assert sum(event.count for event in attempts.of(task, EventKind.REMOVED)) == 3
    assert attempts.outcome(task) == {"ok": False, "reason": "removed"}


def test_a_part_that_will_not_stop_is_killed(attempts: Attempts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_GRACE_SECONDS", "0.3")
    task = attempts.shell("trap '' TERM; touch begun; while true; do sleep 0.1; done")
    attempts.send(task)
    wait_for_file(Path(task.directory) / "begun")
    attempts.pool.remove(Selection(task.attempt), "stop")
    attempts.until_finished(task)
    assert len(attempts.of(task, EventKind.REMOVED)) == 1


def test_a_program_that_ends_well_because_it_was_told_to_stop_is_not_done(attempts: Attempts) -> None:
    task = attempts.shell("trap 'exit 0' TERM; touch begun; while true; do sleep 0.05; done")
    attempts.send(task)
    wait_for_file(Path(task.directory) / "begun")
    attempts.pool.hold(Selection(task.attempt), "wait")
    attempts.until(lambda: bool(attempts.of(task, EventKind.HELD)))
    assert not attempts.of(task, EventKind.ENDED)


def test_a_program_has_time_to_save_its_state_before_it_is_held(attempts: Attempts) -> None:
    text = "trap 'sleep 0.3; touch saved; exit 1' TERM; touch begun; while true; do sleep 0.05; done"
    task = attempts.shell(text)
    attempts.send(task)
    wait_for_file(Path(task.directory) / "begun")
    attempts.pool.hold(Selection(task.attempt), "wait")
    attempts.until(lambda: bool(attempts.of(task, EventKind.HELD)))
    assert (Path(task.directory) / "saved").exists()


def test_a_script_can_be_removed_while_it_is_loaded(attempts: Attempts) -> None:
    task = attempts.script("import time\ntime.sleep(1000)\ndef synthesis():\n    pass\n")
    attempts.send(task)
    attempts.until_started(task)
    attempts.pool.remove(Selection(task.attempt), "stop")
    attempts.until_finished(task)
    assert kinds(attempts.of(task, EventKind.REMOVED)) == ["removed"]


def test_verbs_about_an_attempt_that_is_not_known_do_nothing(attempts: Attempts) -> None:
    attempts.pool.hold(Selection("unknown"), "why")
    attempts.pool.release(Selection("unknown"))
    attempts.pool.remove(Selection("unknown"), "why")
    attempts.pool.change(Selection("unknown"), Resources())
    attempts.pool.answer("unknown", "request", {})
    attempts.pool.forget(["unknown"])
    assert attempts.pool.query(["unknown"]) == {}


# --- order --------------------------------------------------------------------------------------------------


def test_an_attempt_of_higher_priority_goes_first(attempts: Attempts) -> None:
    blocker = attempts.shell("while test ! -e go; do sleep 0.01; done", slices=2)
    low, high = attempts.shell("true", priority=1), attempts.shell("true", priority=2)
    attempts.send(blocker)
    attempts.until_started(blocker, 2)
    attempts.send(low)
    attempts.send(high)
    (Path(blocker.directory) / "go").touch()
    attempts.until_finished(low, high)
    started = [event.attempt for event in attempts.events if event.kind == EventKind.STARTED]
    assert started.index(high.attempt) < started.index(low.attempt)


def test_what_waits_is_told_why_as_the_courier_asks_it(attempts: Attempts) -> None:
    assert isinstance(attempts.pool, Explaining)
    blocker, small = (
        attempts.shell("while test ! -e go; do sleep 0.01; done", slices=2),
        attempts.shell("true"),
    )
    attempts.send(blocker)
    attempts.until_started(blocker, 2)
    attempts.send(small)
    assert attempts.pool.why_idle([blocker.attempt, small.attempt]) == {
        blocker.attempt: "",
        small.attempt: "All 2 cores here are busy with 2 slices of other jobs. It is the next one.",
    }
    (Path(blocker.directory) / "go").touch()
    attempts.until_finished(small)
    assert attempts.pool.why_idle([small.attempt]) == {small.attempt: ""}


def test_a_slice_that_needs_all_cores_runs_alone(attempts: Attempts) -> None:
    task = attempts.shell(
        "ls running* 2>/dev/null && exit 9; touch running$ROOST_SLICE; sleep 0.05; rm running$ROOST_SLICE",
        slices=3,
        resources=Resources(cpus=2),
    )
    attempts.run(task)
    assert attempts.outcome(task)["ok"]


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Resources(cpus=64), "cpus=64: this machine runs jobs on 2 cores"),
        (Resources(gpus=1), "gpus=1: the scheduler of this machine hands out no GPUs"),
        (Resources(memory_mb=5 << 40), r"memory=5497558138880 MB: this machine has \d+ MB"),
        (Resources(disk_mb=5 << 40), r"disk=5497558138880 MB: the disk here has \d+ MB"),
    ],
)
def test_what_this_machine_will_never_have_is_refused(
    attempts: Attempts, wanted: Resources, said: str
) -> None:
    task = attempts.shell("true", resources=wanted)
    with pytest.raises(Refused, match=rf"{said}. Ask for less, or give the job another scheduler."):
        attempts.send(task)
    assert attempts.pool.query([task.attempt]) == {}


def test_each_try_of_a_part_that_dies_leaves_its_own_error(attempts: Attempts) -> None:
    text = "import os, signal\ndef synthesis():\n    os.kill(os.getpid(), signal.SIGKILL)\n"
    task = attempts.script(text, retries=1)
    attempts.run(task)
    folder = JobPaths(task.directory).attempt(1).root / "errors"
    assert sorted(path.name for path in folder.iterdir()) == ["synthesis.1.json", "synthesis.json"]


def test_limits_that_this_machine_will_never_have_are_refused_too(attempts: Attempts) -> None:
    task = attempts.shell("sleep 0.05", resources=Resources(memory_mb=100))
    attempts.send(task)
    with pytest.raises(Refused, match="this machine has"):
        attempts.pool.change(Selection(task.attempt), Resources(memory_mb=5 << 40))
    attempts.until_finished(task)


def test_concurrency_limits_how_many_slices_run_at_once(attempts: Attempts) -> None:
    text = "ls running* 2>/dev/null && exit 9; touch running$ROOST_SLICE; sleep 0.05; rm running$ROOST_SLICE"
    task = attempts.shell(text, slices=3, concurrency=1)
    attempts.run(task)
    assert attempts.outcome(task)["ok"]


def test_of_many_attempts_that_take_turns_only_some_leaders_stay(attempts: Attempts) -> None:
    tasks = [attempts.shell("true", slices=2) for _ in range(40)]
    attempts.send(*tasks)
    most = 0
    while not {task.attempt for task in tasks} <= attempts.finished():
        attempts.read(0.05)
        most = max(most, len(processes(attempts.root.parent)))
    assert all(attempts.outcome(task)["ok"] for task in tasks)
    assert most < 2 + 16 + 2 + 3 * 2  # daemon and zygote, idle and busy leaders, parts with what they run


# --- subjobs ------------------------------------------------------------------------------------------------

ASKS = """
from jobs_app.script.subjobs import build
def synthesis():
    return build("sub", options={"x": 1})
"""


def test_a_part_that_waits_for_a_subjob_gives_its_slot_back(attempts: Attempts) -> None:
    parents = [attempts.script(ASKS) for _ in range(4)]  # twice as many as there are slots
    attempts.send(*parents)
    attempts.until(lambda: sum(len(attempts.of(parent, EventKind.REQUEST)) for parent in parents) == 4)
    child = attempts.script("def synthesis():\n    return 42\n")
    attempts.run(child)
    for parent in parents:
        (request,) = attempts.of(parent, EventKind.REQUEST)
        assert (request.data["kind"], request.data["method"], request.step) == ("build", "sub", "synthesis")
        answer = {"job": "test-9", "path": child.directory, "was_built": True}
        for _ in range(2):
            attempts.pool.answer(parent.attempt, request.data["id"], answer)
    attempts.until_finished(*parents)
    assert all(attempts.outcome(parent)["ok"] for parent in parents)


def test_a_subjob_that_failed_fails_the_part_that_asked(attempts: Attempts) -> None:
    task = attempts.script(ASKS)
    attempts.send(task)
    attempts.until(lambda: bool(attempts.of(task, EventKind.REQUEST)))
    (request,) = attempts.of(task, EventKind.REQUEST)
    attempts.pool.answer(task.attempt, request.data["id"], {"error": "no such method"})
    attempts.until_finished(task)
    assert "no such method" in attempts.outcome(task)["reason"]


# --- the daemon itself --------------------------------------------------------------------------------------


def test_a_line_that_is_garbled_is_answered_and_the_daemon_goes_on(attempts: Attempts) -> None:
    attempts.send(attempts.shell("true"))
    with attempts.pool.places.connect() as connection:
        for line in (
            b"nonsense\n",
            b"[1]\n",
            b"{}\n",
            b'{"verb":"send","sending":3}\n',
            b'{"verb":"hold"}\n',
            b"\xff\xfe\n",
        ):
            connection.sendall(line)
            assert b"refused" in (answer := connection.recv(65536)) or b"garbled" in answer
    attempts.run(attempts.shell("true"))


def test_only_its_owner_may_enter_the_folder(attempts: Attempts) -> None:
    attempts.send(attempts.shell("true"))
    assert attempts.pool.places.folder.stat().st_mode & 0o777 == 0o700


def test_a_folder_with_a_very_long_name_will_do(tmp_path: Path) -> None:
    root = tmp_path / ("long" * 40)
    pool = EmbeddedPool(root / "pool", slots=1)
    attempts = Attempts(root / "jobs", pool)
    attempts.run(attempts.shell("true"))
    end_all(tmp_path, pool)


def test_there_is_one_daemon_however_many_start_it(attempts: Attempts, tmp_path: Path) -> None:
    import threading

    pools = [EmbeddedPool(tmp_path / "pool", slots=2) for _ in range(6)]
    threads = [threading.Thread(target=pool.look, args=("nothing",)) for pool in pools]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with attempts.pool.places.connect() as connection:
        peers = {peer_of(pool.places.connect()) for pool in pools} | {peer_of(connection)}
    assert len(peers) == 1
    for pool in pools:
        pool.close()


def test_a_daemon_without_work_ends_by_itself_and_comes_back(tmp_path: Path) -> None:
    pool = EmbeddedPool(tmp_path / "pool", slots=1, idle_seconds=0.2)
    attempts = Attempts(tmp_path / "jobs", pool)
    attempts.run(attempts.shell("true"))
    wait_for(pool.rests)
    attempts.read(0.1)  # following does not wake it
    assert pool.rests()
    attempts.run(attempts.shell("true"))
    end_all(tmp_path, pool)


def test_new_work_is_done_by_the_code_as_it_is_now(
    attempts: Attempts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After an upgrade, or an edit, nobody has to end the daemon by hand."""
    code = tmp_path / "code"
    shutil.copytree(Path(jobs_app.__file__).parent, code / "jobs_app")
    monkeypatch.syspath_prepend(code)
    attempts.run(attempts.shell("true"))
    executable = code / "jobs_app" / "pools" / "embedded" / "executable.py"
    executable.write_text(executable.read_text().replace('"ROOST_JOB"', '"ROOST_NEW"'))
    wait_for(lambda: output_of(attempts, 'echo "${ROOST_NEW-old}"') != "old\n")


def output_of(attempts: Attempts, text: str) -> str:
    task = attempts.shell(text)
    attempts.run(task)
    return output(task, 0)


def test_what_is_secret_does_not_reach_the_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROOST_SECRET_KEY", "hidden")
    monkeypatch.setenv("ROOST_DATABASE_URL", "postgres://hidden")
    monkeypatch.setenv("PLAIN", "to be seen")
    pool = EmbeddedPool(tmp_path / "pool", slots=1)
    attempts = Attempts(tmp_path / "jobs", pool)
    task = attempts.shell("env", environment={"OWN": "mine"})
    attempts.run(task)
    end_all(tmp_path, pool)
    assert "hidden" not in output(task, 0)
    assert "PLAIN=to be seen" in output(task, 0)
    assert "OWN=mine" in output(task, 0)


def test_a_pool_that_cannot_start_says_where_to_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jobs_app.pools.embedded.client._PATIENCE_SECONDS", 0.3)
    monkeypatch.setattr("sys.executable", "/bin/false")
    pool = EmbeddedPool(tmp_path / "pool", slots=1)
    with pytest.raises(PoolUnreachable, match="log"):
        pool.look("token")
    pool.close()


def test_forgotten_attempts_are_not_known_any_more(attempts: Attempts) -> None:
    one, other = attempts.shell("true"), attempts.shell("true")
    attempts.send(one, other, token="both")
    attempts.until_finished(one, other)
    attempts.pool.forget([one.attempt])
    assert set(attempts.pool.query([one.attempt, other.attempt])) == {other.attempt}
    attempts.pool.forget([other.attempt])
    assert attempts.pool.look("both") is None


def test_what_a_slice_writes_can_be_read_while_it_runs(attempts: Attempts) -> None:
    task = attempts.shell("echo one; while test ! -e go; do sleep 0.01; done; echo two >&2")
    attempts.send(task)
    wait_for(lambda: attempts.pool.tail(task, "run", 0, "output", 0)[0] == b"one\n")
    (Path(task.directory) / "go").touch()
    attempts.until_finished(task)
    assert attempts.pool.tail(task, "run", 0, "output", 4) == (b"two\n", 8)
    assert attempts.pool.tail(task, "run", 0, "error", 0) == (b"", 0)
    assert attempts.pool.fetch(task, attempts.root) is False


def test_inputs_are_found_in_the_folder(attempts: Attempts, tmp_path: Path) -> None:
    (tmp_path / "input.txt").write_text("given")
    task = attempts.shell("cat input.txt", inputs=(str(tmp_path / "input.txt"),))
    attempts.run(task)
    assert output(task, 0) == "given"


def peer_of(connection: object) -> int:
    import socket
    import struct

    assert isinstance(connection, socket.socket)
    with connection:
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
    return int(struct.unpack("3i", credentials)[0])
