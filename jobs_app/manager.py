"""The job manager of an app: creates its jobs, and finds them again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group
from django.db import transaction
from django.db.models import CharField, F, Func, QuerySet, Value
from django.db.models.functions import Cast

from jobs_app import building, callbacks, lifecycle, permissions, registry, search, states
from jobs_app.creation import Blueprint, blueprint, draft, is_nobody, owner, project_of
from jobs_app.errors import Invalid, UnknownJob
from jobs_app.lifecycle import quota
from jobs_app.lifecycle.rows import insert_each
from jobs_app.models import Job, JobBatch, JobBatchMember, JobDependency, JobShare, JobUse, Project
from jobs_app.models.job import insert_all
from jobs_app.script.job import Job as Handle

if TYPE_CHECKING:
    from django.http import HttpRequest

    from jobs_app.permissions import Person


class JobManager:
    """Of one app, named by its AppBase subclass, an instance of it, or its label."""

    def __init__(self, app: Any) -> None:
        self.app = registry.find(app)
        self.label = self.app.label

    def __repr__(self) -> str:
        return f"JobManager({self.label!r})"

    # --- create ---------------------------------------------------------------------------------------

    def create_job(
        self,
        name: str,
        user: Any,
        template_name: str | None = None,
        groups: Group | Iterable[Group] | None = None,
        job_type: Any = None,
        **kwargs: Any,
    ) -> Job:
        """A new job, not saved yet unless `groups` are given: call its save() or execute().

        `{id}` in the name becomes the job's id. What `kwargs` say wins over the template. `user` None: the
        job belongs to the program itself.
        """
        who = owner(user)
        job = draft(self._blueprint(template_name, job_type), name, who, kwargs)
        quota.check_create(self.label, who)
        if groups is not None:
            job.link(groups=_several(groups))
            job.save()
        return job

    def create_jobs(
        self,
        jobs: Iterable[str | Mapping[str, Any]],
        user: Any,
        template_name: str | None = None,
        groups: Group | Iterable[Group] | None = None,
        job_type: Any = None,
        reader: Person | None = None,
        **kwargs: Any,
    ) -> list[Job]:
        """Many jobs at once, saved: all or none. Each of `jobs` is a name, or a mapping with a "name" and
        that job's own parameters. `reader`: who must be able to see the jobs that are named in them."""
        plan, who = self._blueprint(template_name, job_type), owner(user)
        rows = [_of_many(plan, job, who, kwargs) for job in jobs]
        if reader is not None:
            permissions.refuse_unseen(reader, _named_by(rows))
        quota.check_create(self.label, who, len(rows))
        with transaction.atomic():
            insert_all(rows)
            _name_by_ids(rows)
            _link_all(rows, _several(groups))
            _keep_together(rows)
        return rows

    def execute_jobs(self, jobs: Iterable[Job], user: Any = None) -> None:
        """As execute() of each of these saved jobs; some hundred together, all of them or none."""
        lifecycle.execute_jobs(list(jobs), user)

    def _blueprint(self, template_name: str | None, job_type: Any) -> Blueprint:
        return blueprint(self.app, self._project, template_name, job_type)

    # --- build ----------------------------------------------------------------------------------------

    def build(
        self,
        method: str,
        /,
        options: Mapping[str, Any] | None = None,
        datasets: Mapping[str, Any] | None = None,
        jobs: Mapping[str, Any] | None = None,
        name: str | None = None,
        caption: str | None = None,
        why_build: bool = False,
        force_build: bool = False,
        workdir: str | None = None,
        concurrency: int | None = None,
        **keywords: Any,
    ) -> Handle:
        """The finished job of this method with these inputs: reused if it is there, else run and waited for.

        Keywords are options, datasets or jobs of the script; what it does not declare is said of the job
        (user, slices, memory, wall_time, cpus, retries, scheduler, timeout, ...).
        """
        if workdir is not None:
            raise Invalid("workdir: a job lies in its app's project here. Leave it out.")
        inputs = {"options": options, "datasets": datasets, "jobs": jobs}
        own = {} if concurrency is None else {"concurrency": concurrency}
        about = {"name": name or "", "caption": caption or ""}
        wanted = building.order(self.app, self._project, method, inputs, {**own, **keywords}, **about)
        if why_build:
            building.refuse_to_build(wanted)
        return building.build(wanted, force=force_build)

    def build_subjob(self, parent: Job, wanted: Mapping[str, Any]) -> Job:
        """As build, for a running part of `parent`, and without waiting."""
        return building.subjob(parent, wanted)

    # --- find -----------------------------------------------------------------------------------------

    def list_jobs(
        self,
        user: Any = None,
        groups: Group | Iterable[Group] | None = None,
        order_by: str | Iterable[str] = "id",
        filters: Mapping[str, Any] | None = None,
    ) -> QuerySet[Job]:
        """The app's jobs: all, a user's, or those shared with any of some groups."""
        if user is not None and groups is not None:
            raise Invalid("list_jobs takes user= or groups=, not both. Filter the one by the other.")
        found = self._jobs(user, filters)
        if groups is not None:
            shared = JobShare.objects.filter(group__in=_several(groups))
            found = found.filter(pk__in=shared.values("job"))
        return found.order_by(*([order_by] if isinstance(order_by, str) else order_by))

    def get_job(self, job_id: int, user: Any = None, filters: Mapping[str, Any] | None = None) -> Job | None:
        """The app's job with this id (and of this user); else None."""
        found = self._jobs(user, filters)
        try:
            found = found.filter(pk=job_id)
        except (TypeError, ValueError, OverflowError):  # no job has an id that is no number
            return None
        return found.first()

    def find_jobs(
        self, filter: Mapping[str, Any] | None = None, user: Any = None, order_by: str = "id"
    ) -> QuerySet[Job]:
        """The app's jobs by their state points: {"a": 1, "b.c": {"$lt": 5}}."""
        return search.by_statepoint(self._jobs(user, None), filter or {}).order_by(order_by)

    def _jobs(self, user: Any, filters: Mapping[str, Any] | None) -> QuerySet[Job]:
        found = Job.objects.filter(app=self.label)
        if user is not None:
            found = found.none() if is_nobody(user) else found.filter(user=owner(user))
        return found.filter(**_fields(filters)) if filters else found

    # --- others ---------------------------------------------------------------------------------------

    def project(self) -> Project:
        """The app's project, where its jobs' directories lie."""
        return self._project

    @cached_property
    def _project(self) -> Project:
        return project_of(self.app)

    def get_job_status_callback_url(self, request: HttpRequest | None, job_id: int) -> str:
        """The URL by which the job, or its scheduler, asks Roost to look at it. Works without a request."""
        if not self._jobs(None, None).filter(pk=job_id).exists():
            raise UnknownJob(f"{self.label} has no job {job_id}. Save the job first, then it has an id.")
        return callbacks.url(request, job_id)


def _several(groups: Group | Iterable[Group] | None) -> list[Group]:
    if groups is None:
        return []
    return [groups] if isinstance(groups, Group) else list(groups)


def _fields(filters: Mapping[str, Any]) -> dict[str, Any]:
    """Tethys calls the app of a job its label."""
    spelled = {"label": "app", "status": "_status"}
    parts = ((name.partition("__"), value) for name, value in filters.items())
    found = {spelled.get(name, name) + dunder + rest: value for (name, dunder, rest), value in parts}
    if "_status" in found:  # leads to an index
        found.setdefault("stage__in", states.stages([found["_status"]]))
    return found


def _of_many(plan: Blueprint, job: str | Mapping[str, Any], user: Any, shared: Mapping[str, Any]) -> Job:
    if isinstance(job, str):
        return draft(plan, job, user, shared)
    own = dict(job)
    name = own.pop("name", None)
    return draft(plan, name, user, {**shared, **own})


def _named_by(rows: list[Job]) -> set[int]:
    """The jobs that these wait for or read."""
    links = [row.__dict__.get("_links", ((), (), ())) for row in rows]
    return {job.pk for _, after, _ in links for job in after} | {pk for *_, uses in links for _, pk in uses}


def _name_by_ids(rows: list[Job]) -> None:
    named = [job for job in rows if "{id}" in job.name]
    if not named:
        return
    by_id = Func(F("name"), Value("{id}"), Cast(F("pk"), CharField()), function="REPLACE")
    span = Job.objects.filter(pk__gte=named[0].pk, pk__lte=named[-1].pk, name__contains="{id}")
    span.update(name=by_id)
    for job in named:
        job.name = job.name.replace("{id}", str(job.pk))


def _keep_together(rows: list[Job]) -> None:
    """Jobs of one call: their user is told once, when all are over."""
    if len(rows) > 1 and rows[0].user_id is not None:
        batch = JobBatch.objects.create(name=rows[0].name[:200])
        insert_each(JobBatchMember, ("batch",), "job", [((batch.pk,), [row.pk for row in rows])])


def _link_all(rows: list[Job], groups: list[Group]) -> None:
    links = [job.__dict__.pop("_links", ((), (), ())) for job in rows]
    shared = [JobShare(job_id=job.pk, group_id=group.pk) for job in rows for group in groups]
    waits = [
        JobDependency(job_id=job.pk, before_id=before.pk)
        for job, (_, after, _) in zip(rows, links, strict=True)
        for before in after
    ]
    reads = {(job.pk, role, pk) for job, (_, _, uses) in zip(rows, links, strict=True) for role, pk in uses}
    JobShare.objects.bulk_create(shared)
    JobDependency.objects.bulk_create(waits)
    JobUse.objects.bulk_create(JobUse(job_id=job, role=role, used_id=used) for job, role, used in reads)
