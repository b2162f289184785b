"""The only code that changes the state of a job. Everybody else asks here."""

from .delete import delete
from .execute import execute, execute_jobs
from .limits import change_limits
from .link_result import link_result
from .report import report, update_status
from .resubmit import rerun_failed, resubmit
from .stop import pause, resume, stop
from .wait import wait

__all__ = [
    "change_limits",
    "delete",
    "execute",
    "execute_jobs",
    "link_result",
    "pause",
    "report",
    "rerun_failed",
    "resubmit",
    "resume",
    "stop",
    "update_status",
    "wait",
]
