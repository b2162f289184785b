"""The names that apps import are there, and are those that the rest of Roost uses."""

from __future__ import annotations

import importlib

import pytest

NAMES = {
    "base": ["AppBase", "TethysAppBase"],
    "jobs": [
        "JOB_TYPES",
        "BasicJobTemplate",
        "CondorJobDescription",
        "CondorJobTemplate",
        "CondorWorkflowJobTemplate",
        "CondorWorkflowTemplate",
        "JobTemplate",
        "ScriptJobTemplate",
        "register_type",
    ],
    "compute": ["create_scheduler", "get_scheduler", "list_schedulers"],
    "workspaces": ["Workspace", "get_app_workspace", "get_user_workspace"],
}


@pytest.mark.parametrize("module", NAMES)
def test_a_module_exports_its_names(module: str) -> None:
    found = importlib.import_module(f"jobs_app.sdk.{module}")
    assert found.__all__ == NAMES[module]
    assert all(hasattr(found, name) for name in found.__all__)


def test_tethys_name_means_the_same_class() -> None:
    from jobs_app.sdk.base import AppBase, TethysAppBase

    assert TethysAppBase is AppBase
