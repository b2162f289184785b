"""The end of a script job: which files are its own, and how it went.

1. Files that any part registered are the job's; if none was, all plain files at the top level are.
2. The manifest is written, then post.json: its presence means that the job ended well.
3. After the last part is recorded, temporary files go. Before, a lost last part could not run again.
4. When the attempt is known to be final and good, what the steps handed on to each other goes as well.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Optional

from jobs_app.errors import BadName, Invalid
from jobs_app.jobdir import facts, files, manifest
from jobs_app.jobdir.facts import Fact
from jobs_app.jobdir.layout import ANALYSIS, PREPARE, RESERVED, SYNTHESIS, AttemptPaths

from .current import Registered
from .spec import Spec

POST_VERSION = 1

# A million numbers would make post.json larger than many a result; facts has them anyway.
MOST_SLICES_IN_POST = 10_000


def remember(attempt: AttemptPaths, part: str, registered: Registered) -> None:
    """Keeps what a part did for the last one. Most parts do nothing, and leave nothing."""
    path = attempt.files / (part + ".json")
    if not registered:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(exist_ok=True)
    files.write_json(path, registered.as_json())


def is_over(attempt: AttemptPaths, step: str, steps: tuple[str, ...], slices: int) -> bool:
    """Whether an earlier step ended the job, so that synthesis has only the files to collect."""
    if step != SYNTHESIS:
        return False
    prepare = facts.read(attempt.facts, PREPARE) if PREPARE in steps else None
    if prepare is not None and prepare.finished_early:
        return True
    return ANALYSIS in steps and _slices_agree(attempt, slices)


def _slices_agree(attempt: AttemptPaths, slices: int) -> bool:
    found = facts.read_range(attempt.facts, ANALYSIS, 0, slices)
    early = [sliceno for sliceno, fact in enumerate(found) if fact is not None and fact.finished_early]
    if early and len(early) < slices:
        shown = ", ".join(map(str, early[:10])) + (", ..." if len(early) > 10 else "")
        raise Invalid(
            f"{len(early)} of {slices} slices called finish_early ({shown}), the others did not. "
            "Call it in all slices or in none."
        )
    return bool(early)


def finish(spec: Spec, attempt: AttemptPaths, registered: Registered, begun: float) -> None:
    """Steps 1 and 2."""
    everything = _everything(attempt, registered)
    remember(attempt, SYNTHESIS, registered)
    names = _names(spec, attempt, everything)
    manifest.write(attempt.job, manifest.build(attempt.job.root, names))
    post = _post(spec, attempt, sorted(names), everything.subjobs, begun)
    if everything.links:
        post["links"] = list(_linked(everything.links, names))
    files.write_json(attempt.job.post, post)


def clean(attempt: AttemptPaths) -> None:
    """Step 3. Killed within it, it may be called again."""
    for name in _everything(attempt, Registered()).temporary:
        (attempt.job.root / name).unlink(missing_ok=True)
    if attempt.job.output.is_dir() and not os.listdir(attempt.job.output):
        attempt.job.output.rmdir()


def sweep(attempt: AttemptPaths) -> None:
    """Steps 3 and 4, for whoever knows; it may be called again."""
    clean(attempt)
    for name in ("results", "status"):
        shutil.rmtree(attempt.root / name, ignore_errors=True)


def _everything(attempt: AttemptPaths, last: Registered) -> Registered:
    """What all parts did, each seen after the one before; `last` is what synthesis did."""
    together = Registered()
    for record in _records(attempt.files):
        together.read(files.read_object(record, "Resubmit the job."))
    together.read(last.as_json())
    return together


def _records(folder: Path) -> Iterator[Path]:
    try:
        names = os.listdir(folder)
    except FileNotFoundError:
        return
    for name in sorted((name for name in names if name.endswith(".json") and name[0] != "."), key=_order):
        yield folder / name


def _order(record: str) -> tuple[int, int]:
    part = record[: -len(".json")]
    return (1, int(part)) if part.isdecimal() else (0 if part == PREPARE else 2, 0)


def _names(spec: Spec, attempt: AttemptPaths, everything: Registered) -> set[str]:
    root = attempt.job.root
    named = everything.files or set(_automatic(root, spec.present, everything.temporary))
    named = named | everything.returned
    gone = {name for name in named if not files.is_plain_file(root / name)}
    for name in sorted(gone):
        _tell(f"{name} was registered, but is not there any more; it is left out.")
    return named - gone


def _automatic(root: Path, present: Any, temporary: set[str]) -> Iterator[str]:
    for name in os.listdir(root):
        ours = name.startswith((".", "signac_")) or name in RESERVED
        if ours or name in present or name in temporary or not files.is_plain_file(root / name):
            continue
        try:
            files.locate(root, name)
        except BadName as error:
            _tell(f"{error} It is not registered.")
        else:
            yield name


def _linked(links: list[dict[str, str]], names: set[str]) -> Iterator[dict[str, str]]:
    for link in links:
        if link["job"] or link["filename"] in names:
            yield link
        else:
            _tell(f"{link['filename']} was linked, but is none of the job's files any more; it is left out.")


def _tell(text: str) -> None:
    sys.stderr.write(text + "\n")


def _post(
    spec: Spec, attempt: AttemptPaths, names: list[str], subjobs: dict[str, bool], begun: float
) -> dict[str, Any]:
    now = time.time()
    prepare = facts.read(attempt.facts, PREPARE)
    slices = [fact for fact in facts.read_range(attempt.facts, ANALYSIS, 0, spec.slices) if fact is not None]
    start = min([begun] + [fact.start for fact in (prepare, *slices) if fact is not None])
    return {
        "starttime": start,
        "endtime": now,
        "exectime": _exectime(prepare, slices, now - begun),
        "files": names,
        "subjobs": subjobs,
        "attempt": attempt.number,
        "slices": spec.slices,
        "version": POST_VERSION,
    }


def _exectime(prepare: Optional[Fact], slices: list[Fact], synthesis: float) -> dict[str, Any]:
    """Seconds. `analysis` is from the first slice's start to the last one's end; `total` sums the steps."""
    first = prepare.seconds if prepare else 0.0
    analysis = max(fact.end for fact in slices) - min(fact.start for fact in slices) if slices else 0.0
    times: dict[str, Any] = {"prepare": first, "analysis": analysis, "synthesis": synthesis}
    if len(slices) <= MOST_SLICES_IN_POST:
        times["per_slice"] = [round(fact.seconds, 6) for fact in slices]
    return {**times, "total": first + analysis + synthesis}
