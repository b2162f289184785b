from __future__ import annotations

import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from jobs_app.errors import ScriptError
from jobs_app.script.loading import Script, digest, load

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def write(source: str | bytes, name: str = "a_test.py") -> Path:
        path = tmp_path / "app" / "job_scripts" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(source if isinstance(source, bytes) else textwrap.dedent(source).encode())
        return path

    return write


@pytest.fixture(autouse=True)
def _clean() -> Iterator[None]:
    modules, finders = dict(sys.modules), list(sys.meta_path)
    yield
    assert [folder for folder in sys.path if "job_scripts" in folder] == []
    assert sys.meta_path == finders
    assert {
        name for name in sys.modules.keys() - modules.keys() if "helper" in name or "job_scripts" in name
    } == set()


def loaded(write: Write, source: str) -> Script:
    return load(write(source), "app")


def test_a_script_tells_what_it_has_and_needs(write: Write) -> None:
    script = loaded(
        write,
        """
        description = '''Collect ratings.

            In detail.
            '''
        options = dict(x=3)
        jobs = ("previous",)

        def prepare(): ...
        def analysis(sliceno, prepare_res): ...
        def synthesis(job, analysis_res): ...
        """,
    )
    assert script.method == "test"
    assert script.steps == ("prepare", "analysis", "synthesis")
    assert script.description == "Collect ratings.\n\nIn detail."
    assert list(script.options) == ["x"]
    assert script.declared.jobs.names == ("previous",)
    assert script.needs == {
        "prepare": True,
        "analysis": True,
        "synthesis": True,
        "prepare_res": True,
        "analysis_res": True,
    }
    assert loaded(write, "def synthesis(): ...").needs["analysis_res"] is False


def test_a_method_may_have_its_name_alone(write: Write) -> None:
    assert load(write("def synthesis(): ...", "ising.py")).method == "ising"


REFUSED = {
    "x = 1": "a_test.py has no step",
    "def synthesis(:": "a_test.py, line 1: ",
    "def prepare():\n  x = 1\n y": "a_test.py, line 3: ",
    b"\0": "a_test.py",
    "\n\nimport nothing_of_this_name": "a_test.py, line 3: ModuleNotFoundError: No module named",
    "def f():\n    return 1 / 0\nf()": "a_test.py, line 2: ZeroDivisionError: division by zero",
    "import sys\nsys.exit(3)": "a_test.py, line 2: SystemExit: 3",
    "synthesis = 5": "synthesis is int, not a function",
    "def analysis(): ...": "a_test.py, line 1: analysis does not take sliceno",
    "\ndef synthesis(jobb): ...": "a_test.py, line 2: synthesis takes 'jobb', which is not known.",
    "def prepare(prepare_res): ...": "prepare takes 'prepare_res', which is not known",
    "def synthesis(*args): ...": "synthesis takes *args",
    "def synthesis(**kw): ...": "synthesis takes **kw",
    "def synthesis(analysis_res): ...": "synthesis takes analysis_res, but there is no analysis",
    "def synthesis(prepare_res): ...": "synthesis takes prepare_res, but there is no prepare",
    "def analysis(sliceno): yield 1": "is a generator or coroutine",
    "async def synthesis(): ...": "is a generator or coroutine",
    "jobs = ('previous')\ndef synthesis(): ...": "a comma is missing. Write jobs = ('previous',)",
    "options = {'x': object()}\ndef synthesis(): ...": "The option 'x' is declared by",
    "description = 5\ndef synthesis(): ...": "description is int",
    "depend_extra = ('nowhere.txt',)\ndef synthesis(): ...": "'nowhere.txt', which is not there",
    "depend_extra = 'x.txt'\ndef synthesis(): ...": "a comma is missing",
    "depend_extra = (5,)\ndef synthesis(): ...": "depend_extra holds 5",
    "import sys\ndepend_extra = (sys,)\ndef synthesis(): ...": "depend_extra holds sys, which is no file",
}


@pytest.mark.parametrize(("source", "why"), REFUSED.items(), ids=range(len(REFUSED)))
def test_a_script_that_cannot_be_used_is_refused_with_file_line_and_reason(
    write: Write, source: str | bytes, why: str
) -> None:
    path = write(source)
    with pytest.raises(ScriptError) as caught:
        load(path, "app")
    assert why in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_script_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScriptError, match=r"nowhere\.py cannot be read: No such file"):
        load(tmp_path / "nowhere.py")


def test_an_argument_with_a_default_of_its_own_is_let_alone(write: Write) -> None:
    script = loaded(write, "def synthesis(job, factor=3): ...")
    assert script.arguments["synthesis"] == {"job"}


# --- what lies beside it ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "line", ["from . import helper", "import helper", "from .helper import WORD; import helper"]
)
def test_a_script_imports_what_lies_beside_it(write: Write, line: str) -> None:
    write("WORD = 'mine'", "helper.py")
    script = loaded(write, f"{line}\ndepend_extra = (helper,)\ndef synthesis(): ...")
    assert script.module.helper.WORD == "mine"
    assert list(script.sources) == ["a_test.py", "helper.py"]
    assert script.forgotten == ()


def test_two_apps_may_have_helpers_of_one_name(tmp_path: Path) -> None:
    words = []
    for app in ("one", "two"):
        folder = tmp_path / app / "job_scripts"
        folder.mkdir(parents=True)
        (folder / "helper.py").write_text(f"WORD = {app!r}")
        (folder / "a_test.py").write_text("import helper\ndef synthesis(): ...")
        words.append(load(folder / "a_test.py", app).module.helper.WORD)
    assert words == ["one", "two"]


def test_a_changed_helper_is_loaded_anew(write: Write) -> None:
    for word in ("old", "newer"):
        write(f"WORD = {word!r}", "helper.py")
        assert word == loaded(write, "import helper\ndef synthesis(): ...").module.helper.WORD


def test_what_was_loaded_but_not_named_is_told(write: Write) -> None:
    helper = write("", "helper.py")
    assert loaded(write, "import helper\ndef synthesis(): ...").forgotten == (helper,)


def test_files_and_packages_may_be_depended_on(write: Write, tmp_path: Path) -> None:
    write("1,2", "table.csv")
    write("", "data/deep.txt")
    (tmp_path / "shared.txt").touch()
    write("from . import part", "toolhelper/__init__.py")
    write("", "toolhelper/part.py")
    script = loaded(
        write,
        """
        import toolhelper
        depend_extra = ("table.csv", "data/deep.txt", "../../shared.txt", toolhelper)
        def synthesis(): ...
        """,
    )
    assert list(script.sources) == [
        "a_test.py",
        "table.csv",
        "data/deep.txt",
        "shared.txt",
        "toolhelper/__init__.py",
        "toolhelper/part.py",
    ]


def test_copied_to_a_job_a_script_finds_what_it_depends_on(write: Write, tmp_path: Path) -> None:
    (tmp_path / "shared.txt").touch()
    write("WORD = 5", "helper.py")
    script = loaded(
        write, 'from . import helper\ndepend_extra = ("../../shared.txt", helper)\ndef synthesis(): ...'
    )
    source = tmp_path / "job" / ".roost" / "source"
    for name, file in script.sources.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(file.read_bytes())
    copied = load(source / "a_test.py", "app")
    assert copied.digest == script.digest
    assert copied.module.__name__ == script.module.__name__ == "app.job_scripts.a_test"


def test_a_job_keeps_the_modules_of_the_app_that_it_depends_on_as_they_were(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "live" / "helperapp"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "physics.py").write_text("WORD = 'as it was'")
    (package / "other.py").write_text("WORD = 'live'")
    monkeypatch.setattr(sys, "path", [str(tmp_path / "live"), *sys.path])
    source = "from helperapp import physics, other\ndepend_extra = (physics,)\ndef synthesis(): ..."
    script = loaded(write, source)
    assert list(script.sources) == ["a_test.py", "helperapp/physics.py"]
    write((package / "physics.py").read_bytes(), "helperapp/physics.py")  # as a job keeps it
    (package / "physics.py").write_text("WORD = 'changed meanwhile'")
    for name in [name for name in sys.modules if name.startswith("helperapp")]:
        del sys.modules[name]
    again = loaded(write, source)
    assert again.module.physics.WORD == "as it was"
    assert again.module.other.WORD == "live"
    assert again.sources["helperapp/physics.py"] == again.path.parent / "helperapp/physics.py"
    for name in ("helperapp", "helperapp.other"):
        sys.modules.pop(name)


def test_loading_leaves_no_byte_code_beside_the_script(write: Write) -> None:
    helper = write("", "helper.py")
    loaded(write, "import helper\ndef synthesis(): ...")
    assert sorted(path.name for path in helper.parent.iterdir()) == ["a_test.py", "helper.py"]


def test_any_byte_changes_the_digest_and_the_way_back_restores_it(write: Write) -> None:
    helper = write("X = 1", "helper.py")
    source = "import helper\ndepend_extra = (helper,)\ndef synthesis(): ..."
    first = loaded(write, source).digest
    assert loaded(write, source + "  # a comment").digest != first
    helper.write_text("X = 22")
    assert loaded(write, source).digest != first
    helper.write_text("X = 1")
    assert loaded(write, source).digest == first


def test_the_order_of_what_it_depends_on_does_not_matter_but_the_names_do(tmp_path: Path) -> None:
    for name in "sab":
        (tmp_path / name).write_text(name)
    script, one, two = (tmp_path / name for name in "sab")
    first = digest({"s": script, "a": one, "b": two})
    assert digest({"s": script, "b": two, "a": one}) == first
    assert digest({"other": script, "a": one, "b": two}) == first
    assert digest({"s": script, "b": one, "a": two}) != first
