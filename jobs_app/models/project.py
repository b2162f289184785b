from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from django.conf import settings
from django.db import models


class Project(models.Model):
    """A workspace of jobs addressed by state points. Every app has one; anybody may open another."""

    name = models.CharField(max_length=100, unique=True)  # the prefix of job ids: "ising-42"
    path = models.CharField(max_length=1024, unique=True)
    app = models.CharField(max_length=255, blank=True, db_index=True)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.name

    @property
    def workspace(self) -> Path:
        return Path(self.path, "workspace")

    def directory(self, address: str) -> Path:
        return _directory(self.path, address)


@lru_cache(2048)
def _directory(path: str, address: str) -> Path:
    """Asked for a dozen times on a job's way; to make a path is dear."""
    return Path(path, "workspace", address)
