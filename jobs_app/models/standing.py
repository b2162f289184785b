"""Where a job stands. The lifecycle alone writes these columns; here they are read."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import models
from django.utils import timezone

from jobs_app import states
from jobs_app.errors import UnknownJob

from .custom_status import CustomStatus, StatusCategory

OTHER_STATUS = "__other_status__"


class Standing(models.Model):
    _status = models.CharField(max_length=3, choices=states.CHOICES, default="PEN", db_column="status")
    other_status = models.CharField(max_length=255, blank=True, default="")  # the app's own text for OTH
    status_message = models.CharField(max_length=2048, blank=True, default="")
    number_of_attempts = models.PositiveIntegerField(default=0)
    frozen = models.BooleanField(default=False)  # executed once: its parameters stay as they are
    slices_total = models.PositiveIntegerField(default=1)
    slices_running = models.PositiveIntegerField(default=0)
    slices_done = models.PositiveIntegerField(default=0)
    slices_failed = models.PositiveIntegerField(default=0)
    slices_held = models.PositiveIntegerField(default=0)
    progress = models.FloatField(null=True, blank=True)  # per cent, while somebody outside tells it
    execute_time = models.DateTimeField(null=True, blank=True)
    start_time = models.DateTimeField(null=True, blank=True)
    completion_time = models.DateTimeField(null=True, blank=True)
    size_bytes = models.PositiveBigIntegerField(null=True, blank=True)

    if TYPE_CHECKING:
        app: str
        name: str
        extended_properties: dict[str, Any]

    class Meta:
        abstract = True

    # --- status ---------------------------------------------------------------------------------------

    @property
    def status(self) -> str:
        """The word for where the job stands, read from its row now. Never asks a pool."""
        self.refresh_status()
        return self.cached_status

    @status.setter
    def status(self, status: str) -> None:
        self.update_status(status)

    @property
    def cached_status(self) -> str:
        """The same as it was when this object was read."""
        if self._status == "OTH" and self.other_status:
            return self.other_status
        return self.state.word

    @property
    def state(self) -> states.State:
        """The state as it was when this object was read: its word, its sentence, what it allows."""
        return states.JOB_STATES[self._status]

    @property
    def is_final(self) -> bool:
        if self._status == "OTH":
            return CustomStatus.category_of(self.other_status, self.app) == StatusCategory.TERMINAL
        return self.state.final

    def update_status(self, status: str | None = None) -> None:
        """Reports a status (code, word, or a text of the app's own), for types without a pool. Without one,
        reads the row."""
        if status is not None:
            from jobs_app import lifecycle

            lifecycle.update_status(self, status)  # type: ignore[arg-type]  # a Job, the one that is so
        self.refresh_status()

    def refresh_status(self) -> None:
        if self._state.adding:
            return
        rows = self._meta.concrete_model._base_manager.filter(pk=self.pk)  # type: ignore[union-attr]
        row = rows.values(*STANDING).first()
        if row is None:
            raise UnknownJob(f"Job {self.pk} ({self.name!r}) does not exist any more.")
        for name, value in row.items():
            setattr(self, name, value)
        self._show_other_status()

    def _show_other_status(self) -> None:
        """Tethys keeps the text of a status of the app's own there."""
        if self.__dict__.get("_status") == "OTH" and "extended_properties" in self.__dict__:
            self.extended_properties[OTHER_STATUS] = self.other_status

    # --- statuses of an app's own ---------------------------------------------------------------------

    @classmethod
    def add_custom_pre_running_status(cls, status: str, app: str = "") -> None:
        CustomStatus.add(status, StatusCategory.PRE_RUNNING, app)

    @classmethod
    def add_custom_running_status(cls, status: str, app: str = "") -> None:
        CustomStatus.add(status, StatusCategory.RUNNING, app)

    @classmethod
    def add_custom_active_status(cls, status: str, app: str = "") -> None:
        CustomStatus.add(status, StatusCategory.ACTIVE, app)

    @classmethod
    def add_custom_terminal_status(cls, status: str, app: str = "") -> None:
        CustomStatus.add(status, StatusCategory.TERMINAL, app)

    # --- figures --------------------------------------------------------------------------------------

    @property
    def run_time(self) -> timedelta | str:
        """From the start (or the execute) to the end, or until now; "" before."""
        start = self.start_time or self.execute_time
        return (self.completion_time or timezone.now()) - start if start else ""

    @property
    def grows_since(self) -> datetime | None:
        """From when on `run_time` still grows, for who goes on counting; None once it does not."""
        growing = self.completion_time is None and self.state.active
        return (self.start_time or self.execute_time) if growing else None

    @property
    def statuses(self) -> dict[str, int]:
        """How many slices are where."""
        known = self.slices_running + self.slices_done + self.slices_failed + self.slices_held
        return {
            "Submitted": max(0, self.slices_total - known),
            "Running": self.slices_running,
            "Complete": self.slices_done,
            "Error": self.slices_failed,
            "Held": self.slices_held,
        }


# What a look at the row brings up to date.
STANDING = tuple(field.name for field in Standing._meta.local_fields if field.name != "size_bytes")
