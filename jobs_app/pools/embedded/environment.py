"""What the daemon gets of its starter's environment, and what the jobs get of that."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, MutableMapping
from pathlib import Path

_SECRETS = ("ROOST_SECRET", "ROOST_DATABASE", "ROOST_REDIS", "DJANGO_")
_OWN = "_PYTHONPATH_OF_JOBS"  # what the jobs shall find as PYTHONPATH


def for_daemon(environment: Mapping[str, str]) -> dict[str, str]:
    """Without what is secret, and so that it can import what this process can."""
    kept = {name: value for name, value in environment.items() if not name.startswith(_SECRETS)}
    if _OWN not in kept and "PYTHONPATH" in kept:
        kept[_OWN] = kept["PYTHONPATH"]
    kept["PYTHONPATH"] = os.pathsep.join(str(Path(path).absolute()) for path in sys.path)
    return kept


def for_jobs(environment: MutableMapping[str, str]) -> None:
    """In the daemon, once it has started: its jobs' Python may be another one, with other modules."""
    own = environment.pop(_OWN, None)
    environment.pop("PYTHONPATH", None)
    if own is not None:
        environment["PYTHONPATH"] = own
