from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models, transaction
from django.utils import timezone
from django.utils.module_loading import import_string

from jobs_app import parameters as check
from jobs_app import states
from jobs_app.errors import BadParameter, UnknownJob, WrongState
from jobs_app.jobdir.layout import RUN, JobPaths
from jobs_app.variables import expand_parameter

from .custom_status import CustomStatus, StatusCategory
from .project import Project
from .scheduler import Scheduler
from .template import Template
from .verbs import Verbs

OTHER_STATUS = "__other_status__"

# Who may write what. A row's other columns belong to the lifecycle, which changes them by conditional
# updates; a save() of an old copy never touches them.
CALLERS = (
    "name",
    "description",
    "user",
    "extended_properties",
    "_process_results_function",
)
UNTIL_FROZEN = (
    "template",
    "parameters",
    "workspace",
    "scheduler",
    "priority",
    "statepoint",
    "address",
    "method",
    "source_digest",
    "parent",
    "slices_total",
)
STANDING = (
    "_status",
    "other_status",
    "status_message",
    "number_of_attempts",
    "frozen",
    "slices_total",
    "slices_running",
    "slices_done",
    "slices_failed",
    "slices_held",
    "execute_time",
    "start_time",
    "completion_time",
)


class Job(Verbs, models.Model):
    """A job's row: it makes the directory owned, searchable and tracked. One table for all types; a proxy
    model per type holds its behaviour, found by `type`."""

    # --- what it is -----------------------------------------------------------------------------------
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
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="roost_jobs"
    )
    groups = models.ManyToManyField(Group, blank=True, related_name="roost_jobs")
    workspace = models.CharField(max_length=1024, blank=True, default="")  # empty: the job's own folder
    extended_properties = models.JSONField(default=dict, blank=True)
    parameters = models.JSONField(default=dict, blank=True)  # template's and caller's, merged and expanded
    _process_results_function = models.CharField(
        max_length=1024, blank=True, default="", db_column="process_results_function"
    )
    scheduler = models.ForeignKey(Scheduler, models.SET_NULL, null=True, blank=True, related_name="jobs")
    priority = models.IntegerField(default=0)

    # --- where it stands ------------------------------------------------------------------------------
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

    # Proxies by type; open to registration (see `jobs_app.job_types`).
    types: ClassVar[dict[str, type[Job]]] = {}

    # What a type's parameters may be, besides those that all types have.
    PARAMETERS: ClassVar[Mapping[str, check.Check]] = {}
    main_step: ClassVar[str] = RUN  # the step whose slices are the job's

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
        return f"{self.pk} {self.name}"

    # --- from and to the table ------------------------------------------------------------------------

    def save(self, *args: Any, update_fields: Collection[str] | None = None, **kwargs: Any) -> None:
        """Inserts a new row. Of an existing one it writes what belongs to the caller, and the parameters
        only while nobody has executed the job."""
        self.name = check.job_name(self.name)
        with transaction.atomic():
            if self._state.adding:
                super().save(*args, update_fields=update_fields, **kwargs)
                self._name_by_id()
            else:
                self._save_row(set(CALLERS + UNTIL_FROZEN if update_fields is None else update_fields))
            self._save_links()

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any]) -> Job:
        names, row = list(field_names), list(values)
        kind = cls.types.get(row[names.index("type")], cls) if "type" in names else cls
        job = super(Job, kind).from_db(db, names, row)
        job._show_other_status()
        return job

    def _show_other_status(self) -> None:
        """Tethys keeps the text of a status of the app's own there."""
        if self.__dict__.get("_status") == "OTH" and "extended_properties" in self.__dict__:
            self.extended_properties[OTHER_STATUS] = self.other_status

    def _name_by_id(self) -> None:
        if "{id}" in self.name:
            self.name = self.name.replace("{id}", str(self.pk))
            Job.objects.filter(pk=self.pk).update(name=self.name)

    def _save_row(self, wanted: set[str]) -> None:
        foreign = wanted - set(CALLERS + UNTIL_FROZEN) - {"status_message"}
        if foreign:
            raise WrongState(
                f"{', '.join(sorted(foreign))} of job {self.pk} cannot be saved: the lifecycle alone changes "
                "it. Use the verbs (execute, stop, ..., update_status)."
            )
        self._save_unfrozen(wanted & set(UNTIL_FROZEN))
        mine = wanted & (set(CALLERS) | {"status_message"})
        if mine:
            super().save(update_fields=mine)

    def _save_unfrozen(self, wanted: set[str]) -> None:
        if not wanted or self.frozen:
            return
        row = Job.objects.filter(pk=self.pk)
        if not row.filter(frozen=False).update(**{name: getattr(self, name) for name in wanted}):
            self._keep_frozen(row.values("parameters").first())

    def _keep_frozen(self, row: Mapping[str, Any] | None) -> None:
        """Somebody has executed the job since it was read."""
        if row is None:
            raise UnknownJob(f"Job {self.pk} ({self.name!r}) cannot be saved: it was deleted meanwhile.")
        if row["parameters"] != self.parameters:
            raise WrongState(self._frozen_message("parameters"))
        self.refresh_from_db(fields=[*UNTIL_FROZEN, *STANDING])

    # --- what is written together with the row --------------------------------------------------------

    def link(
        self,
        groups: Sequence[Group] = (),
        after: Sequence[Job] = (),
        uses: Sequence[tuple[str, int]] = (),
    ) -> None:
        """To be written when the job has a row: its groups, the jobs it waits for, the jobs it reads."""
        former = self.__dict__.get("_links", ((), (), ()))
        self._links = tuple([*old, *new] for old, new in zip(former, (groups, after, uses), strict=True))

    def _save_links(self) -> None:
        from .links import JobDependency, JobUse

        groups, after, uses = self.__dict__.pop("_links", ((), (), ()))
        if groups:
            self.groups.add(*groups)
        if after:
            rows = [JobDependency(job_id=self.pk, before_id=job.pk) for job in after]
            JobDependency.objects.bulk_create(rows, ignore_conflicts=True)
        if uses:
            used = [JobUse(job_id=self.pk, role=role, used_id=pk) for role, pk in uses]
            JobUse.objects.bulk_create(used, ignore_conflicts=True)

    # --- names and places -----------------------------------------------------------------------------

    @property
    def label(self) -> str:
        return self.app

    @property
    def jobid(self) -> str:
        """What scripts call the job: "ising-42"."""
        return f"{self.project.name}-{self.pk}"

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

    def own_statepoint(self) -> dict[str, Any]:
        """The state point of a job for which nobody gave one; it needs the row's id."""
        kind = self.template.name if self.template else self.type
        return {"template": kind, "replica": self.pk}

    def expanded_parameters(self) -> dict[str, Any]:
        """The parameters with nothing left to expand; for the first execute, which knows the directory."""
        values = {"JOB_ID": str(self.pk), "JOB_WORKSPACE": self.expanded_workspace()}
        own = self.parameters.get("attributes", ())
        return {
            name: value if name in self.LITERAL else expand_parameter(name, value, values, last=True, own=own)
            for name, value in self.parameters.items()
        }

    def expanded_workspace(self) -> str:
        """Where the job works: its own folder, unless its template says another."""
        values = {"JOB_ID": str(self.pk), "JOB_WORKSPACE": str(self.directory)}
        return expand_parameter("workspace", self.workspace, values, last=True) or str(self.directory)

    # Parameters that are the caller's exact values; no variable is looked for in them.
    LITERAL: ClassVar[frozenset[str]] = frozenset()

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
        return states.JOB_STATES[self._status].word

    def refresh_status(self) -> None:
        if self._state.adding:
            return
        row = Job.objects.filter(pk=self.pk).values(*STANDING).first()
        if row is None:
            raise UnknownJob(f"Job {self.pk} ({self.name!r}) does not exist any more.")
        for name, value in row.items():
            setattr(self, name, value)
        self._show_other_status()

    def update_status(self, status: str | None = None) -> None:
        """Reports a status (code, word, or a text of the app's own), for types without a pool. Without one,
        reads the row."""
        if status is None:
            return self.refresh_status()
        from jobs_app import lifecycle

        lifecycle.update_status(self, status)
        return self.refresh_status()

    @property
    def state(self) -> states.State:
        """The state as it was when this object was read: its word, its sentence, what it allows."""
        return states.JOB_STATES[self._status]

    @property
    def is_final(self) -> bool:
        if self._status == "OTH":
            return CustomStatus.category_of(self.other_status, self.app) == StatusCategory.TERMINAL
        return self._status in states.FINAL

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

    @property
    def run_time(self) -> timedelta | str:
        """From the start (or the execute) to the end, or until now; "" before."""
        start = self.start_time or self.execute_time
        return (self.completion_time or timezone.now()) - start if start else ""

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

    # --- parameters -----------------------------------------------------------------------------------

    def complete(self, parameters: dict[str, Any]) -> None:
        """Takes the checked parameters of a new job; a type adds what follows from them."""
        self.parameters = parameters
        self._count_slices()

    @classmethod
    def normalised(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with other spellings brought to ours."""
        return dict(given)

    def get_attribute(self, name: str, default: Any = None) -> Any:
        return self.parameters.get(name, default)

    def set_attribute(self, name: str, value: Any) -> None:
        """Changes a parameter, until the first execute."""
        self._set_parameter(name, value)

    def _set_parameter(self, name: str, value: Any) -> None:
        self._refuse_when_frozen(name)
        changed = check.checked(self.type, self.PARAMETERS, {name: value})
        self.parameters.pop(name, None)
        self.parameters.update(changed)
        self._count_slices()

    def _refuse_when_frozen(self, name: str) -> None:
        if self.frozen:
            raise WrongState(self._frozen_message(name))

    def _frozen_message(self, what: str) -> str:
        return (
            f"{what} of job {self.pk} ({self.name!r}) cannot be changed any more: it was executed. "
            "Create another job."
        )

    def _count_slices(self) -> None:
        """Types that have slices say how many."""

    @property
    def process_results_function(self) -> Callable[..., Any] | None:
        return import_string(self._process_results_function) if self._process_results_function else None

    @process_results_function.setter
    def process_results_function(self, function: Callable[..., Any] | str | None) -> None:
        self._process_results_function = dotted_path(function) if function else ""

    # --- slices ---------------------------------------------------------------------------------------

    def _blocks(self) -> Any:
        from .slices import SliceBlock

        attempt = {"attempt__job_id": self.pk, "attempt__number": self.number_of_attempts}
        return SliceBlock.objects.filter(**attempt)

    def slice_states(self, step: str = "", first: int = 0, count: int = 100) -> bytes:
        """A page of the slices' states (`jobs_app.states.SliceState`), one byte each."""
        page: bytes = self._blocks().page(step or self.main_step, first, count)
        return page

    def slice_counts(self, step: str = "") -> states.Counts:
        counts: states.Counts = self._blocks().filter(step=step or self.main_step).counts()
        return counts

    def failed_slices(self, step: str = "", after: int = -1, limit: int = 100) -> list[int]:
        """The numbers of failed slices beyond `after`; without reading the others."""
        return self.slices_in(states.SliceState.FAILED, step, after, limit)

    def held_slices(self, step: str = "", after: int = -1, limit: int = 100) -> list[int]:
        return self.slices_in(states.SliceState.HELD, step, after, limit)

    def slices_in(
        self, state: states.SliceState, step: str = "", after: int = -1, limit: int = 100
    ) -> list[int]:
        numbers: list[int] = self._blocks().numbers(step or self.main_step, state, after, limit)
        return numbers


def dotted_path(function: Callable[..., Any] | str) -> str:
    """Where a worker in another process finds the function; it must be one that has a name in a module."""
    if isinstance(function, str):
        path = function
    else:
        path = f"{function.__module__}.{getattr(function, '__qualname__', '')}"
    try:
        found = import_string(path)
    except ImportError as error:
        raise BadParameter(_no_such_function(path, str(error))) from None
    if not callable(found) or not (isinstance(function, str) or found is function):
        raise BadParameter(_no_such_function(path, "another thing has this name"))
    return path


def _no_such_function(path: str, why: str) -> str:
    return (
        f"process_results_function: {path!r} cannot be imported ({why}). Give a function of a module, "
        'or its dotted path ("myapp.results.process").'
    )
