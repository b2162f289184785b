from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jobs_app.management import hints

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        ([".venv/bin/python", "manage.py", "jobs", "list"], ".venv/bin/python manage.py jobs list"),
        (["python", "-W", "error", "./manage.py", "serve"], "python -W error ./manage.py jobs list"),
        (["python", "my shop/manage.py", "serve"], "python 'my shop/manage.py' jobs list"),
        (["python", "-m", "pytest"], "python manage.py jobs list"),
    ],
)
def test_a_hint_is_called_as_this_process_was(monkeypatch, called, shown):
    script = next((index for index, word in enumerate(called) if word.endswith("manage.py")), 1)
    monkeypatch.setattr(sys, "orig_argv", called)
    monkeypatch.setattr(sys, "argv", called[script:])
    assert hints.line("jobs list") == shown


def test_without_django_it_is_said_what_to_type():
    words = [sys.executable, "-S", "manage.py", "jobs", "list"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "make setup" in done.stderr
    assert ". .venv/bin/activate" in done.stderr
