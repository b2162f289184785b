from __future__ import annotations

from django.db import models


class Heartbeat(models.Model):
    """When somebody in the background was last seen to work."""

    name = models.CharField(max_length=64, unique=True)
    at = models.DateTimeField()
    who = models.CharField(max_length=200, blank=True, default="")

    def __str__(self) -> str:
        return f"{self.name}: {self.at}"


class Counter(models.Model):
    """Counted for all processes together; in several rows, so that none waits for another."""

    name = models.CharField(max_length=64)
    slot = models.PositiveIntegerField()
    value = models.BigIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["name", "slot"], name="counter_slot")]

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
