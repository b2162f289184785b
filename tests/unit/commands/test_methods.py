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
    assert options["size"] == {"name": "size", "declared": "128", "comment": "spins a side"}


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


def test_templates_are_listed_as_the_code_declares_them(db):
    assert manage("templates", "--app", "examples.ising").rows[0][:4] == [
        "ising",
        "examples.ising",
        "SCRIPT",
        "1",
    ]
