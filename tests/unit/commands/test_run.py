"""Running, on the immediate pool: no process but the job's own parts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jobs_app import registry
from jobs_app.management.jobs.common import assignments
from jobs_app.models import Job
from jobs_app.testing import immediate_pool

from .conftest import manage

SMALL = ("size=8", "sweeps=20", "temperatures=4", "tolerance=9")


@pytest.fixture(autouse=True)
def pool(home) -> Iterator[None]:
    with immediate_pool(home):
        yield


@pytest.fixture
def app_with(tmp_path, monkeypatch):
    def write(method: str, source: str) -> None:
        (tmp_path / "job_scripts").mkdir(exist_ok=True)
        (tmp_path / "job_scripts" / f"a_{method}.py").write_text(source)
        monkeypatch.setitem(registry._apps, "shop", registry.App("shop", "shop", tmp_path))

    return write


def run(*words: str):
    return manage("jobs", "run", "ising", *SMALL, "--slices", "2", *words)


def test_a_job_runs_and_the_second_time_it_is_reused(db):
    first, second = run("--wait"), run("--wait")
    assert first.code == second.code == 0
    assert "is on its way" in first.out
    assert "Complete: 2/2 slices done" in first.out
    assert "was finished already, and is reused" in second.out
    assert Job.objects.count() == 1


def test_it_belongs_to_the_person_at_the_terminal_or_to_whom_one_names(db, bob):
    run("--wait")
    run("--user", "bob", "seed=2", "--wait", "--as-operator")
    assert [job.user.username for job in Job.objects.order_by("pk")] == ["alice", "bob"]


def test_another_option_makes_another_job_and_again_makes_another_attempt(db):
    run("--wait")
    run("--wait", "seed=2")
    run("--wait", "--again")
    assert list(Job.objects.order_by("pk").values_list("number_of_attempts", flat=True)) == [2, 1]


ADD = """
def analysis(sliceno):
    return 2


def synthesis(analysis_res):
    return analysis_res.merge_auto()
"""


def test_it_says_its_small_result_also_when_it_is_reused(db, app_with):
    app_with("add", ADD)
    for _ in range(2):
        assert "Result: 6\n" in manage("jobs", "run", "add", "--slices", "3", "--wait").out


def test_a_reused_job_says_what_it_keeps_otherwise_than_asked(db):
    assert run("--wait", "memory=1GB").err == ""
    assert run("--wait", "memory=1024").err == ""
    said = manage("jobs", "run", "ising", *SMALL, "--slices", "4", "memory=2GB", "retries=3", "--wait")
    assert said.code == 0
    assert "keeps what it was given: memory=1024, no retries, slices=2." in said.err
    assert Job.objects.get().slices_total == 2


def test_a_held_job_is_not_said_to_be_at_work(db):
    run("--wait")
    Job.objects.update(
        _status="HLD", status_message="It used too much. Give it more: jobs resume 1 memory=2GB"
    )
    for words in ((), ("--wait",)):
        said = run(*words)
        assert said.code == 4
        assert "is Held: It used too much. Give it more: jobs resume 1 memory=2GB" in said.err
        assert "at work" not in said.out


def test_json_is_one_value_of_the_finished_job(db):
    said = run("--wait", "--json")
    assert said.json["state"] == "Complete"
    assert said.json["slices"]["done"] == 2


def test_a_job_that_fails_gives_one(db):
    said = run("--wait", "size=7")
    assert said.code == 1
    assert "an even number of spins" in said.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("nosuch",), "'nosuch' is not a method"),
        (("ising", "bogus=3"), "'bogus' is not among"),
        (("ising", "size=abc", "seed=[]"), "size='abc'"),
        (("ising", "size=-5"), "size=-5: a number from 4 to 4096 is wanted"),
        (("ising", "size"), "Write name=value"),
        (("ising", "user=bob"), "--user"),
        (("ising", "memory=much"), "memory"),
        (("ising", "--user", "nobody"), "no user 'nobody'"),
        (("other/ising",), "'other'"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_created(db, words, message):
    said = manage("jobs", "run", *words)
    assert said.code == 2
    assert message in said.err
    assert not Job.objects.exists()


def test_all_wrong_options_are_named_at_once(db):
    said = manage("jobs", "run", "ising", "size=abc", "seed=[]")
    assert "size=" in said.err
    assert "seed=" in said.err


def test_waiting_for_a_job_that_is_over_says_how_it_ended(make_job):
    assert manage("jobs", "wait", str(make_job(_status="COM").pk)).code == 0
    assert manage("jobs", "wait", str(make_job(_status="ERR").pk)).code == 1


def test_waiting_for_a_held_job_says_what_helps(make_job):
    said = manage("jobs", "wait", str(make_job(_status="HLD", status_message="Memory: 512 of 256 MB").pk))
    assert said.code == 4
    assert "512 of 256 MB" in said.err
    assert "jobs resume" in said.err


def test_waiting_ends_when_the_time_is_up(make_job):
    said = manage("jobs", "wait", str(make_job(_status="RUN").pk), "--timeout", "0.2")
    assert said.code == 4
    assert "goes on" in said.err


def test_a_job_that_nobody_executed_is_not_waited_for(make_job):
    assert manage("jobs", "wait", str(make_job(_status="PEN").pk)).code == 5


def test_values_are_read_as_python_or_json_writes_them():
    texts = [
        "a=5_000",
        "b=2.5",
        "c=true",
        "d=null",
        "e=[1, 2]",
        "f={'x': 1}",
        "g=red",
        "h='5'",
        "i=",
        "j=a=b",
        "k=007",
    ]
    assert assignments(texts) == {
        "a": 5000, "b": 2.5, "c": True, "d": None, "e": [1, 2], "f": {"x": 1},
        "g": "red", "h": "5", "i": "", "j": "a=b", "k": "007",
    }  # fmt: skip


def test_the_demo_checks_the_numbers_and_is_reused(db):
    words = ("demo", "size=16", "sweeps=400", "temperatures=6", "tolerance=0.3")
    first, second = manage(*words), manage(*words)
    assert first.code == second.code == 0
    assert "agrees with Onsager's exact solution" in first.out
    assert "magnet.png" in first.out
    assert "its result is reused" in second.out
    assert Job.objects.count() == 1


def test_the_demo_fails_when_the_numbers_are_wrong_whatever_the_job_says(db):
    words = ("demo", "size=16", "sweeps=400", "temperatures=6", "tolerance=0.3")
    manage(*words)
    table = Job.objects.get().directory / "table.json"
    forged = table.read_text().replace('"energy": -1', '"energy": -2')
    assert len(forged) == len(table.read_text())
    table.write_text(forged)
    said = manage(*words)
    assert said.code == 1
    assert "too far from" in said.out
