"""Files that are put among the results. A script says so while it runs; it is done when its job has ended
well."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jobs_app.errors import Invalid

from . import files
from .text import storable

LONGEST, LONGEST_DESCRIPTION, LONGEST_PATH = 255, 10_000, 1024
MOST = 1000  # that one job says


@dataclass(frozen=True)
class Link:
    filename: str
    name: str  # among the results
    header: str = ""
    description: str = ""
    job: str = ""  # whose file it is; empty: that of the job which says so


def link(filename: str, linkname: str = "", header: str = "", description: str = "", job: str = "") -> Link:
    """`linkname` is the file's own name when left out; one that ends with "/" is the folder for it."""
    safe = files.safe_name(filename)
    if len(safe) > LONGEST_PATH:
        raise Invalid(f"The path {files.show(safe)} has {len(safe)} characters; {LONGEST_PATH} are allowed.")
    return Link(
        safe,
        _name(safe, linkname),
        storable(header)[:LONGEST],
        storable(description)[:LONGEST_DESCRIPTION],
        job,
    )


def read(said: Any) -> Link:
    """What was said on a node, which may write what it likes; Invalid if it is none."""
    known = said if isinstance(said, dict) else {}
    texts = [known.get(name) for name in ("filename", "name", "header", "description", "job")]
    if not all(isinstance(text, str) for text in texts):
        raise Invalid(f"{files.show(said)} is no link to a result.")
    return link(*(str(text) for text in texts))


def _name(filename: str, linkname: str) -> str:
    own = filename.rpartition("/")[2]
    wanted = linkname + own if linkname.endswith("/") else linkname or own
    name = files.safe_name(wanted, what="name of a result")
    if len(name) > LONGEST:
        raise Invalid(f"The name of a result has {len(name)} characters; {LONGEST} are allowed. Shorten it.")
    return name
