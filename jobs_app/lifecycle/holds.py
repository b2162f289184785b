"""What helps a held job, in plain words. The codes are HTCondor's; the embedded pool uses the same ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_CLOUD = "A cloud that the pool uses is to blame. Tell its administrator, then resume it or stop it."
_RULE = "A rule of the pool holds it. Read the reason, mend the job, then resume it."
_TOO_MUCH = "The pool moves no more than that for one job. Send or leave less, or raise the job's own limit."

CURES: Mapping[int, str] = {
    1: "Somebody held it by hand. Resume it when it may go on.",
    2: "The remote system to which the pool hands jobs failed. Tell its administrator, then resume it.",
    3: _RULE,
    4: "The pool's rights to act for it are damaged or over. Have its credentials renewed.",
    5: "A rule of its own could not be worked out: an attribute in it has no value. Mend it and resubmit.",
    6: "The program could not be started. Is it there, executable and made for the node? Mend it.",
    7: "Its output could not be written on the access point: is the disk full? Then resume it.",
    8: "A file could not be opened on the access point. Check the inputs, then resume it.",
    9: "Its output could not be passed on while it ran. Resume it.",
    10: "Its input could not be passed on while it ran. Resume it.",
    11: "Moving its files ended with an answer that nobody understood. Resume it.",
    12: "Files could not be brought back. Check the names of the results and the space left, then resume it.",
    13: "Files could not be sent to the node. Check that the inputs exist, then resume it.",
    14: "Its folder on the access point is gone. Resubmit it.",
    15: "It was sent on hold. Resume it.",
    16: "Its inputs are still on their way to the access point. Wait, or resubmit it.",
    17: "The access point's programs do not fit together. Tell the pool's administrator, then resume it.",
    18: "Moving its files was refused in words that nobody understood. Resume it.",
    19: "A program of the pool that prepares nodes for jobs failed. Tell its administrator, then resume it.",
    20: "The moment at which it was to start has passed. Give it another one, or none, and resubmit it.",
    21: "The node refused or lost it. Resume it; it may start somewhere else.",
    22: "The event log could not be written. Is there room on the access point? Then resume it.",
    23: "The account on the node could not be used. Tell the pool's administrator, then resume it.",
    24: "The access point has no program that could watch over it. Tell the pool's administrator.",
    25: "Its timetable means nothing. Mend the deferral attributes and resubmit it.",
    26: "A rule of the pool's administrator holds it. Read the reason; mend the job or ask, then resume it.",
    27: "A rule of the pool's administrator could not be worked out. Tell them, then resume it.",
    28: "Its folder on the node could not be handed over to its account. Resume it; tell the administrator.",
    32: f"Its inputs are too large. {_TOO_MUCH}",
    33: f"Its results are too large. {_TOO_MUCH}",
    35: "The image is not there, or may not be fetched. Correct its name and resubmit the job.",
    36: "Its checkpoint could not be written. Look at its output, then resume it.",
    **dict.fromkeys(range(37, 43), _CLOUD),
    43: "A script that runs before it failed. Look at its output, mend it, then resume or resubmit the job.",
    44: "A script that runs after it failed. Look at its output, mend it, then resume or resubmit the job.",
    45: "Containers do not work on that node. Resume it; it may start somewhere else.",
    48: "A program of the access point that prepares jobs failed. Tell its administrator, then resume it.",
}
LIMITS = {34: "memory", 46: "wall_time", 47: "wall_time", 101: "cpus", 102: "memory", 104: "disk"}
UNITS = {"memory": "MB", "wall_time": "s", "disk": "MB", "cpus": ""}
_WHERE_NONE_WAS_SET = {"memory": 2048, "wall_time": 7200, "disk": 4096, "cpus": 2}
_GENERAL = "Mend what the reason names and resume it, or stop it."
MORE = 1.5  # than what it has used


def cure(code: int, job_id: int, parameters: Mapping[str, Any], reason: str = "", used: float = 0) -> str:
    name = limit(code, reason)
    if not name:
        return CURES.get(code, _GENERAL)
    more = f"{suggested(name, parameters, used)}{UNITS[name]}"
    return (
        f"Give it more and let it go on: jobs resume {job_id} {name}={more} (in Python: "
        f'job.resume({name}="{more}")); or stop it.'
    )


def limit(code: int, reason: str) -> str:
    """The limit that it went beyond; "" if it is held for something else."""
    name = LIMITS.get(code, "")
    return "disk" if name == "memory" and "disk" in reason.lower() else name


def suggested(name: str, parameters: Mapping[str, Any], used: float = 0) -> int:
    """More than it had; if it is known what it used, as much more as that takes."""
    had = int(parameters.get(name, 0))
    if used:
        return max(round(MORE * used), round(MORE * had))
    return 2 * had or _WHERE_NONE_WAS_SET[name]


def sentence(reason: str, code: int, job_id: int, parameters: Mapping[str, Any], used: float = 0) -> str:
    """Reason and cure, as the user reads them."""
    said = reason.strip().rstrip(".") or "The pool gave no reason"
    return f"{said}. {cure(code, job_id, parameters, reason, used)}"
