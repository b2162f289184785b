"""What a job was asked to do: changed by its caller until the first execute, and complete from then on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, ClassVar

from django.db import models
from django.utils.module_loading import import_string

from jobs_app import parameters as check
from jobs_app.errors import BadParameter, WrongState
from jobs_app.variables import expand_parameter


class Parameters(models.Model):
    parameters = models.JSONField(default=dict, blank=True)  # template's and caller's, merged and checked
    workspace = models.CharField(max_length=1024, blank=True, default="")  # empty: the job's own folder
    _process_results_function = models.CharField(
        max_length=1024, blank=True, default="", db_column="process_results_function"
    )

    # What a type's parameters may be, besides those that all types have.
    PARAMETERS: ClassVar[Mapping[str, check.Check]] = {}

    # Those that are the caller's exact values: no variable is looked for in them.
    LITERAL: ClassVar[frozenset[str]] = frozenset()

    if TYPE_CHECKING:
        type: str
        name: str
        frozen: bool
        directory: Any

    class Meta:
        abstract = True

    @classmethod
    def normalised(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters with other spellings brought to ours."""
        return dict(given)

    def complete(self, parameters: dict[str, Any]) -> None:
        """Takes the checked parameters of a new job; a type adds what follows from them."""
        self.parameters = parameters
        self._count_slices()

    def _count_slices(self) -> None:
        """Types that have slices say how many."""

    # --- until the first execute ----------------------------------------------------------------------

    def get_attribute(self, name: str, default: Any = None) -> Any:
        return self.parameters.get(name, default)

    def set_attribute(self, name: str, value: Any) -> None:
        """Changes a parameter; None removes it."""
        self._set_parameter(name, value)

    def _set_parameter(self, name: str, value: Any) -> None:
        self._refuse_when_frozen(name)
        changed = check.checked(self.type, self.PARAMETERS, {name: value})
        self._check_asked({**self.parameters, **changed})
        self.parameters.pop(name, None)
        self.parameters.update(changed)
        self._count_slices()

    def _check_asked(self, parameters: Mapping[str, Any]) -> None:
        """Types that HTCondor may run look at what it would be asked."""

    def _refuse_when_frozen(self, name: str) -> None:
        if self.frozen:
            raise WrongState(self._frozen_message(name))

    def _frozen_message(self, what: str) -> str:
        return (
            f"{what} of job {self.pk} ({self.name!r}) cannot be changed any more: it was executed. "
            "Create another job."
        )

    # --- at the first execute -------------------------------------------------------------------------

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
        if not self.workspace:
            return str(self.directory)
        values = {"JOB_ID": str(self.pk), "JOB_WORKSPACE": str(self.directory)}
        return expand_parameter("workspace", self.workspace, values, last=True) or str(self.directory)

    # --- when it has ended ----------------------------------------------------------------------------

    @property
    def process_results_function(self) -> Callable[..., Any] | None:
        """Called once, when the job has ended well."""
        path = self._process_results_function
        function: Callable[..., Any] | None = import_string(path) if path else None
        return function

    @process_results_function.setter
    def process_results_function(self, function: Callable[..., Any] | str | None) -> None:
        self._process_results_function = dotted_path(function) if function else ""


def dotted_path(function: Callable[..., Any] | str) -> str:
    """Where a worker in another process finds the function; it must be one that has a name in a module."""
    path = function if isinstance(function, str) else f"{function.__module__}.{_name_of(function)}"
    try:
        found = import_string(path)
    except ImportError as error:
        raise BadParameter(_no_such_function(path, str(error))) from None
    if not callable(found) or not (isinstance(function, str) or found is function):
        raise BadParameter(_no_such_function(path, "another thing has this name"))
    return path


def _name_of(function: Callable[..., Any]) -> str:
    return getattr(function, "__qualname__", "")


def _no_such_function(path: str, why: str) -> str:
    return (
        f"process_results_function: {path!r} cannot be imported ({why}). Give a function of a module, "
        'or its dotted path ("myapp.results.process").'
    )
