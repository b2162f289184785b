from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import IntegrityError, models, transaction

from jobs_app import parameters as check
from jobs_app.errors import BadStatePoint, UnknownJob, WrongState
from jobs_app.jobdir.layout import RUN, JobPaths
from jobs_app.states import ACTIVE, AT_WORK, Counts, SliceState

from .parameters import Parameters
from .project import Project
from .scheduler import Scheduler
from .standing import STANDING, Standing
from .template import Template
from .verbs import Verbs

# Who may write what. A row's other columns belong to the lifecycle, which changes them by conditional
# updates; a save() of an old copy never touches them.
CALLERS = ("name", "description", "user", "extended_properties", "_process_results_function")
UNTIL_FROZEN = (
    *("template", "parameters", "workspace", "scheduler", "priority", "slices_total"),
    *("statepoint", "address", "method", "source_digest", "parent"),
)

Types = dict[str, "type[Job]"]


class NameKey(models.Func):
    """What jobs are sorted by when by name: its beginning. The numbers stand in the text: SQLite finds
    the index of an expression only if the question is spelled like it. Letters are compared by number,
    as SQLite and Python do, not by the rules of the language that a PostgreSQL was made for."""

    function = "SUBSTR"
    template = "%(function)s(%(expressions)s, 1, 100)"
    output_field = models.CharField()

    def as_postgresql(self, compiler: Any, connection: Any, **how: Any) -> tuple[str, Any]:
        return self.as_sql(compiler, connection, template=f'({self.template} COLLATE "C")', **how)


class Job(Verbs, Parameters, Standing):
    """A job's row: it makes the directory owned, searchable and tracked. One table for all types; a proxy
    model per type holds its behaviour, found by `type`."""

    # No index of their own for project, template, user, scheduler: others begin with them. PostgreSQL writes
    # each index anew whenever a column changes that any of them holds.
    project = models.ForeignKey(Project, models.PROTECT, related_name="jobs", db_index=False)
    address = models.CharField(
        max_length=32, null=True, blank=True
    )  # hash of the state point; names the directory
    statepoint = models.JSONField(null=True, blank=True)
    app = models.CharField(max_length=255)  # Tethys calls it label
    type = models.CharField(max_length=32)
    template = models.ForeignKey(
        Template, models.PROTECT, null=True, blank=True, related_name="jobs", db_index=False
    )
    name = models.CharField(max_length=1024)
    description = models.CharField(max_length=2048, blank=True, default="")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="roost_jobs",
        db_index=False,
    )
    groups = models.ManyToManyField(Group, through="JobShare", blank=True, related_name="roost_jobs")
    extended_properties = models.JSONField(default=dict, blank=True)
    scheduler = models.ForeignKey(
        Scheduler, models.SET_NULL, null=True, blank=True, related_name="jobs", db_index=False
    )
    priority = models.IntegerField(default=0)
    creation_time = models.DateTimeField(auto_now_add=True)
    # What indexes hold instead of the status: a job that moves from one active state to another, thousands of
    # which a pool may tell of in a second, moves in none of them.
    stage = models.GeneratedField(
        expression=models.Case(
            models.When(_status__in=sorted(ACTIVE), then=models.Value(AT_WORK)), default=models.F("_status")
        ),
        output_field=models.CharField(max_length=3),
        db_persist=True,
    )

    # --- a script job's own ---------------------------------------------------------------------------
    method = models.CharField(max_length=255, blank=True, default="")
    source_digest = models.CharField(max_length=64, blank=True, default="")
    parent = models.ForeignKey("self", models.SET_NULL, null=True, blank=True, related_name="subjobs")

    waits_for = models.ManyToManyField(
        "self", through="JobDependency", symmetrical=False, related_name="waited_for_by"
    )
    uses = models.ManyToManyField("self", through="JobUse", symmetrical=False, related_name="used_by")

    types: ClassVar[Types] = {}  # proxies by type; open to registration (see `jobs_app.job_types`)
    main_step: ClassVar[str] = RUN  # the step whose slices are the job's

    class Meta:
        permissions = [
            ("jobs_table_actions", "May act on everybody's jobs"),
            ("run_anything", "May run programs of their own, not only what templates declare"),
        ]
        constraints = [models.UniqueConstraint(fields=["project", "address"], name="job_address")]
        indexes = [
            models.Index(fields=["app", "id"], name="job_app"),
            models.Index(fields=["app", "user", "id"], name="job_app_user"),
            models.Index(fields=["user", "id"], name="job_user"),
            models.Index(fields=["stage", "id"], name="job_stage"),
            models.Index(fields=["method", "id"], name="job_method"),
            # For the jobs table: a filter with its order, so that a page reads little more than its rows.
            models.Index(fields=["user", "stage", "id"], name="job_user_stage"),
            models.Index(fields=["app", "stage", "id"], name="job_app_stage"),
            models.Index(fields=["template", "id"], name="job_template"),
            models.Index(fields=["scheduler", "id"], name="job_scheduler"),
            models.Index(fields=["creation_time"], name="job_created"),
            models.Index(fields=["completion_time", "id"], name="job_ended"),
            models.Index(NameKey("name"), "id", name="job_name"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"

    # --- from and to the table ------------------------------------------------------------------------

    def save(self, *args: Any, update_fields: Iterable[str] | None = None, **kwargs: Any) -> None:
        """Inserts a new row. Of an existing one it writes what belongs to the caller, and the parameters
        only while nobody has executed the job."""
        self.name = check.job_name(self.name)
        with transaction.atomic():
            if self._state.adding:
                with free_addresses([self]):
                    super().save(*args, **kwargs)
                self._name_by_id()
            else:
                self._save_row(set(CALLERS + UNTIL_FROZEN if update_fields is None else update_fields))
            self._save_links()

    @classmethod
    def from_db(  # type: ignore[override]
        cls, db: str | None, field_names: Collection[str], values: Collection[Any]
    ) -> Job:
        names, row = list(field_names), list(values)
        kind = cls.types.get(row[names.index("type")], cls) if "type" in names else cls
        job: Job = super(Job, kind).from_db(db, names, row)
        job._show_other_status()
        return job

    def _name_by_id(self) -> None:
        if "{id}" in self.name:
            self.name = self.name.replace("{id}", str(self.pk))
            Job.objects.filter(pk=self.pk).update(name=self.name)

    def _save_row(self, wanted: set[str]) -> None:
        foreign = wanted - set(CALLERS + UNTIL_FROZEN)
        if foreign:
            raise WrongState(
                f"{', '.join(sorted(foreign))} of job {self.pk} cannot be saved: the lifecycle alone changes "
                "it. Use the verbs (execute, stop, ..., update_status)."
            )
        self._save_unfrozen(wanted & set(UNTIL_FROZEN))
        if mine := wanted & set(CALLERS):
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
        groups: Iterable[Group] = (),
        after: Iterable[Job] = (),
        uses: Iterable[tuple[str, int]] = (),
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

    # --- slices ---------------------------------------------------------------------------------------

    def _blocks(self) -> Any:
        from .slices import SliceBlock

        attempt = {"attempt__job_id": self.pk, "attempt__number": self.number_of_attempts}
        return SliceBlock.objects.filter(**attempt)

    def slice_states(self, step: str = "", first: int = 0, count: int = 100) -> bytes:
        """A page of the slices' states (`jobs_app.states.SliceState`), one byte each."""
        page: bytes = self._blocks().page(step or self.main_step, first, count)
        return page

    def slice_counts(self, step: str = "") -> Counts:
        counts: Counts = self._blocks().filter(step=step or self.main_step).counts()
        return counts

    def failed_slices(self, step: str = "", after: int = -1, limit: int = 100) -> list[int]:
        """The numbers of failed slices beyond `after`; without reading the others."""
        return self.slices_in(SliceState.FAILED, step, after, limit)

    def held_slices(self, step: str = "", after: int = -1, limit: int = 100) -> list[int]:
        return self.slices_in(SliceState.HELD, step, after, limit)

    def slices_in(self, state: SliceState, step: str = "", after: int = -1, limit: int = 100) -> list[int]:
        numbers: list[int] = self._blocks().numbers(step or self.main_step, state, after, limit)
        return numbers


def insert_all(jobs: list[Job]) -> None:
    with free_addresses(jobs):
        Job.objects.bulk_create(jobs)


@contextmanager
def free_addresses(jobs: list[Job]) -> Iterator[None]:
    """A state point is had by one job of a project; who comes second is told which one has it."""
    if not any(job.address for job in jobs):
        yield
        return
    try:
        with transaction.atomic():
            yield
    except IntegrityError:
        for job in jobs:
            other = Job.objects.filter(project_id=job.project_id, address=job.address).first()
            if job.address and other:
                raise BadStatePoint(
                    f"{other.jobid} ({other.name!r}) has the state point of {job.name!r} already. Find it "
                    "with find_jobs, or use build(), which takes what is there."
                ) from None
        raise
