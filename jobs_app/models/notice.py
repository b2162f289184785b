"""Notices: to whom, of what, and those that are on their way."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from .job import Job
from .secret_field import SecretField


class NoticePreference(models.Model):
    """What a user is told of, and where. Who has no row is told of nothing."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="roost_notices")
    on = models.JSONField(default=list)  # of "end", "failure", "held"
    email = models.BooleanField(default=False)  # to the user's address
    webhook = models.CharField(max_length=1000, blank=True, default="")
    secret = SecretField()  # signs what goes to the webhook

    def __str__(self) -> str:
        return f"notices of {self.user}"


class JobBatch(models.Model):
    """Jobs that were made in one call: one notice for all of them."""

    name = models.CharField(max_length=200, blank=True, default="")
    created = models.DateTimeField(auto_now_add=True)
    told = models.DateTimeField(null=True)  # that all of them are over

    def __str__(self) -> str:
        return f"batch {self.pk}"


class JobBatchMember(models.Model):
    batch = models.ForeignKey(JobBatch, models.CASCADE, related_name="members")
    job = models.OneToOneField(Job, models.CASCADE, related_name="in_batch")

    def __str__(self) -> str:
        return f"{self.job_id} in {self.batch_id}"


class Notice(models.Model):
    """One message to one place. It stays here until it is delivered, or given up with its reason."""

    WAITING, SENT, DEAD = "waiting", "sent", "dead"
    STATES = [(WAITING, "Waiting"), (SENT, "Sent"), (DEAD, "Given up")]
    EMAIL, WEBHOOK = "email", "webhook"
    CHANNELS = [(EMAIL, "E-mail"), (WEBHOOK, "Webhook")]

    key = models.CharField(max_length=200, unique=True)  # what it is about, to whom: made once
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, null=True, related_name="+")
    channel = models.CharField(max_length=8, choices=CHANNELS)
    subject = models.CharField(max_length=300)
    content = models.JSONField(default=dict)
    state = models.CharField(max_length=8, choices=STATES, default=WAITING)
    tries = models.PositiveIntegerField(default=0)
    due = models.DateTimeField()  # the next try; while somebody tries, when they are believed dead
    error = models.TextField(blank=True, default="")
    created = models.DateTimeField(auto_now_add=True)
    sent = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["state", "due"], name="notice_due"),
            models.Index(fields=["user", "-id"], name="notice_user"),
        ]

    def __str__(self) -> str:
        return f"{self.channel}: {self.subject}"


class NoticeCursor(models.Model):
    """How far the history was read for what people are told of."""

    history = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return str(self.history)
