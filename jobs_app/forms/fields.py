"""The fields of a form for jobs: one for each parameter that somebody may give, and for each option, dataset
and job that a script declares. A field accepts what `create_job` accepts: the same checks stand behind it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from jobs_app import job_types, methods, registry, schemas
from jobs_app.errors import Invalid, UnknownJob
from jobs_app.methods import Method
from jobs_app.models import Template
from jobs_app.parameters import MOST_SLICES
from jobs_app.script.conversions import Wrong
from jobs_app.script.dataset import Dataset
from jobs_app.script.declarations import OptionEnum
from jobs_app.script.job import Job as Handle
from jobs_app.script.kinds import Kind
from jobs_app.script.options import Slots, decode

from . import texts
from .texts import NO, YES, Read

# How a field looks.
LINE, LONG, NUMBER, CHOICE, TICK, DATE, TIME, MOMENT, JOB = (
    "line",
    "long",
    "number",
    "choice",
    "tick",
    "date",
    "time",
    "moment",
    "job",
)


class Refused(Exception):
    """What a field does not accept, said without the field's name."""


@dataclass(frozen=True)
class Field:
    """`name` is unique in the form: "options.size", "memory". `default`: what it is when nothing is said."""

    name: str
    look: str
    convert: Callable[[str], Any]
    default: str = ""
    required: bool = False
    comment: str = ""
    wanted: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    empty: Any = None  # what an empty field says; None: that nothing is given
    least: float | None = None  # of a number
    most: float | None = None

    @property
    def part(self) -> str:
        """options, datasets or jobs of a script; empty for a parameter."""
        part, dot, _ = self.name.partition(".")
        return part if dot else ""

    @property
    def key(self) -> str:
        return self.name.partition(".")[2] or self.name

    @property
    def label(self) -> str:
        return self.key if self.part else self.key.replace("_", " ")

    def value(self, text: str) -> Any:
        """None: nothing is given."""
        if text.strip() or (text and self.look in (LINE, LONG) and isinstance(self.empty, str)):
            return self.convert(text)
        if self.required:
            raise Refused(f"This is needed: {self.wanted or 'a value'}.")
        return self.empty


# --- parameters -----------------------------------------------------------------------------------------

_TEXTS = frozenset(
    {"scheduler", "results", "executable", "condor_template", "container_image"}
    | {"accounting_group", "accounting_group_user", "config", "workspace"}
)
_SIZES = frozenset({"memory", "disk", "wall_time", "remote_from"})
_MAPPINGS = frozenset({"extended_properties", "statepoint", "environment", "attributes", "max_jobs"})
_MOST = f"{MOST_SLICES:,}".replace(",", "\u00a0")
_COMMENTS = {
    "slices": f"pieces that run side by side, 1 to {_MOST}",
    "num_jobs": f"slices: how many times it runs, 1 to {_MOST}",
    "concurrency": "at most so many slices at once; 0: no limit",
    "retries": "further tries of a slice that fails",
    "cpus": "for each slice",
    "gpus": "for each slice",
    "priority": "higher goes first",
    "after": "jobs that must be complete first: ising-42, ising-43",
    "arguments": "a command line; several lines: one for each slice",
    "environment": "name = value, a line each",
    "attributes": "of the submit description: name = value, a line each",
    "extended_properties": "your own notes: name = value, a line each",
    "statepoint": "the job's unique address: name = value, a line each",
    "remote_input_files": "a path a line",
    "jobs": "the nodes, as JSON",
    "notify": "else as you chose on your own page",
}
_CHOICES = {
    "notify": (
        ("all", "of everything"),
        ("failure held", "of failures and holds"),
        ("end", "of its end"),
        ("failure", "of failures"),
        ("held", "of holds"),
        ("nothing", "of nothing"),
    )
}


def of_parameters(template: Template, names: list[str]) -> list[Field]:
    checks = {**job_types.COMMON, **job_types.JOB_TYPES[template.type].PARAMETERS}
    return [_parameter(name, checks[name], template.parameters.get(name)) for name in names]


def _parameter(name: str, check: Callable[[Any], Any], given: Any) -> Field:
    schema = schemas.PARAMETERS.get(name, {})
    look, read = _look_of(name, schema)

    def convert(text: str) -> Any:
        try:
            return check(read(text))
        except Invalid as error:
            raise Refused(sentence(error)) from None

    comment = _COMMENTS.get(name) or str(schema.get("description", ""))
    default, wanted, choices = written(name, given), _limits(schema), _CHOICES.get(name, ())
    least, most = schema.get("minimum"), schema.get("maximum")
    return Field(name, look, convert, default, False, comment, wanted, choices, least=least, most=most)


def written(name: str, value: Any) -> str:
    """A parameter's value as its field has it."""
    if value is None or value in ("", [], {}):
        return ""
    if name == "arguments":
        return texts.write_arguments(value)
    if name == "notify":
        return " ".join(value) if isinstance(value, list) else _NOTIFY[value]
    return value if isinstance(value, str) else texts.write_lines(value)


_NOTIFY = {True: "all", False: "nothing"}


def _of_what(text: str) -> Any:
    return {word: value for value, word in _NOTIFY.items()}.get(text, text.split())


def _look_of(name: str, schema: Mapping[str, Any]) -> tuple[str, Read]:
    if name in _BY_NAME:
        return _BY_NAME[name]
    if schema.get("type") == "integer":
        return NUMBER, texts.number
    return LONG, texts.read_any


def _names(text: str) -> list[str]:
    return [word for word in re.split(r"[\s,]+", text) if word]


_BY_NAME: dict[str, tuple[str, Read]] = {
    "arguments": (LONG, texts.arguments),
    "after": (JOB, _names),
    "notify": (CHOICE, _of_what),
    "remote_input_files": (LONG, texts.a_list(texts.as_it_is)),
    **dict.fromkeys(_MAPPINGS, (LONG, texts.a_mapping(texts.read_any))),
    **dict.fromkeys(_SIZES, (LINE, texts.number)),
    **dict.fromkeys(_TEXTS, (LINE, texts.as_it_is)),
    **dict.fromkeys(("description", "caption"), (LONG, texts.as_it_is)),
}


def _limits(schema: Mapping[str, Any]) -> str:
    return "a whole number" if schema.get("type") == "integer" else ""


def sentence(error: Exception) -> str:
    said = str(error).strip()
    return (said[:1].upper() + said[1:]).rstrip(".") + "."


# --- what a script declares -----------------------------------------------------------------------------


def method_of(template: Template) -> Method | None:
    """ScriptError or UnknownMethod if the template names one that cannot be used."""
    name = template.parameters.get("method")
    return methods.find(name, registry.find(template.app)) if template.type == "SCRIPT" and name else None


def of_script(template: Template, method: Method) -> list[Field]:
    declared, comments = method.script.declared, method.option_comments()
    given = {part: template.parameters.get(part) or {} for part in ("options", "datasets", "jobs")}
    options = [
        _option(name, kind, comments.get(name, ""), given["options"])
        for name, kind in declared.options.items()
    ]
    return [
        *options,
        *_slots("datasets", declared.datasets, given["datasets"]),
        *_slots("jobs", declared.jobs, given["jobs"]),
    ]


def _option(name: str, kind: Kind, comment: str, given: Mapping[str, Any]) -> Field:
    default = decode(given[name]) if name in given else kind.default
    look, choices = _look_of_kind(kind, default)
    return Field(
        f"options.{name}",
        look,
        option_reader(kind),
        texts.write(default, kind),
        kind.required and name not in given,
        _with_limits(comment, kind),
        _WORDS.get(kind.wanted, kind.wanted),
        choices,
        _when_empty(kind, default),
        *((kind.number.least, kind.number.most) if kind.number else ()),
    )


def _with_limits(comment: str, kind: Kind) -> str:
    if kind.number is None:
        return comment
    limits = kind.number.limits.removeprefix("of ")
    return f"{comment} ({limits})" if comment else f"{_WORDS.get(kind.wanted, kind.wanted)}, {limits}"


def option_reader(kind: Kind) -> Read:
    read = texts.reader(kind)

    def convert(text: str) -> Any:
        value = read(text)
        try:
            kind(value)
        except Wrong as wrong:
            raise Refused(_refusal(wrong)) from None
        except (Invalid, RecursionError) as error:
            raise Refused(sentence(error)) from None
        return value

    def guarded(text: str) -> Any:
        try:
            return convert(text)
        except Invalid as error:
            raise Refused(sentence(error)) from None

    return guarded


def _refusal(wrong: Wrong) -> str:
    if wrong.path:
        return f"{wrong}."
    return f"{_WORDS.get(wrong.wanted, wrong.wanted)} is wanted here.".capitalize()


def _when_empty(kind: Kind, default: Any) -> Any:
    """Who empties a field that held a text, a list or a mapping means the empty one."""
    return type(default)() if isinstance(default, (str, list, set, dict)) and not _is_word(kind) else None


def _is_word(kind: Kind) -> bool:
    return isinstance(getattr(kind.convert, "__self__", None), OptionEnum)


_WORDS = {
    "an int": "a whole number",
    "an integer": "a number",
    "a float": "a number",
    "True or False": "yes or no",
    "a list": "a line an item",
    "a set": "a line an item, each once",
    "a dict": "name = value, a line each",
    "a timedelta": "a length of time: 90s, 15m, 1.5h, 2d",
    "job.withfile(name)": "a file of a job: ising-42/table.csv",
    "anything": "a text, or JSON",
}

_NUMBERS = dict.fromkeys(("an int", "a float", "a number"), NUMBER)
_LOOKS = {**_NUMBERS, "a date": DATE, "a datetime": MOMENT, "a time": TIME, "job.withfile(name)": JOB}


def _look_of_kind(kind: Kind, default: Any) -> tuple[str, tuple[tuple[str, str], ...]]:
    enum = getattr(kind.convert, "__self__", None)
    if isinstance(enum, OptionEnum):
        words = tuple((word, word) for word in enum._words)
        return (LINE if enum._prefixes else CHOICE), words
    if kind.wanted == "True or False":
        return (TICK if isinstance(default, bool) else CHOICE), ((YES, "yes"), (NO, "no"))
    if kind.wanted in ("a list", "a set", "a dict"):
        return LONG, ()
    if isinstance(default, str) and ("\n" in default or len(default) > 60):
        return LONG, ()
    return _LOOKS.get(kind.wanted, LINE), ()


def _slots(part: str, slots: Slots, given: Mapping[str, Any]) -> list[Field]:
    one = Dataset if part == "datasets" else Handle
    wanted = "a dataset of a job: ising-42/name" if part == "datasets" else "a job: ising-42"
    return [
        Field(
            f"{part}.{name}",
            JOB,
            _several(one) if name in slots.lists else _one(one),
            _slot_text(given.get(name)),
            wanted=f"{wanted}; several with commas" if name in slots.lists else wanted,
        )
        for name in slots.names
    ]


def _slot_text(given: Any) -> str:
    return ", ".join(map(str, given)) if isinstance(given, (list, tuple)) else str(given or "")


def _one(kind: type[str]) -> Read:
    def convert(text: str) -> str:
        try:
            return str(kind(text.strip()))
        except (UnknownJob, Invalid) as error:
            raise Refused(sentence(error)) from None

    return convert


def _several(kind: type[str]) -> Read:
    one = _one(kind)
    return lambda text: [one(word) for word in _names(text)]
