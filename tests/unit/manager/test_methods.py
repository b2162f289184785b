"""Job scripts are found lazily, loaded again when they change, and stand in nobody else's way when broken."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jobs_app import methods, registry
from jobs_app.errors import Invalid, ScriptError, UnknownMethod

from .conftest import NewApp

GOOD = '"""x"""\ndescription = "Adds."\n\ndef synthesis():\n    return 1\n'


DICT = 'options = {"x": 1}  # x\n'


def folder_of(app: type) -> Path:
    folder = registry.find(app).job_scripts
    assert folder is not None
    return folder


def rewrite(path: Path, source: str) -> None:
    path.write_text(source)
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))


def test_a_script_may_have_its_plain_name_or_begin_with_a(new_app: NewApp) -> None:
    app = registry.find(new_app(scripts={"a_add.py": GOOD, "multiply.py": GOOD}))
    assert methods.find("add", app).path.name == "a_add.py"
    assert methods.find("multiply", app).path.name == "multiply.py"
    assert methods.find("add", app).description == "Adds."


def test_both_spellings_of_one_name_are_refused(new_app: NewApp) -> None:
    app = registry.find(new_app(scripts={"a_add.py": GOOD, "add.py": GOOD}))
    with pytest.raises(ScriptError, match="are both the method 'add'"):
        methods.find("add", app)


def test_ones_own_method_goes_before_anothers(new_app: NewApp) -> None:
    mine = registry.find(new_app(scripts={"a_add.py": GOOD}))
    other = registry.find(new_app(scripts={"a_add.py": GOOD}))
    assert methods.find("add", mine).app == mine
    assert methods.find("add", other).app == other
    assert methods.find(f"{other.label}.add", mine).app == other


def test_anothers_method_is_found_and_named_in_full(new_app: NewApp) -> None:
    mine = registry.find(new_app())
    other = registry.find(new_app(scripts={"a_only_here.py": GOOD}))
    found = methods.find("only_here", mine)
    assert found.app == other
    assert (found.name_in(mine), found.name_in(other)) == (f"{other.label}.only_here", "only_here")
    assert methods.find(found.name_in(mine), mine).path == found.path


def test_a_method_of_two_other_apps_must_be_named_in_full(new_app: NewApp) -> None:
    one, two = (registry.find(new_app(scripts={"a_shared_name.py": GOOD})) for _ in range(2))
    with pytest.raises(Invalid, match=f"{one.label}.shared_name .* and {two.label}.shared_name"):
        methods.find("shared_name")


def test_an_unknown_method_is_named_with_the_nearest(new_app: NewApp) -> None:
    app = registry.find(new_app(scripts={"a_interpolate.py": GOOD}))
    with pytest.raises(UnknownMethod, match="Did you mean 'interpolate'"):
        methods.find("interpolat", app)


@pytest.mark.parametrize("name", ["../add", "a/b", "", "add.py", "x\0", "__init__"])
def test_a_name_that_is_no_name_finds_nothing(name: str, new_app: NewApp) -> None:
    app = registry.find(new_app(scripts={"a_add.py": GOOD, "__init__.py": GOOD}))
    with pytest.raises(UnknownMethod):
        methods.find(name, app)


def test_a_broken_script_is_listed_with_its_reason_and_the_others_load(new_app: NewApp) -> None:
    app = new_app(
        scripts={
            "a_good.py": GOOD,
            "a_typo.py": "def synthesis(:\n",
            "a_raises.py": "1/0\n",
            "a_empty.py": "",
        }
    )
    catalogue = methods.catalogue(registry.find(app).label)
    assert [method.name for method in catalogue.methods] == ["good"]
    reasons = " ".join(map(str, catalogue.broken))
    assert "a_typo.py, line 1" in reasons
    assert "a_raises.py, line 1: ZeroDivisionError" in reasons
    assert "a_empty.py has no step" in reasons


def test_a_module_beside_the_scripts_is_no_method(new_app: NewApp) -> None:
    app = registry.find(new_app(scripts={"a_add.py": "import helper\n" + GOOD, "helper.py": "x = 1\n"}))
    assert [method.name for method in methods.catalogue(app.label).methods] == ["add"]
    with pytest.raises(ScriptError, match=r"helper\.py has no step"):
        methods.find("helper", app)


def test_any_byte_of_the_script_changes_the_digest_and_a_return_brings_it_back(new_app: NewApp) -> None:
    app = new_app(scripts={"a_add.py": GOOD})
    path = folder_of(app) / "a_add.py"
    first = methods.find("add", registry.find(app)).digest
    rewrite(path, GOOD + "# a comment\n")
    assert methods.find("add", registry.find(app)).digest != first
    rewrite(path, GOOD)
    assert methods.find("add", registry.find(app)).digest == first


def test_a_change_of_what_the_script_depends_on_changes_the_digest(new_app: NewApp) -> None:
    app = new_app(scripts={"a_add.py": 'depend_extra = ("table.csv",)\n' + GOOD})
    table = folder_of(app) / "table.csv"
    table.write_text("1")
    first = methods.find("add", registry.find(app)).digest
    rewrite(table, "2")
    assert methods.find("add", registry.find(app)).digest != first
    table.unlink()
    with pytest.raises(ScriptError, match=r"table\.csv"):
        methods.find("add", registry.find(app))


def test_a_script_is_loaded_once_while_it_stays_the_same(new_app: NewApp) -> None:
    app = new_app(scripts={"a_add.py": GOOD})
    path = folder_of(app) / "a_add.py"
    assert methods.find("add", app).script is not methods.find("add", app).script
    os.utime(path, (1e9, 1e9))  # long enough ago for the file system's clock
    assert methods.find("add", app).script is methods.find("add", app).script


def test_a_script_that_comes_later_is_found(new_app: NewApp) -> None:
    app = new_app()
    with pytest.raises(UnknownMethod):
        methods.find("late", registry.find(app))
    (folder_of(app) / "a_late.py").write_text(GOOD)
    assert methods.find("late", registry.find(app)).name == "late"


def test_options_keep_the_comments_beside_them(new_app: NewApp) -> None:
    source = (
        "options = dict(\n"
        "    size=3,  # how large\n"
        "    # where to begin,\n"
        "    # and why\n"
        "    start=[\n"
        "        1,\n"
        "    ],\n"
        "    plain=0,\n"
        ")\n" + GOOD
    )
    app = registry.find(
        new_app(scripts={"a_call.py": source, "a_dict.py": 'options = {"x": 1}  # x\n' + GOOD})
    )
    assert methods.find("call", app).option_comments() == {
        "size": "how large",
        "start": "where to begin, and why",
        "plain": "",
    }
    assert methods.find("dict", app).option_comments() == {"x": "x"}
