"""What helps a held job, in plain words. The codes are HTCondor's; the embedded pool uses the same ones."""

from __future__ import annotations

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
    34: "It used more memory than it may. Give it more (memory_mb) and resume it, or stop it.",
    46: "It ran longer than it may. Give it more time (wall_seconds) and resume it, or stop it.",
    47: "It ran longer than it may. Give it more time (wall_seconds) and resume it, or stop it.",
    102: "It used more disk than it may. Give it more (disk_mb) and resume it, or stop it.",
    104: "It used more disk than it may. Give it more (disk_mb) and resume it, or stop it.",
}
_GENERAL = "Mend what the reason names and resume it, or stop it."


def cure(code: int) -> str:
    return _CURES.get(code, _GENERAL)


def sentence(reason: str, code: int) -> str:
    """Reason and cure, as the user reads them."""
    said = reason.strip().rstrip(".") or "The pool gave no reason"
    return f"{said}. {cure(code)}"
