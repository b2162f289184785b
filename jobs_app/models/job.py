from __future__ import annotations

from pathlib import Path
from typing import ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models

from jobs_app import states
from jobs_app.jobdir.layout import JobPaths

from .project import Project
from .scheduler import Scheduler
from .template import Template


class Job(models.Model):
    """A job's row: it makes the directory owned, searchable and tracked. One table for all types; a proxy
    model per type holds its behaviour, found by `type`."""

    # --- what it is -------------------------------------------------------------------------------
    project = models.ForeignKey(Project, models.PROTECT, related_name="jobs")
    address = models.CharField(
        max_length=32, null=True, blank=True
    )  # hash of the state point; names the directory
    statepoint = models.JSONField(null=True, blank=True)
    app = models.CharField(max_length=255)  # Tethys calls it label
    type = models.CharField(max_length=32)
    template = models.ForeignKey(Template, models.PROTECT, null=True, blank=True, related_name="jobs")
    name = models.CharField(max_length=1024)
    description = models.CharField(max_length=2048, blank=True, default="")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="roost_jobs")
    groups = models.ManyToManyField(Group, blank=True, related_name="roost_jobs")
    workspace = models.CharField(max_length=1024, blank=True, default="")
    extended_properties = models.JSONField(default=dict, blank=True)
    parameters = models.JSONField(default=dict, blank=True)  # template's and caller's, merged and expanded
    _process_results_function = models.CharField(
        max_length=1024, blank=True, default="", db_column="process_results_function"
    )
    scheduler = models.ForeignKey(Scheduler, models.SET_NULL, null=True, blank=True, related_name="jobs")
    priority = models.IntegerField(default=0)

    # --- where it stands ----------------------------------------------------------------------------
    _status = models.CharField(max_length=3, choices=states.CHOICES, default="PEN", db_column="status")
    status_message = models.CharField(max_length=2048, blank=True, default="")
    number_of_attempts = models.PositiveIntegerField(default=0)
    frozen = models.BooleanField(default=False)  # executed once: its parameters stay as they are
    slices_total = models.PositiveIntegerField(default=1)
    slices_running = models.PositiveIntegerField(default=0)
    slices_done = models.PositiveIntegerField(default=0)
    slices_failed = models.PositiveIntegerField(default=0)
    slices_held = models.PositiveIntegerField(default=0)
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)
    creation_time = models.DateTimeField(auto_now_add=True)
    execute_time = models.DateTimeField(null=True, blank=True)
    start_time = models.DateTimeField(null=True, blank=True)
    completion_time = models.DateTimeField(null=True, blank=True)

    # --- a script job's own ---------------------------------------------------------------------------
    method = models.CharField(max_length=255, blank=True, default="")
    source_digest = models.CharField(max_length=64, blank=True, default="")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="subjobs")

    waits_for = models.ManyToManyField(
        "self", through="JobDependency", symmetrical=False, related_name="waited_for_by"
    )
    uses = models.ManyToManyField("self", through="JobUse", symmetrical=False, related_name="used_by")

    # Proxies by type; open to registration (see `register_type`).
    types: ClassVar[dict[str, type[Job]]] = {}

    class Meta:
        permissions = [("jobs_table_actions", "May act on everybody's jobs")]
        constraints = [models.UniqueConstraint(fields=["project", "address"], name="job_address")]
        indexes = [
            models.Index(fields=["app", "id"], name="job_app"),
            models.Index(fields=["app", "user", "id"], name="job_app_user"),
            models.Index(fields=["user", "id"], name="job_user"),
            models.Index(fields=["_status", "id"], name="job_status"),
            models.Index(fields=["method", "id"], name="job_method", condition=~models.Q(method="")),
        ]

    def __str__(self) -> str:
        return f"{self.project_id}-{self.pk} {self.name}"

    @property
    def directory(self) -> Path:
        """Where the job's files lie, once it has an address."""
        if self.address is None:
            raise ValueError(
                f"Job {self.pk} ({self.name!r}) has no directory yet; it is made by its first execute()."
            )
        return self.project.directory(self.address)

    @property
    def paths(self) -> JobPaths:
        return JobPaths(self.directory)


class JobDependency(models.Model):
    """`job` starts only when `before` is Complete."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="dependencies")
    before = models.ForeignKey(Job, models.CASCADE, related_name="dependents")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "before"], name="dependency_once")]


class JobUse(models.Model):
    """`job` reads the results of `used`, which it knows as `role` ("previous", "thefile", ...)."""

    job = models.ForeignKey(Job, models.CASCADE, related_name="+")
    used = models.ForeignKey(Job, models.CASCADE, related_name="+")
    role = models.CharField(max_length=255)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "used", "role"], name="use_once")]


class BasicJob(Job):
    """A job without any mechanism for running: its status is set by the app."""

    class Meta:
        proxy = True


class CondorJob(Job):
    """An executable, run as one or many slices."""

    class Meta:
        proxy = True


class ScriptJob(Job):
    """A job script: prepare, analysis over slices, synthesis."""

    class Meta:
        proxy = True


class CondorWorkflow(Job):
    """Nodes with parents, run by DAGMan."""

    class Meta:
        proxy = True


class ExternalJob(Job):
    """Work whose scheduler only calls in: its signed reports are the authority."""

    class Meta:
        proxy = True
