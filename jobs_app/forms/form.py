"""A form for the jobs of a template: from the template its fields, from what a person wrote the order.

Nothing here knows of pages. What somebody wrote stays as it was written, whatever is wrong with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from django.contrib.auth.models import Group

from jobs_app import orders, permissions, schemas, sharing
from jobs_app import parameters as check
from jobs_app.errors import Invalid
from jobs_app.forms import fields, sweeps, texts
from jobs_app.forms.fields import Field, Refused
from jobs_app.job_types import job_id
from jobs_app.models import CondorJob, Job, Template
from jobs_app.orders import Order, Share
from jobs_app.script.options import decode

if TYPE_CHECKING:
    from jobs_app.permissions import Person

NAME, SWEEP, FILES, ONE_JOB = "form-name", "form-sweep", "form-files", "form-one-job"
SHARES = "form-share-"

# What most people want to say stands before "more".
FIRST = ("slices", "num_jobs", "arguments")
HIDDEN = frozenset(
    {"method", "options", "datasets", "jobs", "caption", "process_results_function", "workspace"}
)


@dataclass(frozen=True)
class Form:
    template: Template
    person: Person
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, template: Template, person: Person) -> Form:
        method = fields.method_of(template)
        own = fields.of_script(template, method) if method else []
        takes = orders.open_parameters(person, schemas.names_of(template))
        hidden = HIDDEN if template.type == "SCRIPT" else HIDDEN - {"jobs"}
        names = [name for name in schemas.names_of(template) if name in takes and name not in hidden]
        return cls(template, person, (*own, *fields.of_parameters(template, names)))

    @cached_property
    def by_name(self) -> dict[str, Field]:
        return {each.name: each for each in self.fields}

    @property
    def first(self) -> list[Field]:
        return [each for each in self.fields if each.part or each.name in FIRST]

    @property
    def more(self) -> list[Field]:
        return [each for each in self.fields if not each.part and each.name not in FIRST]

    @property
    def takes_files(self) -> bool:
        return issubclass(Job.types[self.template.type], CondorJob)

    @property
    def defaults(self) -> dict[str, str]:
        return {NAME: self.template.name[:200], **{each.name: each.default for each in self.fields}}

    # --- from a job -----------------------------------------------------------------------------------

    def texts_of(self, job: Job) -> dict[str, str]:
        """As if this job had been made with this form."""
        said = {NAME: job.name, **{each.name: self._text_of(each, job) for each in self.fields}}
        shared = {f"{SHARES}{share.group_id}": share.may for share in job.shares.all()}
        return {**said, **shared}

    def _text_of(self, each: Field, job: Job) -> str:
        if each.part:
            return self._text_of_input(each, (job.parameters.get(each.part) or {}).get(each.key))
        return fields.written(each.name, _parameter_of(job, each.name))

    def _text_of_input(self, each: Field, stored: Any) -> str:
        if each.part != "options":
            return ", ".join(map(str, stored)) if isinstance(stored, list) else str(stored or "")
        return texts.write(decode(stored), self._kinds[each.key])

    @cached_property
    def _kinds(self) -> Mapping[str, Any]:
        method = fields.method_of(self.template)
        return method.script.declared.options if method else {}

    # --- from what somebody wrote -----------------------------------------------------------------------

    def filled(self, given: Mapping[str, str]) -> Filled:
        """`given`: by the fields' names. A tick that is not there is a no."""
        found = {each.name: given.get(each.name, _absent(each)) for each in self.fields}
        own = {name: given.get(name, "") for name in (NAME, SWEEP, ONE_JOB)}
        shares = {name: may for name, may in given.items() if name.startswith(SHARES) and may}
        return Filled(self, {**found, **own, **shares}).check()


def _parameter_of(job: Job, name: str) -> Any:
    if name in ("description", "extended_properties", "priority"):
        return getattr(job, name)
    if name == "scheduler":
        return job.scheduler.name if job.scheduler else ""
    return None if name in ("statepoint", "after") else job.parameters.get(name)


def _absent(each: Field) -> str:
    return texts.NO if each.look == fields.TICK else ""


@dataclass(frozen=True)
class Filled:
    """What somebody wrote, what it means, and what is wrong with it. `errors` by field; "" holds for all."""

    form: Form
    texts: Mapping[str, str]
    values: Mapping[str, Any] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    sweep: sweeps.Sweep = sweeps.NONE
    rows: tuple[Mapping[str, Any], ...] = ()

    def check(self) -> Filled:
        values, errors = self._values()
        errors |= self._wrong_name()
        filled = replace(self, values=values, errors=errors)
        return filled._swept()._with_jobs_seen()

    def with_error(self, name: str, said: str) -> Filled:
        return replace(self, errors={**self.errors, name: said})

    def _values(self) -> tuple[dict[str, Any], dict[str, str]]:
        """What was left as it stood is left to the template, which may say it with variables."""
        values, errors = {}, {}
        swept = self._swept_columns()
        for each in self.form.fields:
            text = self.texts[each.name].replace("\r\n", "\n")
            if each.name in swept or (text == each.default and not each.required):
                continue
            try:
                values[each.name] = each.value(text)
            except Refused as refused:
                errors[each.name] = str(refused)
        return {name: value for name, value in values.items() if value is not None}, errors

    def _wrong_name(self) -> dict[str, str]:
        try:
            check.job_name(self.texts[NAME])
        except Invalid as error:
            return {NAME: fields.sentence(error)}
        return {}

    # --- a sweep --------------------------------------------------------------------------------------

    def _swept_columns(self) -> set[str]:
        """Without looking whether the rows are right."""
        try:
            columns = sweeps.read(self.texts[SWEEP], orders.MOST).columns
        except Invalid:
            return set()
        return {each.name for name in columns if (each := self._column(name))}

    def _column(self, name: str) -> Field | None:
        known = self.form.by_name
        short = [each for each in self.form.fields if name in (each.key, each.label)]
        return known.get(name) or (short[0] if len(short) == 1 else None)

    def _swept(self) -> Filled:
        try:
            sweep = sweeps.read(self.texts[SWEEP], orders.MOST)
            rows = tuple(self._row(sweep, at) for at in range(len(sweep.rows)))
        except Invalid as error:
            return self.with_error(SWEEP, str(error))
        return replace(self, sweep=sweep, rows=rows)

    def _row(self, sweep: sweeps.Sweep, at: int) -> dict[str, Any]:
        """A column that is no field fills its {name} in the arguments."""
        row = sweep.rows[at]
        known = {name: self._column(name) for name in sweep.columns}
        if unknown := [name for name, each in known.items() if each is None]:
            self._refuse_unless_held(unknown)
        found: dict[str, Any] = {}
        for name, each in known.items():
            found |= {each.name: _read(each, row[name], at)} if each else {}
        if unknown:
            found["arguments"] = self._arguments({name: row[name] for name in unknown})
        return {name: value for name, value in found.items() if value is not None}

    def _refuse_unless_held(self, names: list[str]) -> None:
        text = self.texts.get("arguments", "")
        for name in names:
            if "{" + name + "}" not in text:
                raise Invalid(
                    check.unknown("field", name, [each.key for each in self.form.fields], "this form")
                )

    def _arguments(self, row: Mapping[str, str]) -> Any:
        words = check.split_arguments(self.texts["arguments"])
        return [_filled_in(word, row) for word in words]

    @property
    def is_one_job(self) -> bool:
        """All rows are slices of one job: their command lines differ, and nothing else does."""
        return bool(self.texts.get(ONE_JOB)) and self.can_be_one_job

    @property
    def can_be_one_job(self) -> bool:
        return len(self.rows) > 1 and all(row.keys() == {"arguments"} for row in self.rows)

    # --- the jobs that it names -------------------------------------------------------------------------

    def _with_jobs_seen(self) -> Filled:
        """A job that somebody may not see is not there."""
        named = {
            name: set().union(*(_jobs_in(name, value) for value in values))
            for name, values in self._all_values()
        }
        wanted = set().union(*named.values()) if named else set()
        if not wanted:
            return self
        seen = set(permissions.readable(self.form.person).filter(pk__in=wanted).values_list("pk", flat=True))
        wrong = {
            name if name in self.values else SWEEP: f"There is no job {min(ids - seen)} that you may see."
            for name, ids in named.items()
            if ids - seen
        }
        return replace(self, errors={**self.errors, **wrong})

    def _all_values(self) -> Iterator[tuple[str, Any]]:
        named = [each.name for each in self.form.fields if each.look == fields.JOB]
        for name in named:
            values = [mapping[name] for mapping in (self.values, *self.rows) if mapping.get(name)]
            if values:
                yield name, values

    # --- the order ------------------------------------------------------------------------------------

    def parameters(self, row: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """As create_job takes them, for one job."""
        said: dict[str, Any] = {}
        for name, value in {**self.values, **(row or {})}.items():
            each = self.form.by_name[name]
            if each.part:
                said.setdefault(each.part, {})[each.key] = value
            else:
                said[name] = value
        return said

    def jobs(self) -> list[tuple[str, dict[str, Any]]]:
        name = self.texts[NAME]
        if self.is_one_job:
            table = [row["arguments"] for row in self.rows]
            return [(name, {**self.parameters(), "arguments": table})]
        if not self.rows:
            return [(name, self.parameters())]
        return [(self._name(at), self.parameters(row)) for at, row in enumerate(self.rows)]

    def _name(self, at: int) -> str:
        """`{size}` in it becomes the row's; else the rows are numbered."""
        name = self.texts[NAME]
        filled = _filled_in(name, self.sweep.rows[at])
        if filled == name:
            return f"{name} {at + 1}"
        try:
            return check.job_name(filled)
        except Invalid:
            return f"{name} {at + 1}"

    def order(self, jobs: Iterable[tuple[str, Mapping[str, Any]]] | None = None) -> Order:
        template = self.form.template
        saved = template.pk is not None
        return Order(
            app=template.app,
            jobs=list(self.jobs() if jobs is None else jobs),
            template=template.name if saved else None,
            type=None if saved else template.type,
            parameters={} if saved else template.parameters,
            shares=list(self._shares()),
        )

    def _shares(self) -> Iterator[Share]:
        said = {name.removeprefix(SHARES): may for name, may in self.texts.items() if name.startswith(SHARES)}
        ids = [number for number in said if re.fullmatch(r"[1-9][0-9]{0,8}", number)]
        for group in Group.objects.filter(pk__in=ids):
            may = said[str(group.pk)]
            sharing.check(may)
            yield Share(group.name, may)


def _filled_in(text: str, row: Mapping[str, str]) -> str:
    for name, value in row.items():
        text = text.replace("{" + name + "}", value)
    return text


def _read(each: Field, text: str, at: int) -> Any:
    try:
        return each.value(text)
    except Refused as refused:
        raise Invalid(f"Row {at + 1}, {each.key} = {text[:80]!r}: {refused}") from None


def _jobs_in(name: str, value: Any) -> set[int]:
    """An option's value is a file: [job, name]. The others' a job, a dataset, or several."""
    if isinstance(value, list):
        several = value[:1] if name.startswith("options.") else value
        return set().union(*(_jobs_in("", item) for item in several))
    try:
        return {job_id(str(value).partition("/")[0])}
    except Invalid:
        return set()
