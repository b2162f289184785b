"""Django for a plain script or a notebook: settings, apps, and the tables of the embedded database."""

from __future__ import annotations

import importlib.util
import os

from jobs_app.errors import Invalid

SETTINGS = "config.settings"


def set_up() -> None:
    """Does nothing where Django is configured, or about to be: then it is somebody else's to start."""
    from django.conf import settings

    if settings.configured or os.environ.get("DJANGO_SETTINGS_MODULE"):
        return
    if importlib.util.find_spec("config") is None:
        raise Invalid(
            "Django is not configured, and Roost's own settings (config/settings.py) are not on the path. "
            "Run this from Roost's folder, put that folder into PYTHONPATH, or set DJANGO_SETTINGS_MODULE."
        )
    os.environ["DJANGO_SETTINGS_MODULE"] = SETTINGS
    _start()


def _start() -> None:
    import django

    django.setup()
    _make_tables()


def _make_tables() -> None:
    """Only of the embedded database: another one is its administrator's to migrate."""
    from django.core.management import call_command
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    if connection.vendor != "sqlite":
        return
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        call_command("migrate", verbosity=0)
