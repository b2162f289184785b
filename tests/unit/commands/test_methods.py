from __future__ import annotations

from .conftest import manage


def test_methods_are_listed_with_the_first_line_of_their_descriptions(db):
    assert [
        "ising",
        "examples.ising",
        "The two-dimensional Ising magnet, beside its exact solution.",
    ] in manage("methods").rows


def test_one_method_is_shown_with_its_options_and_what_the_script_says_of_them(db):
    said = manage("methods", "ising", "--json").json
    options = {option["name"]: option for option in said["options"]}
    assert said["steps"] == ["prepare", "analysis", "synthesis"]
    assert options["size"] == {"name": "size", "declared": "128 (from 4 to 4096)", "comment": "spins a side"}


def test_an_unknown_method_is_named_with_those_there_are(db):
    said = manage("methods", "isign")
    assert said.code == 2
    assert "ising" in said.err


def test_a_script_that_does_not_load_is_reported_and_the_others_are_listed(db, tmp_path, monkeypatch):
    from jobs_app import registry
    from jobs_app.registry import App

    (tmp_path / "job_scripts").mkdir()
    (tmp_path / "job_scripts" / "a_broken.py").write_text("def synthesis(:\n")
    (tmp_path / "job_scripts" / "a_good.py").write_text("def synthesis(): return 1\n")
    monkeypatch.setitem(registry._apps, "shop", App("shop", "shop", tmp_path))
    said = manage("methods", "--app", "shop")
    assert said.code == 1
    assert [row[0] for row in said.rows] == ["good"]
    assert "a_broken.py, line 1" in said.err


GOOD = "def synthesis():\n    return 1\n"


def test_a_file_that_looks_like_a_script_and_is_none_is_listed_with_the_reason(db, tmp_path, monkeypatch):
    from jobs_app import registry

    (tmp_path / "job_scripts").mkdir()
    sources = {
        "a_good.py": "import shared\n" + GOOD,
        "shared.py": "x = 1\n",
        "_private.py": "x = 1\n",
        "forgotten.py": "def analyse(): pass\n",
        "my-script.py": GOOD,
        "a_odd name.py": GOOD,
    }
    for name, source in sources.items():
        (tmp_path / "job_scripts" / name).write_text(source)
    monkeypatch.setitem(registry._apps, "shop", registry.App("shop", "shop", tmp_path))
    said = manage("methods", "--app", "shop")
    assert said.code == 0
    assert [row[0] for row in said.rows] == ["good"]
    first, second, third = said.err.splitlines()
    assert "a_odd name.py cannot be a method" in first
    assert "Call it a_odd_name.py" in first
    assert "forgotten.py has no step" in second
    assert "my-script.py cannot be a method" in third
    for name, reason in (("my-script", "Call it my_script.py"), ("forgotten", "has no step")):
        assert reason in manage("methods", name).err


def test_an_unknown_method_says_which_apps_are_known_and_when_one_is_found(db):
    said = manage("jobs", "run", "darts")
    assert said.code == 2
    assert "'darts' is not a method of any app." in said.err
    assert "Known apps: examples.ising" in said.err
    assert "beside manage.py" in said.err


def test_templates_are_listed_as_the_code_declares_them(db):
    assert manage("templates", "--app", "examples.ising").rows[0][:4] == [
        "ising",
        "examples.ising",
        "SCRIPT",
        "1",
    ]
