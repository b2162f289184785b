from __future__ import annotations

from django.db import models

from .attempt import Attempt
from .job import Job


class SubjobRequest(models.Model):
    """A running part asked for a subjob and waits. Kept until the answer has surely reached it."""

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="requests")
    identifier = models.CharField(max_length=64)  # the part's own name for what it asked
    wanted = models.JSONField()  # method, options, datasets, jobs ...
    subjob = models.ForeignKey(Job, models.SET_NULL, null=True, related_name="+")
    error = models.TextField(blank=True)
    answered = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["attempt", "identifier"], name="request_once")]
        indexes = [
            models.Index(fields=["attempt"], name="request_open", condition=models.Q(answered=False)),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}: {self.identifier}"
