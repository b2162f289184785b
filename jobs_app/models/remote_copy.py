from __future__ import annotations

from django.db import models

from .scheduler import Scheduler


class RemoteCopy(models.Model):
    """What an attempt left on its pool, while that is there. It outlives the attempt's row, so that nothing
    is forgotten over there."""

    scheduler = models.ForeignKey(Scheduler, models.CASCADE, related_name="copies")
    token = models.CharField(max_length=32, unique=True)  # of the attempt
    due = models.DateTimeField(null=True, blank=True)  # when it goes; empty: with the job

    class Meta:
        indexes = [models.Index(fields=["scheduler", "due"], name="copy_due")]

    def __str__(self) -> str:
        return f"{self.scheduler_id}: {self.token}"
