from __future__ import annotations

from django.contrib.auth.models import Group
from django.db import models

from .job import Job


class JobShare(models.Model):
    """A job is shared with a group, and the share says what for."""

    READ = "read"
    ACT = "act"
    MAY = [(READ, "see it"), (ACT, "see it and act on it")]

    job = models.ForeignKey(Job, models.CASCADE, related_name="shares")
    group = models.ForeignKey(Group, models.CASCADE, related_name="+")
    may = models.CharField(max_length=4, choices=MAY, default=READ)

    class Meta:
        db_table = "jobs_app_job_groups"
        unique_together = [("job", "group")]
        indexes = [models.Index(fields=["group", "job"], name="share_group")]

    def __str__(self) -> str:
        return f"{self.job_id} with {self.group_id} to {self.may}"
