"""The name of every file of a job, in one place. The server and the node share it.

<project>/workspace/<address>/
    signac_statepoint.json           the state point, as signac writes it
    signac_job_document.json         the document, once written
    setup.json                       what was asked for; written before the first step
    post.json                        how it went; written after the last step: it is there = "ended well"
    result.pickle ...                the user's files
    OUTPUT/{prepare,0,1,...,synthesis}
    .roost/manifest.json             each registered file with its size and sha256
    .roost/remote.json               files that stayed on the pool, as far as there are any (see remote.py)
    .roost/source/                   the script as it ran, and what it depends on
    .roost/attempts/<n>/             one try at the job:
        spec.json                    what the runner was told
        report.json                  with what the job reports from where it runs; for its owner's eyes
        facts                        a fixed-size record a slice (see facts.py)
        results/<0-999>/<i>.pickle   what prepare and the slices returned, while the job needs it
        errors/<part>.json           the traceback of a part that failed; <part>.<n>.json of its n-th try
        status/<part>                what a running part says of itself
        requests/<id>.json           what a running part asks of Roost (a subjob)
        files/<part>.json            the files that a part registered
        live/<part>.log, .json       what a part prints on another machine, as far as somebody has looked
        kept/                        what this attempt left, moved here when the next one opens
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Union

STATE_POINT = "signac_statepoint.json"
DOCUMENT = "signac_job_document.json"
STORE = "signac_data.h5"
SETUP = "setup.json"
POST = "post.json"
OUTPUT = "OUTPUT"
PRIVATE = ".roost"

# Names that a script may not write and automatic registration passes over.
RESERVED = frozenset({STATE_POINT, DOCUMENT, SETUP, POST, OUTPUT, PRIVATE})

NODES = "nodes"  # of a workflow: a folder with the results of each

PREPARE, ANALYSIS, SYNTHESIS, RUN = "prepare", "analysis", "synthesis", "run"
STEPS = (PREPARE, ANALYSIS, SYNTHESIS, RUN)


def part_name(step: str, sliceno: int = 0) -> str:
    """How a part is called in OUTPUT, errors and status: a slice of `analysis` or `run` by its number."""
    return str(sliceno) if step in (ANALYSIS, RUN) else step


class JobPaths:
    """The files of one job directory."""

    def __init__(self, root: Union[str, os.PathLike[str]]) -> None:
        self.root = Path(root)

    @property
    def state_point(self) -> Path:
        return self.root / STATE_POINT

    @property
    def document(self) -> Path:
        return self.root / DOCUMENT

    @property
    def setup(self) -> Path:
        return self.root / SETUP

    @property
    def post(self) -> Path:
        return self.root / POST

    @property
    def output(self) -> Path:
        return self.root / OUTPUT

    @property
    def private(self) -> Path:
        return self.root / PRIVATE

    @property
    def manifest(self) -> Path:
        return self.private / "manifest.json"

    @property
    def remote(self) -> Path:
        return self.private / "remote.json"

    @property
    def ranges(self) -> Path:
        return self.private / "ranges"

    @property
    def source(self) -> Path:
        return self.private / "source"

    def attempt(self, number: int) -> AttemptPaths:
        return AttemptPaths(self, number)


class AttemptPaths:
    """The files of one attempt at a job."""

    def __init__(self, job: JobPaths, number: int) -> None:
        self.job = job
        self.number = number
        self.root = job.private / "attempts" / str(number)

    @property
    def spec(self) -> Path:
        return self.root / "spec.json"

    @property
    def report(self) -> Path:
        return self.root / "report.json"

    @property
    def facts(self) -> Path:
        return self.root / "facts"

    @property
    def usage(self) -> Path:
        return self.root / "usage"

    @property
    def hosts(self) -> Path:
        return self.root / "hosts"

    @property
    def files(self) -> Path:
        return self.root / "files"

    @property
    def live(self) -> Path:
        return self.root / "live"

    @property
    def kept(self) -> Path:
        return self.root / "kept"

    def result(self, step: str, sliceno: int = 0) -> Path:
        if step == ANALYSIS:
            return self.root / "results" / str(sliceno // 1000) / f"{sliceno}.pickle"
        return self.root / "results" / (step + ".pickle")

    def output(self, step: str, sliceno: int = 0) -> Path:
        return self.job.output / part_name(step, sliceno)

    def error(self, step: str, sliceno: int = 0) -> Path:
        return self.root / "errors" / (part_name(step, sliceno) + ".json")

    def status(self, step: str, sliceno: int = 0) -> Path:
        return self.root / "status" / part_name(step, sliceno)

    def request(self, identifier: str) -> Path:
        return self.root / "requests" / (identifier + ".json")
