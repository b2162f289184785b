from __future__ import annotations

from django.conf import settings
from django.db import models

from .job import Job


class History(models.Model):
    """One step of a job's life: who, when, from where to where, why."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="history")
    attempt = models.PositiveIntegerField(default=0)  # its number
    at = models.DateTimeField(auto_now_add=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, db_index=False
    )  # most rows are a pool's, and need no place in an index of users
    actor = models.CharField(max_length=100)  # "alice", "pool embedded", "courier", "retention"
    before = models.CharField(max_length=3, blank=True)
    after = models.CharField(max_length=3, blank=True)
    why = models.TextField(blank=True)

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["user"], name="history_user", condition=models.Q(user__isnull=False))]
        verbose_name_plural = "history"

    def __str__(self) -> str:
        return f"{self.job_id}: {self.before} -> {self.after} by {self.actor}"
