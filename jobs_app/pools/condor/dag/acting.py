"""What is done to a job script that runs as nodes of a DAG: see dag_act.sh."""

from __future__ import annotations

from ...base import Resources, Selection
from ..acting import limits_in_words, one_line
from ..point import AccessPoint

_NO_DAG = 4


def acts(point: AccessPoint, verb: str, selection: Selection, reason: str = "") -> bool:
    """False if it does not run so; then nothing was done."""
    slices = "".join(f"{int(number)}\n" for number in selection.slices).encode()  # no command line holds them
    words = (point.names.root, selection.attempt, verb, one_line(reason))
    done = point.run("dag_act.sh", *words, stdin=slices)
    if done.exit not in (0, _NO_DAG):
        raise point.trouble(verb, done)
    return done.exit == 0


def limit(point: AccessPoint, selection: Selection, resources: Resources) -> None:
    """For nodes that are not submitted yet, if it runs so."""
    words = limits_in_words(resources)
    if words and not selection.slices:
        acts(point, "limit", selection, ";".join(words))
