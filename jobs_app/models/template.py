from __future__ import annotations

from django.db import models


class Template(models.Model):
    """The blueprint of jobs. A change makes a new version; a job keeps the version it was made from."""

    app = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    version = models.PositiveIntegerField(default=1)
    type = models.CharField(max_length=32)
    parameters = models.JSONField(default=dict)
    digest = models.CharField(max_length=64)
    from_code = models.BooleanField(default=True)  # False: added by an administrator
    current = models.BooleanField(default=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["app", "name", "version"], name="template_version"),
            models.UniqueConstraint(
                fields=["app", "name"], condition=models.Q(current=True), name="template_one_current"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.app}/{self.name} v{self.version}"
