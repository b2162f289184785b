"""What may be done from a row: the verbs, the links, and an app's own actions.

An app's function is kept by its place (module and name), never as an object: the page that shows a button
and the process that answers it need not be the same. So it must be a function of a module.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.urls import NoReverseMatch, reverse

from jobs_app import permissions
from jobs_app.errors import Invalid, RoostError
from jobs_app.job_types import type_name
from jobs_app.models import Job
from jobs_app.parameters import unknown
from jobs_app.web.actions import ACTIONS as VERBS
from jobs_app.web.actions import Action as Verb

log = logging.getLogger(__name__)

SEPARATOR = "|"
# Tethys's names for the verbs, and the places where a row leads.
NAMES = {"run": "execute", "terminate": "stop"} | {name: name for name in VERBS}
LINKS = ("logs", "monitor", "results")
WORDS = {"logs": "Logs", "monitor": "Monitor", "results": "Results"}
RUNNING = ("RUN", "VAR")
DEFAULT = (
    *("run", "pause", "resume", "rerun", "resubmit", SEPARATOR, "logs", "monitor", "results"),
    *(SEPARATOR, "terminate", "delete"),
)


class CustomJobAction:
    """An action of an app's own.

    `callback_or_url`: the name of a method of the job, a function of a module (called with the job), a URL's
    name ("app:view", given the job's id) or a path ("/app/{job_id}/"). A text that the function returns is
    shown. `enabled_callback`: likewise a method's name or a function; it says for which jobs the action can
    be done, and is asked again when it is.
    """

    def __init__(
        self,
        label: str,
        callback_or_url: str | Callable[[Job], Any] | None = None,
        enabled_callback: str | Callable[[Job], Any] | None = None,
        confirmation_message: str | None = None,
        show_overlay: bool = False,
        modal_url: str | None = None,
        job_type: Any = None,
    ) -> None:
        if not label or not isinstance(label, str):
            raise Invalid(f"A CustomJobAction needs a label, a text; this is {label!r}.")
        if not callback_or_url and not modal_url:
            raise Invalid(f"The action {label!r} does nothing: give callback_or_url or modal_url.")
        is_url = isinstance(callback_or_url, str) and (":" in callback_or_url or "/" in callback_or_url)
        self.label = label
        self.url = _checked_url(str(callback_or_url)) if is_url else ""
        self.call = "" if is_url else _place(callback_or_url, label)
        self.enabled = _place(enabled_callback, label)
        self.confirm = confirmation_message or ""
        self.overlay = bool(show_overlay)
        self.modal = _checked_url(modal_url) if modal_url else ""
        self.type = type_name(job_type) if job_type else ""

    def sealed(self) -> Custom:
        names = ("label", "url", "call", "enabled", "confirm", "overlay", "modal", "type")
        return Custom(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True)
class Custom:
    """A CustomJobAction as it is kept."""

    label: str
    url: str = ""
    call: str = ""
    enabled: str = ""
    confirm: str = ""
    overlay: bool = False
    modal: str = ""
    type: str = ""

    @property
    def word(self) -> str:
        return self.label

    danger = False

    @property
    def question(self) -> str:
        return self.confirm

    right = permissions.ACT
    said = "Done."

    def offered(self, job: Job) -> bool:
        if self.type and job.type != self.type:
            return False
        return bool(_called(self.enabled, job)) if self.enabled else True

    def leads_to(self, job: Job) -> str:
        return _address(self.modal or self.url, job)

    def run(self, job: Job, user: Any) -> str:  # noqa: ARG002 - the app's own code decides whom it asks
        answer = _called(self.call, job)
        return answer if isinstance(answer, str) else ""


@dataclass(frozen=True)
class Builtin:
    """One of our verbs, under the name by which the app asked for it."""

    verb: Verb
    overlay: bool = False
    modal: str = ""

    @property
    def word(self) -> str:
        return self.verb.word

    @property
    def danger(self) -> bool:
        return self.verb.danger

    @property
    def question(self) -> str:
        return self.verb.question

    @property
    def said(self) -> str:
        return self.verb.said

    @property
    def right(self) -> str:
        return self.verb.right

    def offered(self, job: Job) -> bool:
        return self.verb.offered(job)

    def leads_to(self, job: Job) -> str:  # noqa: ARG002
        return ""

    def run(self, job: Job, user: Any) -> str:
        getattr(job, self.verb.verb or self.verb.name)(user=user)
        return ""


@dataclass(frozen=True)
class Link:
    name: str
    url: str = ""  # a URL's name or a path; empty: our own page of it

    overlay = False
    modal = ""
    danger = False
    question = ""
    said = ""
    right = permissions.READ

    @property
    def word(self) -> str:
        return WORDS[self.name]

    def offered(self, job: Job) -> bool:
        if self.name == "monitor":
            return bool(self.url) and job.state.code in RUNNING
        if self.name == "results":
            return bool(self.url) and job.is_final
        return job.number_of_attempts > 0

    def leads_to(self, job: Job) -> str:
        return _address(self.url or "job-output", job)

    def run(self, job: Job, user: Any) -> str:  # noqa: ARG002
        raise Invalid(f"{self.word} is a place to go to, nothing to be done.")


Known = Builtin | Link | Custom


def kept(given: Iterable[Any]) -> list[Any]:
    """A list of actions as it is kept: names, "|" and what an app's own ones consist of."""
    return [_kept(each) for each in given]


def _kept(given: Any) -> Any:
    if isinstance(given, CustomJobAction):
        return asdict(given.sealed())
    if isinstance(given, Mapping):
        return asdict(CustomJobAction(**given).sealed())
    if isinstance(given, tuple | list):
        return asdict(CustomJobAction(*given).sealed())
    name = str(given).lower()
    if name not in (SEPARATOR, *NAMES, *LINKS):
        raise Invalid(unknown("action", given, [*NAMES, *LINKS, SEPARATOR], "a jobs table"))
    return name


def opened(kept_action: Any, results_url: str = "", monitor_url: str = "") -> Known | None:
    """None: a separator."""
    if isinstance(kept_action, dict):
        return Custom(**kept_action)
    if kept_action == SEPARATOR:
        return None
    if kept_action in LINKS:
        return Link(kept_action, {"results": results_url, "monitor": monitor_url}.get(kept_action, ""))
    return Builtin(VERBS[NAMES[kept_action]])


# --- functions and addresses --------------------------------------------------------------------------------


def _place(function: str | Callable[[Job], Any] | None, label: str) -> str:
    """A method's name, or "module:name" of a function."""
    if not function:
        return ""
    if isinstance(function, str):
        if not function.isidentifier() or function.startswith("_"):
            raise Invalid(f"The action {label!r}: {function!r} is no name of a job's method.")
        return function
    place = f"{getattr(function, '__module__', '')}:{getattr(function, '__qualname__', '')}"
    if _found(place) is not function:
        raise Invalid(
            f"The action {label!r}: {function!r} cannot be found again by another process. Give a function "
            "of a module, not a lambda or one inside a function; or the name of a method of the job."
        )
    return place


def _found(place: str) -> Any:
    module, _, name = place.partition(":")
    try:
        return getattr(importlib.import_module(module), name, None)
    except ImportError:
        return None


def _called(place: str, job: Job) -> Any:
    if ":" not in place:
        return getattr(job, place)()
    function = _found(place)
    if function is None:
        raise Invalid(f"{place} is not there any more. Load the page again.")
    return function(job)


def _checked_url(url: str) -> str:
    if "/" in url and not (url.startswith("/") and not url.startswith(("//", "/\\"))):
        raise Invalid(
            f"{url!r} leads out of here. Give a URL's name (app:view), or a path that begins with /."
        )
    return url


def _address(url: str, job: Job) -> str:
    """Empty if there is no such place."""
    if not url:
        return ""
    if url.startswith("/"):
        return url.replace("{job_id}", str(job.pk))
    for arguments in ([job.pk], []):
        try:
            return reverse(url, args=arguments)
        except NoReverseMatch:
            continue
    log.warning("A jobs table leads to %r, which no URL pattern is named.", url)
    return ""


def done(action: Known, job: Job, user: Any) -> tuple[bool, str]:
    """Whether it was done, and what there is to say."""
    try:
        said = action.run(job, user)
    except RoostError as error:
        return False, str(error)
    except Exception:
        if isinstance(action, Builtin):
            raise
        log.exception("The action %r of an app failed for job %s.", action.word, job.pk)
        return False, f"{action.word} failed. What went wrong is in the server's log."
    return True, said
