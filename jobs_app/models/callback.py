"""What jobs and schedulers said over HTTP. Jobs are named by their numbers: no row keeps one."""

from __future__ import annotations

from django.db import models


class Hint(models.Model):
    """Somebody said "look at this job". However many say it, one row tells when its courier looks next."""

    job_id = models.BigIntegerField(primary_key=True)
    scheduler_id = models.BigIntegerField(null=True)  # whose courier looks; nobody's: there is no pool
    due = models.DateTimeField(null=True)  # the next look; nothing: nobody has asked since the last one
    later = models.DateTimeField(null=True)  # one more look after that, for who asked with a delay
    looked = models.DateTimeField(null=True)
    heard = models.BigIntegerField(default=0)  # calls, in all
    counted = models.PositiveIntegerField(default=0)  # calls since `window`: there may be too many
    window = models.DateTimeField()

    class Meta:
        indexes = [
            models.Index(
                fields=["scheduler_id", "due"], name="hint_due", condition=models.Q(due__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.heard} calls"


class Report(models.Model):
    """A signed report. The row is its receipt: while its time is believed it is taken once."""

    job_id = models.BigIntegerField()
    nonce = models.CharField(max_length=64)
    attempt = models.PositiveIntegerField(default=0)
    said = models.JSONField(default=dict)
    received = models.DateTimeField()
    applied = models.BooleanField(default=False)
    refused = models.TextField(blank=True, default="")  # why it changed nothing

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job_id", "nonce"], name="report_once")]
        indexes = [
            models.Index(fields=["received"], name="report_received"),
            models.Index(fields=["id"], name="report_to_do", condition=models.Q(applied=False)),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}: {self.nonce}"


class KeyVersion(models.Model):
    """A job whose report key was replaced, and how often."""

    job_id = models.BigIntegerField(primary_key=True)
    version = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.job_id}: {self.version}"
