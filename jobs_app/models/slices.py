from __future__ import annotations

from django.db import models

from .attempt import Attempt


class SliceBlock(models.Model):
    """The states of up to `SIZE` slices of a step: one byte each. A million slices are 245 rows.

    The counts beside the bytes let a page find the failed and the held ones without reading the others.
    """

    SIZE = 4096

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="blocks")
    step = models.CharField(max_length=12)
    first = models.PositiveIntegerField()
    states = models.BinaryField()
    waiting = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    suspended = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "step", "first"], name="slice_block"),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}/{self.step}[{self.first}:]"
