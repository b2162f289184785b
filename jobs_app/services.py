"""The processes of a production service: what each is called, and the command that runs it. One list for
trying them out together (`manage.py supervise`) and for systemd (`manage.py systemd`).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings

from jobs_app import conf
from jobs_app.queues import COURIERS


@dataclass(frozen=True)
class Service:
    name: str
    about: str
    argv: tuple[str, ...]
    seconds_to_stop: int
    keeps_children: bool = False  # the embedded pool's daemon outlives the worker that started it


@dataclass(frozen=True)
class Sizes:
    """How much each does at once."""

    bind: str = "127.0.0.1:8000"
    web_workers: int = max(2, (os.cpu_count() or 1))
    web_threads: int = 8
    couriers: int = 32
    workers: int = 4


def services(sizes: Sizes, python: str = sys.executable) -> list[Service]:
    return [
        Service("web", "pages and API", tuple(_web(sizes, python)), 30),
        Service(
            "couriers",
            "talk with the pools: one thread a scheduler, and those that bring results",
            tuple(_worker("couriers", sizes.couriers, python, "--queues", COURIERS)),
            90,
            keeps_children=True,
        ),
        Service(
            "worker",
            "runs the apps' functions, looks for what was left lying, cleans up",
            tuple(_worker("worker", sizes.workers, python)),
            300,
            keeps_children=True,
        ),
        Service("beat", "the clock: one on all machines together", tuple(_beat(python)), 30),
    ]


def _web(sizes: Sizes, python: str) -> Sequence[str]:
    how = [
        "--workers",
        str(sizes.web_workers),
        "--worker-class",
        "gthread",
        "--threads",
        str(sizes.web_threads),
    ]
    return [
        python,
        "-m",
        "gunicorn",
        "config.wsgi",
        "--no-control-socket",
        "--bind",
        sizes.bind,
        *how,
        "--log-level",
        _level(),
    ]


def _worker(name: str, threads: int, python: str, *more: str) -> Sequence[str]:
    how = ["--pool", "threads", "--concurrency", str(threads), "--without-gossip", "--without-mingle"]
    return [*_celery(python), "worker", "--hostname", f"{name}@%h", *how, *more, "--loglevel", _level()]


def _beat(python: str) -> Sequence[str]:
    places = ["--schedule", str(conf.home() / "beat"), "--pidfile", ""]
    return [*_celery(python), "beat", *places, "--loglevel", _level()]


def _celery(python: str) -> Sequence[str]:
    return [python, "-m", "celery", "-A", "config"]


def _level() -> str:
    return logging.getLevelName(logging.getLogger().getEffectiveLevel()).lower()


def folder() -> Path:
    """Where `config` and `manage.py` lie."""
    return Path(settings.BASE_DIR)
