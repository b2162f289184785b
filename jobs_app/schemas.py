"""What a job may be given, as JSON Schema (2020-12): for the API, and for forms made from templates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from jobs_app import job_types, methods, registry
from jobs_app import parameters as check
from jobs_app.errors import RoostError
from jobs_app.models import Template
from jobs_app.script.declarations import OptionEnum
from jobs_app.script.kinds import Kind
from jobs_app.script.options import Declared, Slots, encode

DIALECT = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]

_SIZE: Schema = {
    "description": 'megabytes, or a text with its unit: "2 GB"',
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}],
}
_TIME: Schema = {
    "description": 'seconds, or "90m", "2h", "01:30:00"',
    "anyOf": [{"type": "number", "minimum": 0}, {"type": "string"}],
}
_WORD: Schema = {"type": ["string", "number"]}
_ANY_MAPPING: Schema = {"type": "object"}
_JOB: Schema = {"type": ["integer", "string"], "description": 'a job: 42, or "ising-42"'}

_NOTICE: Schema = {"enum": list(job_types.NOTICES)}


def _whole(least: int, most: int = check.LARGEST) -> Schema:
    return {"type": "integer", "minimum": least, "maximum": most}


# By name: one name means one thing in all types.
PARAMETERS: Mapping[str, Schema] = {
    "description": {"type": "string", "maxLength": 2048},
    "caption": {"type": "string"},
    "extended_properties": _ANY_MAPPING,
    "statepoint": _ANY_MAPPING,
    "scheduler": {"type": "string", "description": "the name of a scheduler"},
    "priority": _whole(-(2**31)),
    "notify": {
        "description": "true: of everything; false: of nothing; else of which",
        "anyOf": [{"type": "boolean"}, _NOTICE, {"type": "array", "items": _NOTICE}],
    },
    "after": {"type": "array", "items": _JOB, "description": "jobs that must be complete first"},
    "memory": _SIZE,
    "disk": _SIZE,
    "wall_time": _TIME,
    "remote_from": _SIZE,
    "results": {
        "description": "how long they stay on the pool: at once (no time), on success, after 30 days, keep",
        "anyOf": [{"enum": list(check.RESULTS_WORDS)}, {"type": "string", "pattern": check.RESULTS_DAYS}],
    },
    "cpus": _whole(1),
    "gpus": _whole(0),
    "concurrency": _whole(0),
    "retries": _whole(0),
    "slices": _whole(1, check.MOST_SLICES),
    "num_jobs": _whole(1, check.MOST_SLICES),
    "arguments": {
        "description": "a command line, its words, or the words of each slice",
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"anyOf": [_WORD, {"type": "array", "items": _WORD}]}},
        ],
    },
    "environment": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
}


def of_template(template: Template, names: frozenset[str] | None = None) -> Schema:
    """What the caller may give for a job of this template; `names`: only these, where they exist.

    A default is what the template says.
    """
    known = [name for name in names_of(template) if names is None or name in names]
    properties = {name: _with_default(PARAMETERS.get(name, {}), name, template) for name in known}
    properties.update(_of_script(template, properties))
    return {
        "$schema": DIALECT,
        "title": template.name,
        "description": str(template.parameters.get("description", "")),
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
    }


def names_of(template: Template) -> list[str]:
    return [*job_types.COMMON, *job_types.JOB_TYPES[template.type].PARAMETERS]


def _with_default(schema: Schema, name: str, template: Template) -> Schema:
    given = template.parameters.get(name)
    return schema if given is None else {**schema, "default": given}


# --- what a script declares -----------------------------------------------------------------------------


def _of_script(template: Template, wanted: Mapping[str, Schema]) -> dict[str, Schema]:
    name = template.parameters.get("method")
    if template.type != "SCRIPT" or not name:
        return {}
    try:
        method = methods.find(name, registry.find(template.app))
    except RoostError:  # the template is shown nevertheless; who uses it is told what is wrong
        return {}
    declared, comments = method.script.declared, method.option_comments()
    found = {
        "options": _options(declared, comments, template.parameters.get("options") or {}),
        "datasets": _slots(declared.datasets, 'a dataset of a job: "ising-42/name"'),
        "jobs": _slots(declared.jobs, 'a job: "ising-42"'),
    }
    return {name: schema for name, schema in found.items() if name in wanted}


def _options(declared: Declared, comments: Mapping[str, str], given: Mapping[str, Any]) -> Schema:
    properties = {
        name: {**of_kind(kind), **_said(comments.get(name, "")), **_default(kind, given.get(name))}
        for name, kind in declared.options.items()
    }
    required = [name for name, kind in declared.options.items() if kind.required and name not in given]
    return {
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
    }


def _said(comment: str) -> Schema:
    return {"description": comment} if comment else {}


def _default(kind: Kind, given: Any) -> Schema:
    if given is not None:
        return {"default": given}
    return {} if kind.required or kind.default is None else {"default": encode(kind.default)}


_BY_WORDS: Mapping[str, Schema] = {
    "an int": {"type": "integer"},
    "a float": {"type": "number"},
    "a text": {"type": "string"},
    "a text that is not empty": {"type": "string", "minLength": 1},
    "True or False": {"type": "boolean"},
    "a number": {"type": "number"},
    "a list": {"type": "array"},
    "a dict": {"type": "object"},
    "a datetime": {"type": "string", "format": "date-time"},
    "a date": {"type": "string", "format": "date"},
    "a time": {"type": "string", "format": "time"},
    "a path": {"type": "string"},
}


def of_kind(kind: Kind) -> Schema:
    """What Roost checks is more than a schema can say; this is for people and forms."""
    enum = getattr(kind.convert, "__self__", None)
    if isinstance(enum, OptionEnum) and not enum._prefixes:
        schema: Schema = {"enum": list(enum._words)}
        return {"enum": [*enum._words, None]} if kind.none_ok else schema
    found = dict(_BY_WORDS.get(kind.wanted) or {"title": kind.wanted})
    if kind.none_ok and "type" in found:
        found["type"] = [found["type"], "null"]
    return {**found, **_limits(kind)}


def _limits(kind: Kind) -> Schema:
    if kind.number is None:
        return {}
    limits = {"minimum": kind.number.least, "maximum": kind.number.most}
    return {word: limit for word, limit in limits.items() if limit is not None}


def _slots(slots: Slots, said: str) -> Schema:
    one: Schema = {"type": ["string", "null"], "description": said}
    properties = {
        name: {"type": "array", "items": one} if name in slots.lists else one for name in slots.names
    }
    return {"type": "object", "properties": properties, "additionalProperties": False}
