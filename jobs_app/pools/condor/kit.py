"""What runs on nodes, as one folder on the pool, named by its content and sent once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from jobs_app.script import nodezip

from . import tar

_HERE = Path(__file__).parent
BESIDE_DAGMAN = tuple(
    f"roost_{name}" for name in ("dag.sh", "dagman.sh", "submit.sh", "rm.sh", "mend.sh", "mend.awk")
)
_START = Path(__file__).parents[3] / "condor_templates" / "node_start.sh"

Member = tuple[str, bytes, int]


@cache
def contents() -> tuple[str, tuple[Member, ...]]:
    """Its name, and its files."""
    members = (
        ("roost_start.sh", _START.read_bytes(), 0o755),
        ("roost_node.py", (_HERE / "node" / "roost_node.py").read_bytes(), 0o644),
        *((name, (_HERE / "node" / name).read_bytes(), 0o755) for name in BESIDE_DAGMAN),
        ("roost.zip", nodezip.content(), 0o644),
    )
    digest = hashlib.sha256()
    for name, data, mode in members:
        digest.update(f"{name} {len(data)} {mode}\n".encode() + data)
    return digest.hexdigest()[:32], members


def stream(members: tuple[Member, ...]) -> Iterator[bytes]:
    for name, data, mode in members:
        yield from tar.text(name, data, mode)
    yield from tar.text(".complete", b"")
    yield from tar.end()
