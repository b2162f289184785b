from __future__ import annotations

from django.db import models

from .job import Job


class JobDependency(models.Model):
    """`job` starts only when `before` is Complete."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="dependencies")
    before = models.ForeignKey(Job, models.CASCADE, related_name="dependents")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "before"], name="dependency_once")]

    def __str__(self) -> str:
        return f"{self.job_id} after {self.before_id}"


class JobUse(models.Model):
    """`job` reads the results of `used`, which it knows as `role` ("previous", "thefile", ...)."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="+")
    used = models.ForeignKey(Job, models.CASCADE, related_name="+")
    role = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "used", "role"], name="use_once")]

    def __str__(self) -> str:
        return f"{self.job_id} uses {self.used_id} as {self.role}"
