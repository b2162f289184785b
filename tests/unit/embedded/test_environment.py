from __future__ import annotations

import sys

from jobs_app.pools.embedded.environment import for_daemon, for_jobs


def test_what_is_secret_stays_behind() -> None:
    given = {
        "ROOST_SECRET_KEY": "x",
        "ROOST_DATABASE_URL": "x",
        "DJANGO_SETTINGS_MODULE": "x",
        "HOME": "/home",
    }
    assert for_daemon(given).keys() == {"HOME", "PYTHONPATH"}


def test_the_daemon_can_import_what_its_starter_can() -> None:
    assert next(path for path in sys.path if path) in for_daemon({})["PYTHONPATH"]


def test_the_jobs_do_not_get_the_daemons_modules() -> None:
    environment = for_daemon({"HOME": "/home"})
    for_jobs(environment)
    assert environment == {"HOME": "/home"}


def test_the_jobs_get_the_path_that_was_there_also_after_the_daemon_started_anew() -> None:
    environment = for_daemon({"PYTHONPATH": "/mine"})
    for_jobs(environment)
    environment = for_daemon(environment)
    for_jobs(environment)
    assert environment == {"PYTHONPATH": "/mine"}
