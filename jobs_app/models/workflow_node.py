from __future__ import annotations

from django.db import models

from .attempt import Attempt


class WorkflowNode(models.Model):
    """A node of one attempt at a workflow: where it stands in the graph, and what its last try came to.

    Its state is that of its slices, `first` to `first + slices - 1` of the attempt's.
    """

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="nodes", db_index=False)
    position = models.PositiveIntegerField()  # parents before children
    name = models.CharField(max_length=64)
    parents = models.JSONField(default=list)  # names
    first = models.PositiveIntegerField()
    slices = models.PositiveIntegerField(default=1)
    final = models.BooleanField(default=False)  # runs last, however the others ended

    tries = models.PositiveIntegerField(default=0)
    host = models.CharField(max_length=255, blank=True, default="")
    exit_code = models.IntegerField(null=True, blank=True)
    signal = models.IntegerField(null=True, blank=True)
    started = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)
    reason = models.TextField(blank=True, default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "position"], name="workflow_node_position"),
            models.UniqueConstraint(fields=["attempt", "name"], name="workflow_node_name"),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}/{self.name}"
