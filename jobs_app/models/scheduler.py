from __future__ import annotations

from django.conf import settings
from django.db import models

from .secret_field import SecretField


class Scheduler(models.Model):
    """How to reach a pool. The embedded one always exists and comes first."""

    EMBEDDED = "embedded"
    CONDOR = "condor"
    EXTERNAL = "external"
    BY_HAND, BY_REACH, BY_ACCESS = "hand", "reach", "access"
    PAUSED_BY = [
        (BY_HAND, "by an administrator"),
        (BY_REACH, "out of reach: a probe resumes it"),
        (BY_ACCESS, "not let in: a person must act"),
    ]
    KINDS = [(EMBEDDED, "Embedded"), (CONDOR, "HTCondor"), (EXTERNAL, "External: it only calls in")]

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=16, choices=KINDS, default=CONDOR)
    position = models.PositiveIntegerField(default=100)
    host = models.CharField(max_length=255, blank=True)  # empty: a schedd on this machine
    port = models.PositiveIntegerField(default=22)
    username = models.CharField(max_length=100, blank=True)
    private_key_path = models.CharField(max_length=1024, blank=True)
    host_key = models.TextField(blank=True)  # pinned: "ssh-ed25519 AAAA..."
    certificate_path = models.CharField(max_length=1024, blank=True)  # of OpenSSH, for the key
    use_agent = models.BooleanField(default=False)  # also where there is a key or a password
    ssh_config = models.CharField(max_length=1024, blank=True)  # a file like ~/.ssh/config; empty: none
    jump = models.CharField(max_length=500, blank=True)  # "user@gate.example:22, inner": over these, in turn
    jump_host_key = models.TextField(blank=True)  # theirs, a line each, in the same order
    password = SecretField()
    private_key = SecretField()  # the text of a key, where it lies in no file
    private_key_pass = SecretField()  # opens the key
    remote_root = models.CharField(max_length=1024, blank=True, default="roost")
    options = models.JSONField(default=dict, blank=True)

    # Why nothing is sent at the moment; empty while all is well. `paused_by` says what may resume it.
    paused = models.CharField(max_length=500, blank=True)
    paused_by = models.CharField(max_length=8, choices=PAUSED_BY, blank=True, default="")
    paused_since = models.DateTimeField(null=True, blank=True)
    draining = models.BooleanField(default=False)
    draining_why = models.CharField(max_length=500, blank=True, default="")
    draining_since = models.DateTimeField(null=True, blank=True)

    # How much may be on the pool at once, in all and of each user; nothing: no limit (see UserLimit).
    max_attempts = models.PositiveIntegerField(null=True, blank=True)
    max_slices = models.PositiveIntegerField(null=True, blank=True)
    max_attempts_per_user = models.PositiveIntegerField(null=True, blank=True)
    max_slices_per_user = models.PositiveIntegerField(null=True, blank=True)

    # The courier: the one process that holds the connections (a lease, taken over when it dies).
    courier = models.CharField(max_length=200, blank=True)  # host:pid:start time
    courier_until = models.DateTimeField(null=True, blank=True)

    # What is known of the link, kept apart from what the jobs are.
    last_contact = models.DateTimeField(null=True, blank=True)
    last_error = models.TextField(blank=True)
    reconciled = models.DateTimeField(null=True, blank=True)  # when all its jobs were last asked about
    failures = models.PositiveIntegerField(default=0)
    retry_at = models.DateTimeField(null=True, blank=True)
    health = models.JSONField(default=dict, blank=True)  # as its courier last saw it (jobs_app/health.py)

    # Logins of all processes together (see lifecycle/logins.py).
    logins_per_hour = models.PositiveIntegerField(default=20)
    login_hour = models.DateTimeField(null=True, blank=True)  # the hour that is counted
    logins_in_hour = models.PositiveIntegerField(default=0)
    logins_today = models.PositiveIntegerField(default=0)  # in the day of that hour, UTC

    class Meta:
        ordering = ["position", "id"]

    def __str__(self) -> str:
        return self.name


class UserLimit(models.Model):
    """What one user may have on a pool at once, instead of what everybody may."""

    scheduler = models.ForeignKey(Scheduler, models.CASCADE, related_name="user_limits")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    max_attempts = models.PositiveIntegerField(null=True, blank=True)
    max_slices = models.PositiveIntegerField(null=True, blank=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheduler", "user"], name="user_limit")]

    def __str__(self) -> str:
        return f"{self.user} on {self.scheduler}"


class Segment(models.Model):
    """A file in which a pool says what happened, and how far we have recorded it."""

    scheduler = models.ForeignKey(Scheduler, models.CASCADE, related_name="segments")
    name = models.CharField(max_length=64)
    offset = models.BigIntegerField(default=0)
    open = models.BooleanField(default=True)  # new batches log here
    damaged = models.TextField(blank=True, default="")  # why it is not read any more
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["scheduler", "name"], name="segment_name")]

    def __str__(self) -> str:
        return f"{self.scheduler_id}/{self.name}"
