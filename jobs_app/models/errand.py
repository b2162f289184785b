from __future__ import annotations

from django.db import models

from .attempt import Attempt
from .scheduler import Scheduler


class Errand(models.Model):
    """Something that somebody needs from a pool now. Its courier, who alone speaks to the pool, answers."""

    ASKED, TAKEN, ANSWERED, FAILED = "asked", "taken", "answered", "failed"
    OPEN = (ASKED, TAKEN)
    STATES = [(ASKED, "Asked"), (TAKEN, "Under way"), (ANSWERED, "Answered"), (FAILED, "Failed")]

    scheduler = models.ForeignKey(Scheduler, models.CASCADE, related_name="errands")
    attempt = models.ForeignKey(Attempt, models.CASCADE, null=True, blank=True, related_name="+")
    kind = models.CharField(max_length=32)
    question = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)  # of all that is asked: who asks the same shares the answer
    state = models.CharField(max_length=8, choices=STATES, default=ASKED)
    answer = models.JSONField(default=dict)  # of a failed one: {"type": ..., "words": ...}
    asked = models.DateTimeField(auto_now_add=True)
    until = models.DateTimeField()  # when nobody waits any more
    answered = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scheduler", "digest"],
                name="errand_shared",
                condition=models.Q(state__in=("asked", "taken")),
            )
        ]
        indexes = [models.Index(fields=["until"], name="errand_until")]

    def __str__(self) -> str:
        return f"{self.scheduler_id}: {self.kind}"
