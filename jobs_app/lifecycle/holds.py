"""What helps a held job, in plain words. The codes are HTCondor's; the embedded pool uses the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CURES = {
    1: "Somebody held it by hand. Resume it when it may go on.",
    3: "A rule of the pool holds it. Read the reason, mend the job, then resume it.",
    6: "The program could not be started. Is it there, and executable? Mend and resubmit it.",
    7: "A file could not be opened on the node. Check the inputs and resume it.",
    12: "Files could not be brought back. Check the names of the results and the space left, then resume it.",
    13: "Files could not be sent to the node. Check that the inputs exist, then resume it.",
    14: "Its working directory is gone. Resubmit it.",
    21: "The node lost it in a strange way. Resume it; it will start somewhere else.",
    26: "It waited too long in a state that its own rule forbids. Resume it or stop it.",
}
_LIMITS = {34: "memory", 46: "wall_time", 47: "wall_time", 102: "disk", 104: "disk"}
_UNITS = {"memory": "MB", "wall_time": "s", "disk": "MB"}
_WHERE_NONE_WAS_SET = {"memory": 2048, "wall_time": 7200, "disk": 4096}
_GENERAL = "Mend what the reason names and resume it, or stop it."


def cure(code: int, job_id: int, parameters: Mapping[str, Any]) -> str:
    name = _LIMITS.get(code)
    if name is None:
        return _CURES.get(code, _GENERAL)
    more = f"{2 * parameters.get(name, 0) or _WHERE_NONE_WAS_SET[name]}{_UNITS[name]}"
    return (
        f"Give it more and let it go on: jobs resume {job_id} {name}={more} (in Python: "
        f'job.resume({name}="{more}")); or stop it.'
    )


def sentence(reason: str, code: int, job_id: int, parameters: Mapping[str, Any]) -> str:
    """Reason and cure, as the user reads them."""
    said = reason.strip().rstrip(".") or "The pool gave no reason"
    return f"{said}. {cure(code, job_id, parameters)}"
