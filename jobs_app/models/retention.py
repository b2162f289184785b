from __future__ import annotations

from django.conf import settings
from django.db import models


class RetentionRule(models.Model):
    """How long finished jobs stay and how much there may be, for an app, a user, or both. Empty: no limit."""

    app = models.CharField(max_length=255, blank=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True)
    keep = models.PositiveIntegerField(null=True, blank=True)  # so many of the newest finished jobs stay
    days = models.PositiveIntegerField(null=True, blank=True)
    size_mb = models.PositiveBigIntegerField(null=True, blank=True)  # of finished jobs together
    max_jobs = models.PositiveIntegerField(null=True, blank=True)  # quota: create_job refuses beyond it
    max_active = models.PositiveIntegerField(null=True, blank=True)  # quota: execute refuses beyond it
    max_size_mb = models.PositiveBigIntegerField(null=True, blank=True)  # quota: execute refuses beyond it

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "user"], name="retention_once"),
            models.UniqueConstraint(
                fields=["app"], condition=models.Q(user=None), name="retention_once_for_all"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.app or 'every app'}, {self.user or 'every user'}"
