"""Job scripts as they run: each test a script, run by the runner's own command."""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

from jobs_app.jobdir import manifest
from jobs_app.script import runner
from jobs_app.script.job import forget_all
from jobs_app.script.results import Results
from jobs_app.script.status import read as read_status
from jobs_app.states import SliceState
from tests.integration.script_jobs import COMMAND, DONE, FAILED, ROOT, ScriptJob, until


class Make(Protocol):
    def __call__(self, source: str, **how: Any) -> ScriptJob: ...


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    yield lambda source, **how: ScriptJob(tmp_path, source, **how)
    forget_all()


def test_the_numbers_of_the_states_are_those_of_the_rows() -> None:
    assert (runner.DONE, runner.FAILED) == (SliceState.DONE, SliceState.FAILED)


# --- the three steps ----------------------------------------------------------------------------------------


def test_three_steps_hand_their_results_on(make: Make) -> None:
    made = make(
        """
        options = dict(base=10)
        def prepare(): return {"base": options.base}
        def analysis(sliceno, slices, prepare_res): return prepare_res["base"] + sliceno, slices
        def synthesis(analysis_res, prepare_res, sliceno):
            return [list(analysis_res), prepare_res, sliceno]
        """,
        slices=3,
    ).run()
    assert made.job.load() == [[(10, 3), (11, 3), (12, 3)], {"base": 10}, -1]


@pytest.mark.parametrize(
    ("source", "result"),
    [
        ("def synthesis(): return 5", 5),
        ("def prepare(): return 5\ndef synthesis(prepare_res): return prepare_res", 5),
        ("def analysis(sliceno): return 1\ndef synthesis(analysis_res): return analysis_res.merge_auto()", 2),
    ],
)
def test_steps_may_be_left_out(make: Make, source: str, result: int) -> None:
    assert make(source).run().job.load() == result


@pytest.mark.parametrize("source", ["def prepare(): return 5", "def analysis(sliceno): return 5"])
def test_without_synthesis_a_job_ends_well_and_has_no_result(make: Make, source: str) -> None:
    made = make(source).run()
    assert made.succeeded
    assert made.job.files() == set()


def test_options_datasets_and_jobs_are_globals_and_arguments_alike(make: Make) -> None:
    before = make("def synthesis(): return 7").run()
    made = make(
        """
        options = {"x": 37, "name": "myname"}
        datasets = ("ds",)
        jobs = ("previous",)
        def prepare():
            return options.x, datasets.ds.name, jobs.previous.load()
        def synthesis(options, datasets, jobs, params, prepare_res):
            return prepare_res, options.name, datasets.ds, jobs.previous, params.seed, params.options.x
        """,
        arguments={"x": 38, "ds": "other-3/movies", "previous": before.id},
    ).run()
    assert made.job.load() == ((38, "movies", 7), "myname", "other-3/movies", before.id, 5, 38)
    assert made.job.chain() == [before.id, made.id]


def test_a_result_is_kept_only_where_somebody_asks_for_it(make: Make) -> None:
    made = make("def prepare(): return lambda: 1\ndef analysis(sliceno): return lambda: 1").run()
    assert made.succeeded
    assert not (made.attempt.root / "results").exists()


def test_a_default_dict_with_a_lambda_is_handed_on_as_a_dict(make: Make) -> None:
    made = make(
        """
        from collections import defaultdict
        def analysis(sliceno):
            found = defaultdict(lambda: defaultdict(lambda: 0))
            found[sliceno]["n"] += 1
            return [found]
        def synthesis(analysis_res): return analysis_res.merge_auto()
        """
    ).run()
    assert made.job.load() == [{0: {"n": 1}}, {1: {"n": 1}}]


@pytest.mark.parametrize(
    ("source", "step", "said"),
    [
        ("def prepare(): return lambda: 1\ndef synthesis(prepare_res): ...", "prepare", "prepare"),
        (
            "def analysis(sliceno): return lambda: 1\ndef synthesis(analysis_res): ...",
            "analysis",
            "analysis(0)",
        ),
        ("def synthesis(): return lambda: 1", "synthesis", "synthesis"),
    ],
)
def test_a_result_that_cannot_be_stored_is_said_so(make: Make, source: str, step: str, said: str) -> None:
    made = make(source).run(slots=1)
    error = made.error(step)
    assert error["type"] == "Unstorable"
    assert error["message"].startswith(f"The result of {said}, <function")
    assert "cannot be stored: " in error["message"]
    assert "plain types" in error["message"]
    assert ("globals" in error["message"]) is (step == "prepare")
    assert not made.succeeded


def test_objects_of_classes_of_the_script_travel_between_its_steps(make: Make) -> None:
    made = make(
        """
        class Point:
            def __init__(self, x): self.x = x
        def analysis(sliceno): return [Point(sliceno)]
        def synthesis(analysis_res): return [p.x for p in analysis_res.merge_auto()]
        """
    ).run()
    assert made.job.load() == [0, 1]


def test_files_beside_the_script_are_imported_also_late(make: Make) -> None:
    made = make(
        """
        from . import helper
        depend_extra = (helper, "table.txt")
        def synthesis():
            import helper as again
            from pathlib import Path
            return helper.WORD, again.WORD, Path(__file__).with_name("table.txt").read_text()
        """,
        beside={"helper.py": "WORD = 'mine'", "table.txt": "1 2"},
    ).run()
    assert made.job.load() == ("mine", "mine", "1 2")


def test_a_part_runs_in_the_jobs_directory_without_input_and_without_collections(make: Make) -> None:
    made = make(
        """
        import gc, os, sys
        def synthesis(job): return os.getcwd() == job.path, sys.stdin.read(), gc.isenabled()
        """
    ).run()
    assert made.job.load() == (True, "", False)


# --- output -------------------------------------------------------------------------------------------------


def test_all_that_a_part_and_its_children_print_is_its_output_in_order(make: Make) -> None:
    made = make(
        """
        import os, subprocess, sys
        def prepare():
            print("printed")
            print("error", file=sys.stderr)
            os.write(1, b"raw\\n")
            sys.stdout.buffer.write(b"bytes\\n")
            sys.stdout.flush()
            subprocess.run(["sh", "-c", "echo child; echo its error >&2"])
            os.system("echo another")
        def analysis(sliceno): print("slice", sliceno)
        def synthesis(): ...
        """,
        slices=3,
    ).run()
    assert made.job.output("prepare") == "printed\nerror\nraw\nbytes\nchild\nits error\nanother\n"
    assert made.job.output("analysis") == "slice 0\nslice 1\nslice 2\n"
    assert sorted(path.name for path in made.paths.output.iterdir()) == ["0", "1", "2", "prepare"]
    assert made.fact("prepare").output_bytes == len(made.job.output("prepare"))


def test_output_never_goes_through_a_link_that_a_script_has_laid(make: Make, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_text("mine")
    made = make(
        """
        import os
        options = dict(victim="")
        def prepare():
            os.mkdir("OUTPUT") if not os.path.isdir("OUTPUT") else None
            os.symlink(options.victim, "OUTPUT/0")
            os.mkfifo("OUTPUT/1")
        def analysis(sliceno): print("hello")
        """,
        slices=2,
        options={"victim": str(victim)},
    ).run()
    assert made.succeeded
    assert victim.read_text() == "mine"
    assert made.job.output(0) == made.job.output(1) == "hello\n"


def test_a_job_that_prints_nothing_has_no_output_folder(make: Make) -> None:
    made = make("def analysis(sliceno): ...\ndef synthesis(): ...").run()
    assert not made.paths.output.exists()
    assert made.job.output() == ""


def test_what_a_part_prints_can_be_read_while_it_runs(make: Make, tmp_path: Path) -> None:
    made = make(
        """
        from pathlib import Path
        import time
        options = {"go": ""}
        def synthesis():
            print("begun")
            while not Path(options.go).exists(): time.sleep(0.01)
        """,
        arguments={"go": str(tmp_path / "go")},
    )
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "run-all", str(made.attempt.spec)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    until(lambda: made.job.output() == "begun\n")
    (tmp_path / "go").touch()
    assert process.wait(60) == 0


def test_the_output_of_a_new_try_replaces_that_of_the_last(make: Make) -> None:
    made = make(
        """
        from pathlib import Path
        def synthesis():
            first = not Path("tried").exists()
            Path("tried").touch()
            print("first, and longer" if first else "second")
            assert not first
        """,
        retries=1,
    ).run()
    assert made.job.output() == "second\n"
    assert made.fact("synthesis").tries == 2


def test_text_that_cannot_be_encoded_does_not_end_a_part(make: Make) -> None:
    made = make("def synthesis(): print('half \\ud800 \\u00e9')").run()
    assert made.job.output() == "half \\ud800 é\n"


@pytest.mark.parametrize(
    "line",
    [
        "sys.stdout.close()",
        "os.close(1); os.close(2)",
        "sys.stdout = None; sys.stderr = object()",
        "sys.stdout = open(os.devnull, 'w')",
        "os.unlink('OUTPUT/synthesis')",
        "shutil.rmtree('.roost/attempts/1/status', ignore_errors=True)",
        "os.chdir('/'); sys.path.clear(); sys.modules.clear()",
    ],
)
def test_whatever_a_script_does_to_its_surroundings_its_end_is_recorded(make: Make, line: str) -> None:
    made = make(f"import os, shutil, sys\ndef synthesis():\n    print('before')\n    {line}").run()
    assert made.fact("synthesis").state == DONE


def test_output_is_left_alone_where_that_is_wanted(make: Make) -> None:
    made = make("import os\ndef synthesis(): os.write(2, b'to you')", capture=False)
    assert made.command("run-all", str(made.attempt.spec)) == "to you"
    assert made.succeeded


# --- errors -------------------------------------------------------------------------------------------------


def test_an_error_is_told_with_its_lines_its_status_and_in_the_output(make: Make) -> None:
    made = make(
        """
        from jobs_app.script import status
        def divide(by):
            return 1 / by
        def analysis(sliceno):
            print("before")
            with status("working"):
                with status("dividing"):
                    divide(0)
        """,
        slices=1,
    ).run()
    error = made.error("analysis")
    assert (error["type"], error["message"]) == ("ZeroDivisionError", "division by zero")
    assert (error["step"], error["slice"], error["tries"]) == ("analysis", 0, 1)
    assert 'a_test.py", line 4, in divide' in error["traceback"]
    assert "return 1 / by" in error["traceback"]
    assert "runner.py" not in error["traceback"]
    assert [line["text"] for line in error["status"]] == ["analysis(0)", "working", "dividing"]
    assert [line["line"] for line in error["status"]][1:] == [7, 8]
    assert made.job.output(0).startswith("before\nTraceback")
    fact = made.fact("analysis")
    assert (fact.state, fact.exit_code, fact.signal) == (FAILED, 1, 0)
    assert not made.succeeded
    assert made.fact("synthesis") is None


@pytest.mark.parametrize(
    ("line", "type_", "message"),
    [
        ("sys.exit(3)", "SystemExit", "The script called sys.exit(3). Return from the function instead."),
        ("sys.exit()", "SystemExit", "The script called sys.exit(None). Return from the function instead."),
        ("raise KeyboardInterrupt", "KeyboardInterrupt", ""),
        ("raise MemoryError('much')", "MemoryError", "much"),
        ("f = lambda: f(); f()", "RecursionError", "maximum recursion depth exceeded"),
        ("raise Mute", "Mute", "(its message cannot be shown: ZeroDivisionError)"),
        ("raise ValueError('x' * 1000000)", "ValueError", "x" * 10_000),
    ],
)
def test_whatever_a_script_raises_is_recorded(make: Make, line: str, type_: str, message: str) -> None:
    made = make(
        f"""
        import sys
        class Mute(Exception):
            def __str__(self): 1 / 0
        def synthesis():
            {line}
        """
    ).run()
    error = made.error("synthesis")
    assert (error["type"], error["message"]) == (type_, message)
    assert made.fact("synthesis").state == FAILED


@pytest.mark.parametrize(
    ("line", "signal_", "message"),
    [
        ("os.kill(os.getpid(), 9)", signal.SIGKILL, "was killed by signal 9"),
        ("os._exit(0)", 0, "ended by itself with code 0"),
        ("os._exit(5)", 0, "ended by itself with code 5"),
        ("ctypes.string_at(0)", signal.SIGSEGV, "was killed by signal 11"),
    ],
)
def test_a_part_that_dies_without_a_word_is_recorded_and_its_output_stays(
    make: Make, line: str, signal_: int, message: str
) -> None:
    made = make(f"import ctypes, os\ndef synthesis():\n    print('before')\n    {line}").run()
    assert made.fact("synthesis").state == FAILED
    assert made.fact("synthesis").signal == signal_
    assert message in made.error("synthesis")["message"]
    assert made.job.output().startswith("before\n")
    if signal_ == signal.SIGSEGV:
        assert "a_test.py" in made.job.output()


def test_a_script_that_does_not_load_is_an_error_of_the_job(make: Make) -> None:
    made = make("def synthesis(:").run()
    assert "a_test.py, line 1" in made.error("synthesis")["message"]
    assert made.fact("synthesis").state == FAILED


def test_a_part_whose_end_cannot_be_recorded_says_so_to_whom_started_it(make: Make) -> None:
    made = make("def synthesis(): ...")
    made.attempt.facts.mkdir()
    told = made.command("run-part", str(made.attempt.spec), "synthesis", code=70)
    assert told == ""  # it is in the part's own output
    assert "is not recorded" in (made.paths.output / "synthesis").read_text()


# --- tries --------------------------------------------------------------------------------------------------


FLAKY = """
from pathlib import Path
def analysis(sliceno):
    with open(f"ran.{sliceno}", "a") as fh: fh.write("x")
    if sliceno == 1 and len(Path("ran.1").read_text()) <= FAILURES: raise ValueError("not yet")
    return sliceno
def synthesis(analysis_res): return list(analysis_res)
"""


def test_a_slice_that_fails_is_tried_again_and_the_others_are_not(make: Make) -> None:
    made = make(FLAKY.replace("FAILURES", "2"), slices=3, retries=2).run()
    assert made.job.load() == [0, 1, 2]
    assert [made.fact("analysis", n).tries for n in range(3)] == [1, 3, 1]
    assert not made.attempt.error("analysis", 1).exists()
    assert [len((made.paths.root / f"ran.{n}").read_text()) for n in range(3)] == [1, 3, 1]


def test_after_a_slice_failed_for_good_no_further_one_starts(make: Make) -> None:
    made = make(FLAKY.replace("FAILURES", "9"), slices=6).run(slots=1)
    assert [made.fact("analysis", n) is not None for n in range(6)] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]
    assert not made.succeeded


def test_run_again_a_job_does_only_what_is_not_done(make: Make) -> None:
    made = make(FLAKY.replace("FAILURES", "1"), slices=3).run(slots=1)
    assert not made.succeeded
    made.run()
    assert made.job.load() == [0, 1, 2]
    assert [len((made.paths.root / f"ran.{n}").read_text()) for n in range(3)] == [1, 2, 1]
    assert made.fact("analysis", 1).tries == 2
    before = made.fact("synthesis")
    assert made.run().fact("synthesis") == before


def test_no_more_slices_run_at_once_than_are_wanted(make: Make) -> None:
    made = make("import time\ndef analysis(sliceno): time.sleep(0.05)", slices=4, concurrency=1).run(slots=4)
    times = sorted((made.fact("analysis", n).start, made.fact("analysis", n).end) for n in range(4))
    assert all(one[1] <= other[0] for one, other in itertools.pairwise(times))


def test_parts_may_be_run_one_by_one_in_processes_of_their_own(make: Make) -> None:
    made = make(
        """
        def prepare(): return 5
        def analysis(sliceno, prepare_res): return prepare_res + sliceno
        def synthesis(analysis_res): return analysis_res.merge_auto()
        """
    )
    spec = str(made.attempt.spec)
    for words in (["prepare"], ["analysis", "1"], ["analysis", "0", "--tries", "2"], ["synthesis"]):
        made.command("run-part", spec, *words)
    assert made.job.load() == 11
    assert made.fact("analysis").tries == 2


# --- ending early -------------------------------------------------------------------------------------------


def test_prepare_may_end_the_job_with_a_result(make: Make) -> None:
    made = make(
        """
        def prepare(job): job.finish_early("enough")
        def analysis(sliceno): raise ValueError
        def synthesis(): raise ValueError
        """
    ).run()
    assert made.job.load() == "enough"
    assert made.fact("prepare").finished_early
    assert made.fact("analysis") is None
    assert made.job.files() == {"result.pickle"}


def test_all_slices_together_may_end_the_job(make: Make) -> None:
    made = make("def analysis(job, sliceno): job.finish_early()\ndef synthesis(): raise ValueError").run()
    assert made.succeeded
    assert made.job.files() == set()


def test_some_slices_cannot_end_the_job(make: Make) -> None:
    made = make(
        "def analysis(job, sliceno):\n    if sliceno: job.finish_early()\ndef synthesis(): ...", slices=3
    ).run()
    assert made.error("synthesis")["message"].startswith("2 of 3 slices called finish_early (1, 2)")
    assert not made.succeeded


def test_a_slice_cannot_end_the_job_with_a_result(make: Make) -> None:
    made = make("def analysis(job, sliceno): job.finish_early(5)").run(slots=1)
    assert "cannot end the job with a result" in made.error("analysis")["message"]


def test_synthesis_may_end_early_with_a_result(make: Make) -> None:
    made = make("def synthesis(job):\n    job.finish_early(5)\n    raise ValueError").run()
    assert made.job.load() == 5


# --- files --------------------------------------------------------------------------------------------------

REGISTERED = {
    "nothing registered: all plain files at the top": (
        "put('a'); put('b'); put('sub/c'); put('.dot')",
        {"a", "b"},
    ),
    "links to files count": ("put('a'); os.symlink('a', 'l')", {"a", "l"}),
    "links out of the job do not": ("os.symlink('/etc/passwd', 'l'); put('a')", {"a"}),
    "directories do not": ("os.mkdir('d'); put('a')", {"a"}),
    "save registers, and only that": ("put('a'); job.save(1, 's')", {"s"}),
    "json_save does": ("put('a'); job.json_save(1, 'j')", {"j"}),
    "open to write does": ("put('a')\nwith job.open('o', 'w'): pass", {"o"}),
    "open to read does not": ("put('a')\nwith job.open('a'): pass", {"a"}),
    "register_file does": ("put('a'); put('b'); job.register_file('b')", {"b"}),
    "register_file in a folder": ("put('a'); put('sub/c'); job.register_file('sub/c')", {"sub/c"}),
    "register_files does": ("put('a1'); put('a2'); put('b'); job.register_files('a*')", {"a1", "a2"}),
    "register_files of all": ("put('a'); put('sub/c'); job.register_files()", {"a", "sub/c"}),
    "register_files of nothing does not": ("put('a'); job.register_files('z*')", {"a"}),
    "temporary files go, and leave it automatic": ("put('a'); job.save(1, 't', temp=True)", {"a"}),
    "temporary json": ("put('a'); job.json_save(1, 't', temp=True)", {"a"}),
    "temporary open": ("put('a')\nwith job.open('t', 'w', temp=True): pass", {"a"}),
    "a registered temporary file stays": (
        "put('a'); job.save(1, 't', temp=True); job.register_file('t')",
        {"t"},
    ),
    "register_files passes over temporary ones": (
        "put('a'); job.save(1, 't', temp=True); job.register_files()",
        {"a"},
    ),
    "a return value registers without turning it off": ("put('a'); return 5", {"a", "result.pickle"}),
    "a return value beside what was registered": (
        "put('a'); job.save(1, 's'); return 5",
        {"s", "result.pickle"},
    ),
    "sliced files one by one": ("job.save(1, 'f', sliceno=0); job.save(1, 'f', sliceno=1)", {"f.0", "f.1"}),
    "a removed file is no ghost": ("job.save(1, 's'); job.save(1, 'r').remove()", {"s"}),
    "a registered file that went is no ghost": ("job.save(1, 's'); job.save(1, 'r'); os.unlink('r')", {"s"}),
    "ours never": ("put('a'); print('output')", {"a"}),
    "what was there before never": ("put('given')", set()),
    "strange names are left out": ("put('a'); put('line\\nbreak')", {"a"}),
}


@pytest.mark.parametrize(("body", "registered"), REGISTERED.values(), ids=REGISTERED)
def test_a_jobs_files_are_those_that_were_registered_or_all(
    make: Make, body: str, registered: set[str]
) -> None:
    source = "import os\nfrom pathlib import Path\n"
    source += "def put(name):\n    Path('sub').mkdir(exist_ok=True)\n    Path(name).write_text(name)\n"
    source += "def synthesis(job):\n" + textwrap.indent(body, "    ")
    made = make(source, present=["setup.json", ".roost", "given"]).run()
    assert made.job.files() == registered, made.job.output()
    known = manifest.read(made.paths)
    assert set(known) == registered
    manifest.verify(made.paths.root, known)
    assert not (made.paths.root / "t").exists() or "t" in registered


def test_files_of_all_steps_are_seen_together(make: Make) -> None:
    made = make(
        """
        from pathlib import Path
        def prepare(job):
            job.save("p", "p")
            job.save("t", "kept later", temp=True)
            job.save("t", "temporary", temp=True)
        def analysis(job, sliceno):
            assert job.load("temporary") == "t"
            job.save(sliceno, "f", sliceno=sliceno)
            Path("not registered").touch()
        def synthesis(job):
            assert [job.load("f", n) for n in range(2)] == [0, 1]
            job.register_file("kept later")
        """
    ).run()
    assert made.job.files() == {"p", "f.0", "f.1", "kept later"}
    assert not (made.paths.root / "temporary").exists()


def test_when_synthesis_saves_its_result_and_also_returns_one_the_returned_one_counts(make: Make) -> None:
    assert make("def synthesis(job):\n    job.save(1)\n    return 2").run().job.load() == 2


def test_a_failed_job_has_no_files_and_keeps_what_it_wrote(make: Make) -> None:
    made = make("def synthesis(job):\n    job.save(1, 'x')\n    raise ValueError").run()
    assert made.job.files() == set()
    assert made.job.load("x") == 1


def test_how_it_went_is_told_in_post(make: Make) -> None:
    made = make("def prepare(): ...\ndef analysis(sliceno): ...\ndef synthesis(): return 1", slices=3).run()
    post = made.job.post
    times = post.exectime
    assert post.files == ["result.pickle"]
    assert len(times.per_slice) == 3
    assert times.total == pytest.approx(times.prepare + times.analysis + times.synthesis)
    assert abs(post.endtime - time.time()) < 60
    assert post.starttime <= post.endtime
    assert (post.version, post.attempt, post.subjobs) == (1, 1, {})


# --- status -------------------------------------------------------------------------------------------------


def test_what_a_running_slice_says_can_be_read_and_goes_with_it(make: Make, tmp_path: Path) -> None:
    made = make(
        """
        from pathlib import Path
        import time
        from jobs_app.script import status
        options = {"go": ""}
        def analysis(sliceno):
            msg = "my status message: %s"
            with status(msg % ("init",)) as update:
                update(msg % ("task",))
                while not Path(options.go).exists(): time.sleep(0.01)
        """,
        slices=1,
        arguments={"go": str(tmp_path / "go")},
    )
    process = subprocess.Popen(
        [sys.executable, "-c", COMMAND, "run-all", str(made.attempt.spec)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    path = made.attempt.status("analysis", 0)
    until(lambda: [line.text for line in read_status(path)] == ["analysis(0)", "my status message: task"])
    (tmp_path / "go").touch()
    assert process.wait(60) == 0
    assert not path.exists()


# --- subjobs ------------------------------------------------------------------------------------------------

ASKING = """
import json, os, sys
from pathlib import Path
from jobs_app.script import runner
spec, answer, asked = Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3])
directory = spec.parents[3]
script = runner.load(directory / json.loads(spec.read_text())["script"])
def ask(request):
    asked.write_text(json.dumps(request))
    return answer
for step in script.steps:
    process = os.fork()
    if not process:
        os._exit(runner.run_part(script, json.loads(spec.read_text()), directory, step, 0, 1, ask))
    os.waitpid(process, 0)
"""


def ask(made: ScriptJob, answer: dict[str, Any]) -> dict[str, Any]:
    asked = made.paths.private / "asked"
    subprocess.run(
        [sys.executable, "-c", ASKING, str(made.attempt.spec), json.dumps(answer), str(asked)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=True,
        timeout=60,
    )
    return json.loads(asked.read_text()) if asked.exists() else {}


def test_a_step_builds_a_job_and_uses_it(make: Make) -> None:
    sub = make("def synthesis(): return 7").run()
    made = make(
        """
        from jobs_app.script.subjobs import build
        def synthesis():
            job = build("my_script", x={1, 2}, options={"name": "n"}, jobs={"previous": "a-1"}, caption="c")
            job.link_to_here()
            return job, job.method, job.load()
        """
    )
    asked = ask(made, {"job": sub.id, "path": str(sub.paths.root), "was_built": True})
    assert asked == {
        "kind": "build",
        "method": "my_script",
        "options": {"name": "n"},
        "datasets": {},
        "jobs": {"previous": "a-1"},
        "keywords": {"x": ["set", [1, 2]]},
        "name": None,
        "caption": "c",
    }
    assert made.job.load() == (sub.id, "my_script", 7)
    assert made.job.post.subjobs == {sub.id: True}


def test_what_prepare_builds_is_told_in_the_end_as_well(make: Make) -> None:
    made = make(
        "from jobs_app.script import subjobs\ndef prepare(): subjobs.build('m')\ndef synthesis(): ...",
    )
    ask(made, {"job": "other-3", "path": "/nowhere", "was_built": False})
    assert made.job.post.subjobs == {"other-3": False}


def test_a_subjob_that_fails_fails_its_parent_with_the_reason(make: Make) -> None:
    made = make("from jobs_app.script.subjobs import build\ndef synthesis(): build('m')")
    ask(made, {"error": "UnknownMethod: there is no method 'm'"})
    error = made.error("synthesis")
    assert error["type"] == "JobFailed"
    assert "The subjob 'm' was not built: UnknownMethod: there is no method 'm'" in error["message"]


def test_a_slice_builds_nothing(make: Make) -> None:
    made = make("from jobs_app.script.subjobs import build\ndef analysis(sliceno): build('m')")
    assert ask(made, {}) == {}
    assert "cannot build jobs" in made.error("analysis")["message"]


def test_where_nobody_can_be_asked_the_error_says_so(make: Make) -> None:
    made = make("from jobs_app.script.subjobs import build\ndef synthesis(): build('m')").run()
    assert "cannot be built here" in made.error("synthesis")["message"]
    assert made.fact("synthesis").state == FAILED


def test_a_part_that_went_well_is_recorded_as_done(make: Make) -> None:
    fact = make("def synthesis(): ...").run().fact("synthesis")
    assert (fact.state, fact.tries, fact.exit_code) == (DONE, 1, 0)
    assert fact.memory_bytes > 1_000_000
    assert fact.end >= fact.start > time.time() - 60


# --- many slices --------------------------------------------------------------------------------------------


def test_many_slices_leave_few_files_and_read_as_ever(make: Make) -> None:
    made = make(
        """
        def analysis(sliceno, slices):
            if sliceno % 2: print("slice", sliceno)
            return "x" * 100_000 if sliceno == 7 else [sliceno]
        def synthesis(analysis_res):
            return [len(res) for res in analysis_res][:9]
        """,
        slices=1200,
    )
    for sliceno in range(9):
        made.command("run-part", str(made.attempt.spec), "analysis", str(sliceno))
    assert sorted(path.name for path in made.paths.output.iterdir()) == ["index", "pack"]
    assert made.job.output(3) == "slice 3\n"
    assert list(made.job.output("parts")) == [1, 3, 5, 7]
    files = sorted(path.name for path in (made.attempt.root / "results").rglob("*") if path.is_file())
    assert files == ["7.pickle", "index", "pack"]
    found = Results(made.attempt, 1200)
    assert [len(found.load("analysis", sliceno)) for sliceno in (6, 7, 8)] == [1, 100_000, 1]


def test_of_many_slices_one_that_fails_keeps_its_output_in_a_file(make: Make) -> None:
    made = make("def analysis(sliceno):\n    print('before')\n    1 / 0", slices=1200)
    made.command("run-part", str(made.attempt.spec), "analysis", "5")
    assert [path.name for path in made.paths.output.iterdir()] == ["5"]


# --- kill -9 ------------------------------------------------------------------------------------------------

STEPS = """
from pathlib import Path
def prepare(job):
    job.save(1, "temporary", temp=True)
    return 10
def analysis(sliceno, job, prepare_res):
    job.save(sliceno, "part", sliceno=sliceno)
    print("slice", sliceno)
    return prepare_res + sliceno
def synthesis(analysis_res, job):
    return analysis_res.merge_auto() + job.load("temporary")
"""


@pytest.mark.parametrize("count", range(1, 5))
@pytest.mark.parametrize("place", ["runner.ran", "runner.unrecorded", "runner.recorded"])
def test_killed_anywhere_in_any_part_a_job_ends_as_if_nothing_had_been(
    make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, count: int
) -> None:
    """Each part reaches each place once: the first, ..., the fourth part is killed there."""
    made = make(STEPS, retries=1)
    monkeypatch.setenv("ROOST_KILL_AT", place)
    spec = str(made.attempt.spec)
    parts = [("prepare", 0), ("analysis", 0), ("analysis", 1), ("synthesis", 0)]
    for at, (step, sliceno) in enumerate(parts, start=1):
        if at == count:
            made.command("run-part", spec, step, str(sliceno), code=-signal.SIGKILL)
            monkeypatch.delenv("ROOST_KILL_AT")
            break
        with monkeypatch.context() as spared:
            spared.delenv("ROOST_KILL_AT")
            made.command("run-part", spec, step, str(sliceno))
    recorded = made.fact(step, sliceno) is not None
    assert recorded is (place == "runner.recorded")
    made.run()
    assert made.job.load() == 10 + 11 + 1
    assert made.job.files() == {"part.0", "part.1", "result.pickle"}
    assert made.job.output("analysis") == "slice 0\nslice 1\n"
    assert not (made.paths.root / "temporary").exists()
    assert not (made.attempt.root / "results").exists()
    manifest.verify(made.paths.root, manifest.read(made.paths))


def test_a_disk_that_takes_nothing_any_more_is_told_to_whom_started_the_part(make: Make) -> None:
    made = make(
        """
        import resource
        def synthesis(): resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); return [1]
        """
    ).run()
    assert not made.succeeded
    assert made.fact("synthesis").state == FAILED
    assert "is the disk full?" in made.error("synthesis")["message"]
    assert not (made.paths.root / "result.pickle").exists()
