"""New jobs from a form: choose a template, fill in, look at what will be made, make it.

1. What somebody wrote is checked as create_job checks it; each error stands at its field and nothing is lost.
2. A sweep, and jobs that are there already, are shown before anything is made.
3. A form makes its jobs once: it carries a token, and pressed twice it leads to the same jobs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from jobs_app import compute, inputs, inspection, job_templates, orders, permissions, registry, sharing
from jobs_app.errors import Invalid, RoostError, Unknown, WrongState
from jobs_app.forms import reuse
from jobs_app.forms.fields import CHOICE, DATE, JOB, LONG, MOMENT, NUMBER, TICK, TIME, Field
from jobs_app.forms.form import FILES, NAME, ONE_JOB, SHARES, SWEEP, Filled, Form
from jobs_app.forms.reuse import Planned
from jobs_app.manager import JobManager
from jobs_app.models import IdempotencyKey, Job, JobShare, Template

from .security import Request, job_for

TOKEN, GO, CONFIRMED, MISSING = "form-token", "form-go", "form-confirmed", "form-missing"
RUN, EDIT = "run", "edit"
SHOWN = 12  # rows of a sweep, before it is made
PICKED = 100  # own jobs that are offered
NEVER_ASKED = frozenset({TOKEN, GO, CONFIRMED, MISSING, "csrfmiddlewaretoken"})


@require_http_methods(["GET", "HEAD", "POST"])
def new_job(request: Request) -> HttpResponse:
    app, name = request.GET.get("app", ""), request.GET.get("template", "")
    if not app and not name:
        return render(request, "new/choose.html", {"apps": offered(request.user)})
    template = _template(app, name)
    if not permissions.may_use(request.user, template.app, template.name):
        raise Http404
    return _Page(request, template).answer()


@require_http_methods(["GET", "HEAD", "POST"])
def again(request: Request, pk: int) -> HttpResponse:
    """The same job with changes."""
    job = job_for(request.user, pk)
    template = _template_of(job)
    if template and not permissions.may_use(request.user, template.app, template.name):
        template = None
    if template is None and not permissions.may_run_anything(request.user):
        return render(request, "new/no_template.html", {"job": job}, status=409)
    return _Page(request, template or _bare(job), job).answer()


# --- templates ------------------------------------------------------------------------------------------


def offered(person: Any) -> list[dict[str, Any]]:
    """The apps with the templates that this person may use."""
    found = [{"app": app.label, "name": _name(app), "templates": _usable(person, app)} for app in _known()]
    return [each for each in found if each["templates"]]


def _usable(person: Any, app: registry.App) -> list[Template]:
    return [row for row in _templates(app) if permissions.may_use(person, app.label, row.name)]


def _known() -> list[registry.App]:
    return sorted(registry.apps(), key=lambda app: _name(app).casefold())


def _name(app: registry.App) -> str:
    return str(getattr(app.cls, "name", "") or app.label)


def _templates(app: registry.App) -> list[Template]:
    """As the code declares them now; of an app that does not load, as they were."""
    with contextlib.suppress(RoostError):  # said by `manage.py templates`
        job_templates.synchronise(app)
    return list(Template.objects.filter(app=app.label, current=True).order_by("name"))


def _template(app: str, name: str) -> Template:
    if "\0" in name:
        raise Http404
    try:
        return job_templates.find(registry.find(app), name)
    except Unknown as error:
        raise Http404 from error


def _template_of(job: Job) -> Template | None:
    """The current one of its template's name; else one that runs the same method."""
    current = Template.objects.filter(app=job.app, current=True, type=job.type).order_by("pk")
    if job.template:
        return current.filter(name=job.template.name).first()
    try:
        templates = _templates(registry.find(job.app)) if job.method else []
    except RoostError:
        return None
    return next((each for each in templates if each.parameters.get("method") == job.method), None)


def _bare(job: Job) -> Template:
    """For who may run anything: what a job without template was made of."""
    given = {"method": job.method} if job.method else {}
    return Template(app=job.app, name=job.method or job.type, type=job.type, parameters=given)


# --- the page -------------------------------------------------------------------------------------------


_SPEAKS_FOR_ITSELF = frozenset({CHOICE, TICK, DATE, TIME, MOMENT})


@dataclass(frozen=True)
class Shown:
    """A field as the page has it."""

    field: Field
    text: str
    error: str
    was: str | None  # in the job that is made again
    choices: tuple[tuple[str, str], ...]

    @property
    def id(self) -> str:
        return "f-" + hashlib.sha256(self.field.name.encode()).hexdigest()[:10]

    @property
    def described(self) -> str:
        parts = [f"{self.id}-help"] * bool(self.help or self.is_changed)
        return " ".join([*parts, *[f"{self.id}-error"] * bool(self.error)])

    @property
    def help(self) -> str:
        """What its author said of it, else what it takes; and what it is when nothing is said."""
        each = self.field
        said = each.comment or ("" if each.look in _SPEAKS_FOR_ITSELF else each.wanted)
        shows = each.look in (LONG, TICK) or each.default in ("", self.text)
        return said if shows else f"{said}; else {each.default}".removeprefix("; ")

    @property
    def is_changed(self) -> bool:
        return self.was is not None and self.was.replace("\r\n", "\n") != self.text.replace("\r\n", "\n")

    @property
    def text_is_known(self) -> bool:
        """A choice that is not offered stays in the field: the check says what is wrong with it."""
        return not self.text or self.text in dict(self.choices)

    @property
    def text_is_plain(self) -> bool:
        """A browser's own field for dates shows nothing where it cannot read."""
        return not self.text or bool(re.fullmatch(_PLAIN.get(self.field.look, ""), self.text))

    @property
    def is_between(self) -> bool:
        """A number with limits, in a browser's own field for numbers, which shows nothing where it cannot
        read."""
        limits = (self.field.least, self.field.most)
        return self.field.look == NUMBER and any(limit is not None for limit in limits) and self.text_is_plain

    @property
    def rows(self) -> int:
        return min(12, max(2, self.text.count("\n") + 1))


_PLAIN = {
    NUMBER: r"-?\d+(\.\d+)?(e[+-]?\d+)?",
    DATE: r"\d{4}-\d\d-\d\d",
    TIME: r"\d\d:\d\d(:\d\d)?",
    MOMENT: r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?",
}


class _Page:
    def __init__(self, request: Request, template: Template, job: Job | None = None) -> None:
        self.request, self.template, self.job = request, template, job
        self.person = request.user

    def answer(self) -> HttpResponse:
        try:
            self.form = Form.of(self.template, self.person)
        except RoostError as error:
            broken = {"template": self.template, "error": str(error)}
            return render(self.request, "new/broken.html", broken, status=409)
        self.was = self.form.texts_of(self.job) if self.job else None
        if self.request.method != "POST":
            return self._empty()
        return self._posted()

    def _empty(self) -> HttpResponse:
        return self._form(Filled(self.form, {**self.form.defaults, SWEEP: "", **(self.was or {})}))

    def _posted(self) -> HttpResponse:
        given = {name: self.request.POST[name] for name in self.request.POST if name not in NEVER_ASKED}
        filled = self.form.filled(given)
        filled = self._with_files_checked(filled)
        if self.request.POST.get(GO) == EDIT:
            return self._form(filled)
        if filled.errors:
            return self._form(filled, status=422)
        try:
            return self._planned(filled, reuse.plan(filled))
        except (Invalid, Unknown, PermissionError) as error:
            return self._form(self._blamed(filled, str(error)), status=422)

    def _blamed(self, filled: Filled, said: str) -> Filled:
        """At its field, where the error names one."""
        name = said.partition(":")[0]
        return filled.with_error(name if name in self.form.by_name else "", said)

    # --- files ----------------------------------------------------------------------------------------

    @property
    def files(self) -> list[Any]:
        return [file for file in self.request.FILES.getlist(FILES) if file.name]

    def _with_files_checked(self, filled: Filled) -> Filled:
        if not self.files:
            return filled
        if not self.form.takes_files:
            return filled.with_error(FILES, f"A {self.template.type} job takes no files.")
        if len(filled.jobs()) > 1:
            return filled.with_error(FILES, "Files can be given to one job, not to a sweep.")
        try:
            for file in self.files:
                inputs.check(file.name, file.size)
        except Invalid as error:
            return filled.with_error(FILES, str(error))
        if filled.errors:
            return filled.with_error(FILES, "Choose the files again: a browser does not keep them.")
        return filled

    # --- what will be made ----------------------------------------------------------------------------

    def _planned(self, filled: Filled, planned: list[Planned]) -> HttpResponse:
        key = self._key(filled)
        before = _made_under(self.person, key)
        if before is not None:
            return self._made(filled, before, replayed=True)
        if not self._is_confirmed(planned) and (len(planned) > 1 or planned[0].there):
            return self._confirm(filled, planned)
        wanted = [one for one in planned if not (one.is_done and self.request.POST.get(MISSING))]
        if not wanted:
            messages.success(self.request, "All of them are there already. Nothing was made.")
            return redirect("jobs")
        order = filled.order([one.order for one in wanted])
        jobs, replayed = orders.create_once(self.person, key, order)
        return self._made(filled, jobs, replayed=replayed)

    def _is_confirmed(self, planned: list[Planned]) -> bool:
        """The number that was confirmed is the number that is made."""
        return self.request.POST.get(CONFIRMED) == str(len(planned))

    def _key(self, filled: Filled) -> str:
        """The same form, sent again with the same words. With other words it makes other jobs."""
        said = [self.request.POST.get(TOKEN, ""), self.template.app, self.template.name, dict(filled.texts)]
        return "form:" + hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

    def _confirm(self, filled: Filled, planned: list[Planned]) -> HttpResponse:
        there = [one for one in planned if one.there]
        context = {
            "template": self.template,
            "address": self._address,
            "kept": self._kept(filled),
            "count": len(planned),
            "one": planned[0] if len(planned) == 1 else None,
            "there": there[:SHOWN],
            "there_count": len(there),
            "done": sum(one.is_done for one in planned),
            "columns": filled.sweep.columns,
            "rows": [
                (one, [row[column] for column in filled.sweep.columns])
                for one, row in zip(planned[:SHOWN], filled.sweep.rows, strict=False)
            ],
            "more": max(0, len(planned) - SHOWN),
            "differences": self._differences(filled),
            "job": self.job,
            "run": self.request.POST.get(GO) != "save",
        }
        return render(self.request, "new/confirm.html", context)

    def _kept(self, filled: Filled) -> list[tuple[str, str]]:
        """All that was written, for the next page."""
        token = (TOKEN, self.request.POST.get(TOKEN, "")[:64])
        return [token, *((name, text) for name, text in filled.texts.items())]

    def _made(self, filled: Filled, jobs: list[Job], *, replayed: bool) -> HttpResponse:
        try:
            self._keep_files(jobs[0])
            if self.request.POST.get(GO) != "save":
                self._execute(jobs, replayed)
        except RoostError as error:
            messages.error(self.request, f"Saved, but not handed over: {error}")
        else:
            messages.success(self.request, self._said(filled, jobs))
        return redirect("job", jobs[0].pk) if len(jobs) == 1 else redirect("jobs")

    def _keep_files(self, job: Job) -> None:
        """An equal form may have died before it came to that, or be at it too, and hand the job over."""
        for file in self.files:
            try:
                inputs.keep(job, file.name, file, self.person)
            except WrongState:
                if not inputs.has(job, file.name):
                    raise

    def _execute(self, jobs: list[Job], replayed: bool) -> None:
        """Those that an equal form has not handed over; of two at the same time one does."""
        waiting = [job for job in jobs if job.state.code == "PEN" and not job.frozen]
        try:
            JobManager(self.template.app).execute_jobs(waiting, self.person)
        except WrongState:
            if not replayed:
                raise

    def _said(self, filled: Filled, jobs: list[Job]) -> str:
        done = "Saved." if self.request.POST.get(GO) == "save" else "Handed over."
        what = f"{len(jobs)} jobs. {done}" if len(jobs) > 1 else done
        changed = [f"{name}: {was or '-'} → {now or '-'}" for name, was, now in self._differences(filled)]
        return what + (f" Other than {self.job.jobid}: {'; '.join(changed)}." if self.job and changed else "")

    # --- drawing --------------------------------------------------------------------------------------

    @property
    def _address(self) -> str:
        if self.job:
            return reverse("again", args=[self.job.pk])
        from urllib.parse import urlencode

        return f"{reverse('new-job')}?{urlencode({'app': self.template.app, 'template': self.template.name})}"

    def _differences(self, filled: Filled) -> list[tuple[str, str, str]]:
        """(field, as it was, as it is) against the job that is made again."""
        was = self.was or {}
        labels = {name: each.label for name, each in self.form.by_name.items()}
        pairs = [(label, was.get(name, ""), filled.texts.get(name, "")) for name, label in labels.items()]
        return [
            (label, _short(before), _short(now))
            for label, before, now in pairs
            if self.job and before.replace("\r\n", "\n") != now.replace("\r\n", "\n")
        ]

    def _form(self, filled: Filled, status: int = 200) -> HttpResponse:
        schedulers = tuple((row.name, row.name) for row in compute.list_schedulers())
        context = {
            "template": self.template,
            "app_name": _name(registry.find(self.template.app)),
            "address": self._address,
            "job": self.job,
            "token": self.request.POST.get(TOKEN, "")[:64] or secrets.token_urlsafe(16),
            "name": filled.texts.get(NAME, ""),
            "errors": filled.errors,
            "error": filled.errors.get("", ""),
            "name_error": filled.errors.get(NAME, ""),
            "sweep_error": filled.errors.get(SWEEP, ""),
            "files_error": filled.errors.get(FILES, ""),
            "sweep": filled.texts.get(SWEEP, ""),
            "sweep_names": ", ".join(each.key for each in self.form.first),
            "one_job": filled.texts.get(ONE_JOB, ""),
            "first": self._shown(filled, self.form.first, schedulers),
            "more": self._shown(filled, self.form.more, schedulers),
            "more_is_open": any(each.name in filled.errors for each in self.form.more),
            "groups": self._groups(filled.texts),
            "may": JobShare.MAY,
            "takes_files": self.form.takes_files,
            "largest": inspection.size(inputs.largest()),
            "largest_bytes": inputs.largest(),
            "picks": self._picks(),
        }
        return render(self.request, "new/form.html", context, status=status)

    def _shown(self, filled: Filled, fields: Iterable[Field], schedulers: Any) -> list[Shown]:
        return [
            Shown(
                each,
                filled.texts.get(each.name, each.default),
                filled.errors.get(each.name, ""),
                self.was.get(each.name) if self.was else None,
                schedulers if each.name == "scheduler" else each.choices,
            )
            for each in fields
        ]

    def _groups(self, texts: Mapping[str, str]) -> list[tuple[Group, str, str]]:
        rows = sharing.groups(self.person)[: sharing.OFFERED]
        return [(row, f"{SHARES}{row.pk}", texts.get(f"{SHARES}{row.pk}", "")) for row in rows]

    def _picks(self) -> list[Job]:
        if not any(each.look == JOB for each in self.form.fields):
            return []
        own = Job.objects.filter(user=self.person).select_related("project").order_by("-pk")
        return list(own.defer("parameters", "statepoint")[:PICKED])


def _short(text: str) -> str:
    one = " / ".join(text.split("\n"))
    return one if len(one) <= 60 else one[:57] + "..."


def _made_under(person: Any, key: str) -> list[Job] | None:
    row = IdempotencyKey.objects.filter(caller=orders.caller_name(person), key=key).first()
    if row is None:
        return None
    found = permissions.readable(person).select_related("project", "user", "template", "scheduler")
    rows = found.in_bulk(row.jobs)
    return [rows[pk] for pk in row.jobs if pk in rows] or None
