from __future__ import annotations

from .job import Job


class BasicJob(Job):
    """A job without any mechanism for running: its status is set by the app."""

    class Meta:
        proxy = True


class ExternalJob(Job):
    """Work whose scheduler only calls in: its signed reports are the authority."""

    class Meta:
        proxy = True
