from __future__ import annotations

from django.db import models

from .scheduler import Scheduler, Segment


class Batch(models.Model):
    """One sending to a pool. Its token finds it again on the pool, whatever happened to the answer."""

    token = models.CharField(max_length=32, unique=True)
    scheduler = models.ForeignKey(Scheduler, models.PROTECT, related_name="batches")
    segment = models.ForeignKey(Segment, models.PROTECT, related_name="batches")
    remote_id = models.CharField(max_length=100, blank=True)  # empty until the pool has surely taken it
    refused = models.TextField(blank=True)
    descriptions = models.JSONField(default=list)  # what was sent: [text, [tokens of its attempts], name]
    created = models.DateTimeField(auto_now_add=True)
    sent = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["scheduler"], name="batch_unsent", condition=models.Q(remote_id="", refused="")
            ),
            models.Index(fields=["scheduler", "sent"], name="batch_sent"),
        ]

    def __str__(self) -> str:
        return self.remote_id or self.token
