from __future__ import annotations

from django.db import models

from jobs_app.states import JOB_STATES

from .batch import Batch
from .job import Job
from .scheduler import Scheduler


class AttemptPhase(models.TextChoices):
    """How far an attempt has come: what is to be done next. What the user sees is the job's status."""

    BLOCKED = "blocked", "waits for other jobs"
    WAITING = "waiting", "waits to be sent"
    SENDING = "sending", "is being sent"
    SENT = "sent", "is on the pool"
    FETCHING = "fetching", "its results are being brought"
    PROCESSING = "processing", "its results are being processed"
    FINAL = "final", "is over"


class Attempt(models.Model):
    """One try at a job. It owns the token, the outputs and the history of that try."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="attempts", db_index=False)
    number = models.PositiveIntegerField()
    token = models.CharField(max_length=32)
    phase = models.CharField(max_length=12, choices=AttemptPhase.choices, default=AttemptPhase.WAITING)
    scheduler = models.ForeignKey(
        Scheduler, models.PROTECT, related_name="attempts", null=True, db_index=False
    )  # found by phase first: almost all attempts of a scheduler are final
    batch = models.ForeignKey(Batch, models.PROTECT, related_name="attempts", null=True)
    status = models.CharField(max_length=3, blank=True)  # the final one, once there is one
    reason = models.TextField(blank=True)

    # Copies from the job, so that choosing what is sent next reads one index.
    owner = models.BigIntegerField(default=0)  # the user's id; 0: nobody
    priority = models.IntegerField(default=0)
    slices = models.PositiveIntegerField(default=1)
    on_pool = models.BooleanField(default=False)  # the pool may keep something of it
    fetched = models.BooleanField(default=False)  # its results are here; the app's function is to come

    # What was found out when the job was executed: steps, what the runner needs (see lifecycle/work.py).
    work = models.JSONField(default=dict)
    paused = models.BooleanField(default=False)  # a hold on it is ours

    # What the user asked for and the pool has not been told yet, in order (see lifecycle/wish.py). `wish` is
    # "remove" if all of the attempt is to go, "other" for anything less, or nothing.
    wish = models.CharField(max_length=8, blank=True)
    wishes = models.JSONField(default=list)
    removal_told = models.DateTimeField(null=True, blank=True)  # when the pool took that all of it is to go

    # Who works on it now (a lease), and from when on the next try may be made.
    holder = models.CharField(max_length=200, blank=True)
    holder_until = models.DateTimeField(null=True, blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)

    # What is known beside its state: when its pool was last asked about it, and since when that does not know
    # it; why it waits there, as last asked.
    asked = models.DateTimeField(null=True, blank=True)
    unknown_since = models.DateTimeField(null=True, blank=True)
    idle = models.TextField(blank=True, default="")
    idle_asked = models.DateTimeField(null=True, blank=True)

    created = models.DateTimeField(auto_now_add=True)
    sent = models.DateTimeField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)
    exit_code = models.IntegerField(null=True, blank=True)
    signal = models.IntegerField(null=True, blank=True)
    form = models.CharField(max_length=12, blank=True, default="")  # how its pool runs it: "one-proc" ...

    class Meta:
        permissions = [("choose_accounting", "May charge jobs to anybody's accounting group or user")]
        constraints = [
            models.UniqueConstraint(fields=["job", "number"], name="attempt_number"),
            # Not a unique field: PostgreSQL would keep a second index, for LIKE.
            models.UniqueConstraint(fields=["token"], name="attempt_token"),
        ]
        indexes = [
            # Not limited to those that are not final: SQLite would use such an index only for a query
            # that repeats the limit word for word.
            models.Index(fields=["phase", "scheduler", "id"], name="attempt_to_do"),
            models.Index(fields=["scheduler"], name="attempt_wish", condition=models.Q(wish__gt="")),
            models.Index(
                "scheduler",
                "owner",
                models.F("priority").desc(),
                "id",
                name="attempt_next",
                condition=models.Q(phase="waiting", paused=False, wish=""),
            ),
            models.Index(
                fields=["scheduler"],
                name="attempt_forget",
                condition=models.Q(phase="final", on_pool=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.job_id}/{self.number}"

    @property
    def word(self) -> str:
        """How it ended, or how far it has come."""
        return JOB_STATES[self.status].word if self.status else self.get_phase_display()
