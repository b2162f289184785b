"""The verbs on a row. What they do is in `jobs_app.lifecycle`; here they are called by a late import."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import models

from jobs_app.errors import WrongState

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


def _lifecycle() -> Any:
    from jobs_app import lifecycle

    return lifecycle


def _for_saved(job: Any, verb: str) -> Any:
    if job._state.adding:
        raise WrongState(
            f"The job {job.name!r} was not saved yet, so {verb}() can do nothing with it. Call its save() "
            "or execute() first."
        )
    return getattr(_lifecycle(), verb)


class Verbs(models.Model):
    """`user`: who asks; without one the calling program acts."""

    class Meta:
        abstract = True

    def execute(self, user: AbstractUser | None = None) -> None:
        """Hands the job over and returns at once. Saves it first; its parameters are frozen from now on."""
        self.save()
        _lifecycle().execute(self, user=user)

    def stop(self, user: AbstractUser | None = None, slices: Sequence[int] | None = None) -> None:
        _for_saved(self, "stop")(self, user=user, slices=slices)

    def pause(self, user: AbstractUser | None = None, slices: Sequence[int] | None = None) -> None:
        _for_saved(self, "pause")(self, user=user, slices=slices)

    def resume(
        self, user: AbstractUser | None = None, slices: Sequence[int] | None = None, **limits: Any
    ) -> None:
        """`limits`: new ones, as in create_job: memory, wall_time, cpus, gpus, disk. So in the next three."""
        _for_saved(self, "resume")(self, user=user, slices=slices, **limits)

    def change_limits(self, user: AbstractUser | None = None, **limits: Any) -> None:
        """Of a job that waits, or for its slices' next start."""
        _for_saved(self, "change_limits")(self, user=user, **limits)

    def resubmit(
        self, user: AbstractUser | None = None, slices: Sequence[int] | None = None, **limits: Any
    ) -> None:
        """A new attempt at the whole job, or at some of its slices; what the former one left is kept."""
        chosen = {} if slices is None else {"slices": slices}
        _for_saved(self, "resubmit")(self, user=user, **chosen, **limits)

    def rerun_failed(self, user: AbstractUser | None = None, **limits: Any) -> None:
        """A new attempt at the slices that did not end well; the others are kept."""
        _for_saved(self, "rerun_failed")(self, user=user, **limits)

    def wait(self, timeout: float | None = None) -> bool:
        """Until the job is over; False if `timeout` seconds pass first."""
        return bool(_for_saved(self, "wait")(self, timeout=timeout))

    def link_result(
        self, filename: str, linkname: str = "", *, header: str = "", description: str = ""
    ) -> None:
        """Puts a file of the finished job among the results, at /results/. A name taken before goes over."""
        _for_saved(self, "link_result")(self, filename, linkname, header=header, description=description)

    def delete(self, user: AbstractUser | None = None) -> None:  # type: ignore[override]
        """Removes the job: its directory and its rows. (A queryset's delete() removes rows only.)"""
        _for_saved(self, "delete")(self, user=user)
