from __future__ import annotations

from django.db import models


class IdempotencyKey(models.Model):
    """A call that creates jobs was made under this key: the same call again finds the same jobs."""

    caller = models.CharField(max_length=64)  # "user 7", "token 3"
    key = models.CharField(max_length=255)
    digest = models.CharField(max_length=64)  # of what was asked for
    jobs = models.JSONField(default=list)  # their ids, in order
    created = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["caller", "key"], name="idempotency_once")]

    def __str__(self) -> str:
        return f"{self.caller}: {self.key}"
