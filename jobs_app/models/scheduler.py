from __future__ import annotations

from django.db import models


class Scheduler(models.Model):
    """How to reach a pool. The embedded one always exists and comes first."""

    EMBEDDED = "embedded"
    CONDOR = "condor"
    EXTERNAL = "external"
    KINDS = [(EMBEDDED, "Embedded"), (CONDOR, "HTCondor"), (EXTERNAL, "External: it only calls in")]

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=16, choices=KINDS, default=CONDOR)
    position = models.PositiveIntegerField(default=100)
    host = models.CharField(max_length=255, blank=True)  # empty: a schedd on this machine
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=100, blank=True)
    private_key_path = models.CharField(max_length=1024, blank=True)
    host_key = models.TextField(blank=True)  # pinned: "ssh-ed25519 AAAA..."
    remote_root = models.CharField(max_length=1024, blank=True, default="roost")
    options = models.JSONField(default=dict, blank=True)

    # Why nothing is sent at the moment; empty while all is well.
    paused = models.CharField(max_length=500, blank=True)
    draining = models.BooleanField(default=False)

    # The courier: the one process that holds the connections (a lease, taken over when it dies).
    courier = models.CharField(max_length=200, blank=True)  # host:pid:start time
    courier_until = models.DateTimeField(null=True, blank=True)

    # What is known of the link, kept apart from what the jobs are.
    last_contact = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class Segment(models.Model):
    """A file in which a pool says what happened, and how far we have recorded it."""

    scheduler = models.ForeignKey(Scheduler, models.CASCADE, related_name="segments")
    name = models.CharField(max_length=64)
    offset = models.BigIntegerField(default=0)
    open = models.BooleanField(default=True)  # new batches log here
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheduler", "name"], name="segment_name")]

    def __str__(self) -> str:
        return f"{self.scheduler_id}/{self.name}"
