"""The documentation says what is there, and nothing else."""

from __future__ import annotations

import argparse
import re
from inspect import isfunction
from pathlib import Path

import pytest
from django.core.management import load_command_class

from jobs_app import states
from jobs_app.job_types import COMMON, JOB_TYPES
from jobs_app.management.base import EXIT_CODES
from jobs_app.manager import JobManager
from jobs_app.models.verbs import Verbs
from jobs_app.workflows import NODE

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.glob("*.md"))]


def text_of(name: str) -> str:
    return (DOCS / name).read_text()


def packages_in(file: str) -> list[str]:
    lines = (ROOT / file).read_text().splitlines()
    found = (re.match(r"[A-Za-z0-9][\w.-]*", line) for line in lines if not line.startswith(("#", "-")))
    return [match[0] for match in found if match]


@pytest.mark.parametrize("file", ["requirements.in", "tests/requirements.in", "benchmarks/peers.in"])
def test_every_dependency_earns_its_line(file: str) -> None:
    rows = "\n".join(line for line in text_of("dependencies.md").splitlines() if line.startswith("|"))
    assert [package for package in packages_in(file) if f"`{package}`" not in rows] == []


def test_no_line_is_left_of_a_dependency_that_went() -> None:
    pinned = {
        package
        for file in ("requirements.in", "tests/requirements.in", "benchmarks/peers.in")
        for package in packages_in(file)
    }
    first_cells = re.findall(r"^\| (`.*?`) \|", text_of("dependencies.md"), re.MULTILINE)
    named = {package for cell in first_cells for package in re.findall(r"`([^`]+)`", cell)}
    assert named == pinned


def settings_in(file: str) -> set[str]:
    return set(re.findall(r"\bROOST_[A-Z_]+\b", (ROOT / file).read_text()))


def settings_read() -> set[str]:
    sources = [*(ROOT / "jobs_app").rglob("*.py"), *(ROOT / "config").glob("*.py")]
    named = {name for file in sources for name in settings_in(str(file.relative_to(ROOT)))}
    return {name for name in named if not any(other.startswith(f"{name}_") for other in named - HOLDS)}


# Also the beginning of another name.
HOLDS = {"ROOST_NODE_REPORTS", "ROOST_APPS_FILE"}


def test_every_setting_is_explained() -> None:
    explained = settings_in("docs/settings.md") | settings_in("docs/faults.md")
    assert sorted(settings_read() - explained) == []


def test_no_setting_is_explained_that_nothing_reads() -> None:
    assert sorted(settings_in("docs/settings.md") - settings_read()) == []


def parsers() -> dict[str, argparse.ArgumentParser]:
    """By the words that call them: "jobs list", "serve"."""
    folder = ROOT / "jobs_app" / "management" / "commands"
    found: dict[str, argparse.ArgumentParser] = {}
    for name in sorted({file.stem for file in folder.glob("*.py")} - {"__init__"}):
        parser = load_command_class("jobs_app", name).create_parser("manage.py", name)
        families = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
        inner = {f"{name} {word}": sub for family in families for word, sub in family.choices.items()}
        found.update(inner or {name: parser})
    return found


# Headings of several commands.
FAMILIES = {"jobs", "schedulers", "tokens", "callbacks", "users"}


def sections() -> dict[str, str]:
    """The text under each command's heading."""
    parts = re.split(r"^###? `?(?:manage\.py )?([a-z -]+)`?$", text_of("commands.md"), flags=re.MULTILINE)
    return {name: text for name, text in zip(parts[1::2], parts[2::2], strict=True) if name not in FAMILIES}


def test_every_command_is_explained_and_no_other() -> None:
    assert set(sections()) == set(parsers())


@pytest.mark.parametrize("command", sorted(parsers()))
def test_a_command_s_options_are_those_of_its_parser(command: str) -> None:
    shown = [action for action in parsers()[command]._actions if action.help != argparse.SUPPRESS]
    known = {word for action in shown for word in action.option_strings} - {"-h", "--help"}
    named = set(re.findall(r"(?<![\w-])--?[a-z][a-z-]*", sections()[command]))
    assert named == known


def test_the_exit_codes_are_the_code_s() -> None:
    real = re.findall(r"^  (\d+) +(.*)$", EXIT_CODES, re.MULTILINE)
    rows = [cells(line) for line in text_of("commands.md").splitlines() if re.match(r"\| \d", line)]
    assert rows == [list(row) for row in real]


LINK = re.compile(r"\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_between_pages_lead_somewhere(page: Path) -> None:
    targets = [match[1] for match in LINK.finditer(page.read_text())]
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_the_table_of_contents_names_every_page() -> None:
    contents = text_of("README.md")
    missing = [
        page.name for page in DOCS.glob("*.md") if page.name != "README.md" and page.name not in contents
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_a_page_names_are_there(page: Path) -> None:
    named = re.findall(r"`((?:jobs_app|config|tests|docs|examples|benchmarks)/[\w/.-]*\w)`", page.read_text())
    assert [name for name in named if not (ROOT / name).exists()] == []


def cells(line: str) -> list[str]:
    return [cell.strip().replace("`", "") for cell in line.strip("|").split("|")]


def test_the_table_of_states_is_the_code_s() -> None:
    rows = [cells(line) for line in text_of("jobs-api.md").splitlines() if re.match(r"\| `[A-Z]{3}` ", line)]
    real = [
        [state.code, state.word, state.sentence, "yes" if state.final else ""]
        for state in states.JOB_STATES.values()
    ]
    assert sorted(rows) == sorted(real)


def table_in_docstring(text: str) -> list[list[str]]:
    """Two columns; a line without a first one goes on with the second."""
    lines = [line for line in text.splitlines() if line.startswith("    ") and "-----" not in line]
    border = lines[0].index("the job is")
    rows: list[list[str]] = []
    for line in lines[1:]:
        left, right = line[:border].strip(), " ".join(line[border:].split())
        if left:
            rows.append([left, right])
        else:
            rows[-1][1] += f" {right}"
    return rows


def test_the_table_from_slices_to_job_is_the_code_s() -> None:
    page = [cells(line) for line in text_of("jobs-api.md").splitlines() if line.startswith("|")]
    real = table_in_docstring(states.__doc__ or "")
    assert len(real) > 5
    assert [row for row in real if row not in page] == []


def test_every_parameter_of_a_job_is_explained() -> None:
    named = set(re.findall(r"`(\w+)`", text_of("jobs-api.md")))
    taken = set(COMMON).union(*(model.PARAMETERS for model in JOB_TYPES.values()))
    assert sorted(taken - named) == []


def test_every_parameter_of_a_node_is_explained_and_no_other() -> None:
    table = text_of("workflows.md").partition("## What a node takes")[2].partition("\n\nIn a script")[0]
    named = {
        name
        for line in table.splitlines()
        for name in re.findall(r"`(\w+)`", line.split("|")[1] if "|" in line else "")
    }
    assert named == set(NODE)


def test_every_verb_on_a_job_is_explained() -> None:
    named = set(re.findall(r"`(\w+)\(", text_of("jobs-api.md")))
    verbs = {name for name, value in vars(Verbs).items() if isfunction(value) and not name.startswith("_")}
    assert sorted(verbs - named) == []


def test_every_method_of_the_job_manager_is_explained() -> None:
    named = set(re.findall(r"`(\w+)\(", text_of("jobs-api.md")))
    methods = {
        name for name, value in vars(JobManager).items() if callable(value) and not name.startswith("_")
    }
    assert sorted(methods - named - {"build_subjob"}) == []  # for running jobs, see job-scripts.md
