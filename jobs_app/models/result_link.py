from __future__ import annotations

from django.conf import settings
from django.db import models

from .job import Job


class ResultLink(models.Model):
    """A file of a job that was put among the results, under a name that later ones may take over."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="result_links")
    filename = models.CharField(max_length=1024)
    name = models.CharField(max_length=255)
    header = models.CharField(max_length=255, blank=True, default="")
    description = models.TextField(blank=True, default="")
    app = models.CharField(max_length=255)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+", db_index=False
    )
    at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["owner", "app", "name"], name="result_link_once"),
        ]
        indexes = [models.Index(fields=["at"], name="result_link_at")]

    def __str__(self) -> str:
        return f"{self.name}: {self.filename} of {self.job_id}"
