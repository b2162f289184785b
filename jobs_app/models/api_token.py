from __future__ import annotations

from django.conf import settings
from django.db import models


class ApiToken(models.Model):
    """What a program signs in with. Its text is shown once, when it is made; here is only its hash."""

    prefix = models.CharField(max_length=16, unique=True)  # finds the row, and names the token to people
    digest = models.CharField(max_length=64)  # SHA-256 of the whole text, which is random and long
    name = models.CharField(max_length=100)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, null=True, blank=True, related_name="api_tokens"
    )  # none: a service's own, which acts on everybody's jobs
    app = models.CharField(max_length=255, blank=True, default="")  # limits a service's token to one app
    scopes = models.JSONField(default=list)
    created = models.DateTimeField(auto_now_add=True)
    expires = models.DateTimeField(null=True, blank=True)
    revoked = models.DateTimeField(null=True, blank=True)
    last_used = models.DateTimeField(null=True, blank=True)  # to the minute

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}...)"
