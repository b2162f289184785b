"""What apps' tests get: jobs that run at once, in forks of the test itself."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import TestCase

from jobs_app import registry
from jobs_app.courier import lend_a_hand
from jobs_app.errors import BadOptions, JobFailed, WrongState
from jobs_app.inspection import troubles
from jobs_app.jobdir import files
from jobs_app.manager import JobManager
from jobs_app.models import Job, Scheduler
from jobs_app.registry import App
from jobs_app.testing import ImmediatePool, JobTestMixin

pytest_plugins = ["jobs_app.testing"]

Write = Callable[[str, str], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Writes a job script of the app "shop"."""
    folder = tmp_path / "shop" / "job_scripts"
    folder.mkdir(parents=True)
    monkeypatch.setitem(registry._apps, "shop", App("shop", "shop", folder.parent))

    def script(name: str, source: str) -> None:
        (folder / f"a_{name}.py").write_text(textwrap.dedent(source))

    return script


def test_a_job_gives_its_result(run_job, write: Write) -> None:
    write("double", "options = {'x': 3}\ndef synthesis(options): return options.x * 2")
    assert run_job("double").load() == 6
    assert run_job("double", options={"x": 5}).load() == 10
    assert run_job("double", x=7).load() == 14


def test_the_three_steps_hand_their_results_on(run_job, write: Write) -> None:
    write(
        "steps",
        """
        def prepare(): return 10
        def analysis(sliceno, prepare_res):
            print("slice", sliceno)
            return prepare_res + sliceno
        def synthesis(job, analysis_res, prepare_res):
            job.json_save({"sum": analysis_res.merge_auto()})
        """,
    )
    job = run_job("steps", slices=3)
    assert job.json_load() == {"sum": 33}
    assert job.output("parts") == {0: "slice 0\n", 1: "slice 1\n", 2: "slice 2\n"}


def test_a_job_is_reused_within_a_test_and_gone_in_the_next(run_job, write: Write) -> None:
    write("one", "def synthesis(): return 1")
    assert not Job.objects.exists()
    assert run_job("one") == run_job("one")
    assert Job.objects.count() == 1


def test_a_job_that_fails_says_why(run_job, write: Write) -> None:
    write("wrong", "def synthesis(): raise ValueError('no such river')")
    with pytest.raises(JobFailed, match="no such river"):
        run_job("wrong")


def test_a_part_that_dies_fails_and_the_test_lives(run_job, write: Write) -> None:
    write("dies", "import os\ndef synthesis(): os.kill(os.getpid(), 9)")
    with pytest.raises(JobFailed, match="SIGKILL"):
        run_job("dies")


def test_wrong_options_are_refused_before_anything_runs(run_job, write: Write) -> None:
    write("double", "options = {'x': 3}\ndef synthesis(options): return options.x * 2")
    with pytest.raises(BadOptions, match="x="):
        run_job("double", x="three")
    assert not Job.objects.exists()


def test_failed_slices_get_their_retries(run_job, write: Write) -> None:
    write(
        "shaky",
        """
        from pathlib import Path
        def analysis(sliceno):
            marker = Path(f"tried-{sliceno}")
            if not marker.exists():
                marker.touch()
                raise OSError("not yet")
            return 1
        def synthesis(analysis_res): return analysis_res.merge_auto()
        """,
    )
    done = run_job("shaky", slices=2, retries=1)
    assert done.load() == 2
    job = Job.objects.get(pk=done.number)
    kept = {path.name: files.read_object(path) for path in (job.paths.attempt(1).root / "errors").iterdir()}
    assert {name: error["message"] for name, error in kept.items()} == {
        "0.1.json": "not yet",
        "1.1.json": "not yet",
    }
    assert troubles(job) == []
    tried_again = "Tried again (2 times): slice 0 (exit code 1), slice 1 (exit code 1)."
    assert tried_again in job.history.values_list("why", flat=True)


def test_subjobs_are_built_while_their_parent_waits(run_job, write: Write) -> None:
    write("leaf", "options = {'n': 0}\ndef synthesis(options): return options.n")
    write(
        "branch",
        """
        from jobs_app.script.subjobs import build
        options = {'n': 0}
        def prepare(options): return build("leaf", n=options.n).load()
        def synthesis(prepare_res, options):
            return prepare_res + build("leaf", n=options.n + 1).load()
        """,
    )
    write(
        "tree",
        """
        from jobs_app.script.subjobs import build
        def synthesis(): return build("branch", n=10).load() + build("branch", n=20).load()
        """,
    )
    job = run_job("tree")
    assert job.load() == 10 + 11 + 20 + 21
    assert len(job.post.subjobs) == 2
    assert Job.objects.filter(method="leaf", _status="COM").count() == 4


def test_a_subjob_that_fails_fails_its_parent_with_its_reason(run_job, write: Write) -> None:
    write("leaf", "def synthesis(): raise ValueError('withered')")
    write("tree", "from jobs_app.script.subjobs import build\ndef synthesis(): build('leaf')")
    with pytest.raises(JobFailed, match="withered"):
        run_job("tree")


SHELL = "echo $ROOST_SLICE; exit $ROOST_SLICE"


def test_executables_run_too(roost_pool: ImmediatePool, write: Write) -> None:
    job = JobManager("shop").create_job(
        "echo", None, job_type="CONDORJOB", executable="/bin/sh", arguments=["-c", SHELL], num_jobs=2
    )
    job.execute()
    assert job.wait(60)
    assert job.status == "Various-Complete"
    assert (job.directory / "OUTPUT" / "1").read_text() == "1\n"


def test_a_parent_that_waits_can_be_stopped(roost_pool: ImmediatePool, write: Write) -> None:
    write("leaf", "def synthesis(): return 1")
    write("tree", "from jobs_app.script.subjobs import build\ndef synthesis(): build('leaf')")
    job = JobManager("shop").create_job("tree", None, job_type="SCRIPT", method="tree")
    job.execute()
    with lend_a_hand(Scheduler.objects.get(name="embedded").pk) as round_:
        round_(0.0)  # now it runs, and has asked
    assert job.status == "Running"
    job.stop()
    assert job.wait(60)
    assert job.status == "Aborted"


class TestWithUnittest(JobTestMixin, TestCase):
    def test_the_example_runs(self) -> None:
        job = self.run_job("ising", size=8, sweeps=20, temperatures=4, tolerance=9.0, slices=2)
        self.assertTrue(job.load()["agrees"])  # noqa: PT009 - this is what such tests look like


def test_a_finished_job_is_not_rerun_and_keeps_its_result(run_job, write: Write) -> None:
    write("add", "def analysis(sliceno): return 1\ndef synthesis(analysis_res): return sum(analysis_res)")
    done = run_job("add", slices=3)
    with pytest.raises(WrongState, match=r"No slice of job .* has failed"):
        Job.objects.get(pk=done.number).rerun_failed()
    assert done.load() == 3


def test_an_error_with_bytes_that_are_no_text_ends_its_job(run_job, write: Write) -> None:
    write("odd", "def synthesis(): raise ValueError('a\\udcff\\0b')")
    with pytest.raises(JobFailed, match=r"a\\udcff\\x00b"):
        run_job("odd")


def test_a_result_that_cannot_even_be_shown_is_named_by_its_kind(run_job, write: Write) -> None:
    write(
        "odd",
        """
        class Odd:
            def __repr__(self): raise RuntimeError
            def __reduce__(self): raise TypeError("no")
        def synthesis(): return Odd()
        """,
    )
    with pytest.raises(JobFailed, match="The result of synthesis, <Odd, which cannot be shown"):
        run_job("odd")


def test_a_job_that_asks_for_itself_is_told_so(run_job, write: Write) -> None:
    write("me", "from jobs_app.script.subjobs import build\ndef synthesis(): return build('me').load()")
    with pytest.raises(JobFailed, match=r"(shop-\d+) asked for \1, which waits for \1"):
        run_job("me")


def test_jobs_that_ask_for_each_other_are_told_so(run_job, write: Write) -> None:
    for name, other in (("hen", "egg"), ("egg", "hen")):
        ask = f"def synthesis(): return build({other!r}).load()"
        write(name, f"from jobs_app.script.subjobs import build\n{ask}")
    chain = r"egg \((shop-\d+)\) builds hen \((shop-\d+)\) builds egg \(\1\)"
    with pytest.raises(JobFailed, match=f"neither would ever end. {chain}"):
        run_job("hen")
