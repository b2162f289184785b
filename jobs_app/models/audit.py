from __future__ import annotations

from django.conf import settings
from django.db import models


class AuditEntry(models.Model):
    """Who did what, from where. It outlives the job and the user: both are named, not only linked."""

    at = models.DateTimeField(auto_now_add=True)
    who = models.CharField(max_length=200)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, related_name="+"
    )
    via = models.CharField(max_length=16)  # page, API, command, callback, program, admin
    address = models.CharField(max_length=64, blank=True, default="")
    request = models.CharField(max_length=64, blank=True, default="")  # as the log lines name it
    job_id = models.BigIntegerField(null=True, blank=True)
    job_name = models.CharField(max_length=200, blank=True, default="")
    what = models.TextField()

    class Meta:
        verbose_name_plural = "audit entries"
        indexes = [
            models.Index(fields=["job_id", "id"], name="audit_job"),
            models.Index(fields=["user", "id"], name="audit_user"),
            models.Index(fields=["at"], name="audit_at"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.who}: {self.what}"
