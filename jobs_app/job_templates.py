"""Job templates: how an app declares them, and how they become rows.

A template in code is a value. What `job_templates()` returns is evaluated when a template is first needed and
kept in versioned rows: a change of type or parameters makes a new version, a return to an old one makes that
the current one again, and no change writes nothing.
"""

from __future__ import annotations

import hashlib
import inspect
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db import IntegrityError, transaction

from jobs_app.errors import DuplicateTemplate, Invalid, RoostError, UnknownTemplate
from jobs_app.job_types import checked_parameters, type_name
from jobs_app.parameters import unknown
from jobs_app.registry import App

if TYPE_CHECKING:
    from jobs_app.models import Template


class JobTemplate:
    """The blueprint of jobs: a name, a type (a value of JOB_TYPES or its name; BASIC if left out), and the
    parameters that all its jobs share."""

    type: Any = None

    def __init__(self, name: str, type: Any = None, parameters: Mapping[str, Any] | None = None) -> None:
        self.name = name
        self.type = type if type is not None else self.type
        self.parameters = dict(parameters or {})

    def __repr__(self) -> str:
        return f"{self.__class__.__name__}({self.name!r})"


class _TypedTemplate(JobTemplate):
    def __init__(self, name: str, parameters: Mapping[str, Any] | None = None) -> None:
        super().__init__(name, parameters=parameters)


class BasicJobTemplate(_TypedTemplate):
    type = "BASIC"


class CondorJobTemplate(_TypedTemplate):
    type = "CONDORJOB"


class ScriptJobTemplate(_TypedTemplate):
    type = "SCRIPT"


class CondorWorkflowTemplate(_TypedTemplate):
    """`jobs`, `max_jobs` and `config` may stand among the parameters, or be given by themselves."""

    type = "CONDORWORKFLOW"

    def __init__(self, name: str, parameters: Mapping[str, Any] | None = None, **more: Any) -> None:
        super().__init__(name, {**(parameters or {}), **more})


# --- from code to values -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Declared:
    """A template as its row keeps it."""

    name: str
    type: str
    parameters: dict[str, Any]
    digest: str


def declared(app: App) -> dict[str, Declared]:
    """What the app's `job_templates()` says, checked."""
    found: dict[str, Declared] = {}
    originals: dict[str, JobTemplate] = {}
    for template in _templates_of(app):
        one = _declared(app, template)
        if one.name in found:
            raise DuplicateTemplate(
                f"{app.label} declares two templates named {one.name!r}: {_said(originals[one.name])} and "
                f"{_said(template)}. Rename one of them."
            )
        found[one.name], originals[one.name] = one, template
    return found


def _said(template: JobTemplate) -> str:
    return f"{type_name(template.type)} with {', '.join(sorted(template.parameters)) or 'no parameters'}"


def _templates_of(app: App) -> Iterable[JobTemplate]:
    answer = _call(app.cls) if app.cls else ()
    templates = (answer,) if isinstance(answer, JobTemplate) else tuple(answer or ())
    for template in templates:
        if not isinstance(template, JobTemplate):
            raise Invalid(
                f"{app.label}: job_templates() returned {template!r}, which is no JobTemplate. "
                "Return a list of JobTemplates."
            )
    return templates


def _call(cls: Any) -> Any:
    """`job_templates` as a method, classmethod, staticmethod or function without arguments."""
    plain = inspect.getattr_static(cls, "job_templates")
    if isinstance(plain, (classmethod, staticmethod)):
        return cls.job_templates()
    takes_none = not inspect.signature(plain).parameters
    return plain() if takes_none else cls().job_templates()


def _declared(app: App, template: JobTemplate) -> Declared:
    name: Any = template.name
    if not isinstance(name, str) or not 0 < len(name) <= 255:
        raise Invalid(f"{app.label}: {name!r} cannot be a template's name. Give it a text.")
    try:
        kind = type_name(template.type)
        parameters = checked_parameters(kind, template.parameters)
    except RoostError as error:
        raise type(error)(f"Template {template.name!r} of {app.label}: {error}") from None
    return Declared(name, kind, parameters, digest_of(kind, parameters))


def digest_of(kind: str, parameters: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps([kind, parameters], sort_keys=True).encode()).hexdigest()


# --- from values to rows -----------------------------------------------------------------------------------


def synchronise(app: App) -> dict[str, Declared]:
    """Brings the rows up to what the code declares now."""
    wanted = declared(app)
    try:
        _bring_up(app, wanted)
    except IntegrityError:  # another process wrote the same version at the same time
        _bring_up(app, wanted)
    return wanted


def _bring_up(app: App, wanted: Mapping[str, Declared]) -> None:
    from jobs_app.models import Template

    with transaction.atomic():
        current = {row.name: row for row in Template.objects.filter(app=app.label, current=True)}
        for one in wanted.values():
            _write(app, one, current.get(one.name))
        _retire([row for name, row in current.items() if row.from_code and name not in wanted])


def _write(app: App, wanted: Declared, current: Template | None) -> None:
    if current and not current.from_code:
        raise DuplicateTemplate(
            f"{app.label} declares a template {wanted.name!r}, and an administrator has added one of the "
            f"same name (row {current.pk}). Rename one of them."
        )
    if current and current.digest == wanted.digest:
        return
    if current:
        _retire([current])
    _make_current(app, wanted)


def _retire(rows: list[Template]) -> None:
    for row in rows:
        row.current = False
        row.save(update_fields=["current"])


def _make_current(app: App, wanted: Declared) -> None:
    from jobs_app.models import Template

    versions = Template.objects.filter(app=app.label, name=wanted.name)
    if versions.filter(digest=wanted.digest, from_code=True).update(current=True):
        return
    last = versions.order_by("-version").values_list("version", flat=True).first() or 0
    Template.objects.create(
        app=app.label,
        name=wanted.name,
        version=last + 1,
        type=wanted.type,
        parameters=wanted.parameters,
        digest=wanted.digest,
    )


def add(app: str, name: str, kind: str, parameters: dict[str, Any]) -> Template:
    """A template that no code declares, or its next version. What it says must be checked already."""
    from jobs_app.models import Template

    versions = Template.objects.filter(app=app, name=name)
    with transaction.atomic():
        last = (
            versions.select_for_update().order_by("-version").values_list("version", flat=True).first() or 0
        )
        versions.filter(current=True).update(current=False)
        return Template.objects.create(
            app=app,
            name=name,
            version=last + 1,
            type=kind,
            parameters=parameters,
            digest=digest_of(kind, parameters),
            from_code=False,
        )


# What this process has seen: by label, the class that was asked and what it said; and rows, by name.
_synchronised: dict[str, tuple[object, dict[str, Declared]]] = {}
_rows: dict[tuple[str, str], Template] = {}


def find(app: App, name: str) -> Template:
    """The current version of the app's template. The code is asked once in a process, the row each time."""
    row = _current(app.label, name)
    cls, known = _synchronised.get(app.label, (None, {}))
    if cls is app.cls and row and (not row.from_code or _same(row, known.get(name))):
        return row
    _synchronised[app.label] = (app.cls, synchronise(app))
    row = _current(app.label, name)
    if row is None:
        raise UnknownTemplate(unknown("template", name, names(app), app.label))
    return row


def _current(app: str, name: str) -> Template | None:
    from jobs_app.models import Template
    from jobs_app.models.plain import one_row

    found = one_row(Template, "id, digest", "app = %s AND name = %s AND current", [app, name])
    if found is None:
        return None
    seen = _rows.get((app, name))
    if seen is None or (seen.pk, seen.digest) != found:
        seen = _rows[app, name] = Template.objects.get(pk=found[0])
    return seen


def forget_all() -> None:
    """The code is asked again."""
    _synchronised.clear()
    _rows.clear()


def _same(row: Template, known: Declared | None) -> bool:
    return known is not None and known.digest == row.digest


def names(app: App) -> list[str]:
    from jobs_app.models import Template

    return list(Template.objects.filter(app=app.label, current=True).values_list("name", flat=True))
