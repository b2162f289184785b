"""A plain script where nothing is configured: no settings, no server, no broker."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(script: str, home: Path, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    inherited = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script],
        env={**inherited, "ROOST_HOME": str(home), "ROOST_APPS": "", "PYTHONPATH": str(ROOT), **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_importing_the_sdk_sets_everything_up(tmp_path: Path) -> None:
    script = (
        "from jobs_app.sdk.base import AppBase\n"
        "class App(AppBase): package = 'notebook'\n"
        "job = App.get_job_manager().create_job('one', None, job_type='BASIC')\n"
        "job.save()\n"
        "print(job.jobid, App.get_job_manager().list_jobs().count())\n"
    )
    for count in (1, 2):
        done = run(script, tmp_path / "home", tmp_path)
        assert (done.stdout, done.stderr) == (f"notebook-{count} {count}\n", "")


def test_importing_the_sdk_leaves_alone_what_is_configured(tmp_path: Path) -> None:
    script = (
        "from django.conf import settings\n"
        "settings.configure(ROOST_HOME='/nonexistent')\n"
        "import jobs_app.sdk\n"
        "from django.apps import apps\n"
        "print(apps.ready)\n"
    )
    done = run(script, tmp_path / "home", tmp_path)
    assert (done.stdout, done.stderr) == ("False\n", "")
    assert not (tmp_path / "home").exists()


def test_importing_the_sdk_leaves_named_settings_to_their_owner(tmp_path: Path) -> None:
    script = "import jobs_app.sdk\nfrom django.apps import apps\nprint(apps.ready)"
    done = run(script, tmp_path / "home", tmp_path, DJANGO_SETTINGS_MODULE="somebody.elses")
    assert (done.stdout, done.stderr) == ("False\n", "")


@pytest.mark.parametrize("module", ["base", "jobs"])
def test_an_app_may_import_the_sdk_while_apps_load(module: str, tmp_path: Path) -> None:
    (tmp_path / "early").mkdir()
    (tmp_path / "early" / "__init__.py").write_text(f"import jobs_app.sdk.{module}\n")
    done = run(
        "import django; django.setup(); print('up')",
        tmp_path / "home",
        tmp_path,
        DJANGO_SETTINGS_MODULE="config.settings",
        ROOST_APPS="early",
        PYTHONPATH=f"{ROOT}:{tmp_path}",
    )
    assert (done.stdout, done.stderr) == ("up\n", "")
