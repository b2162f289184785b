from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db import models

from jobs_app.secrets import Secret, seal

if TYPE_CHECKING:
    _TextField = models.TextField[Any, Any]
else:
    _TextField = models.TextField

_MARK = "sealed:"  # of a secret in a dump of the database


class SecretField(_TextField):
    """Text that is sealed in the database. Plain text may be assigned; what is read is a Secret."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"blank": True, "default": "", "editable": False, **options})

    def contribute_to_class(self, cls: Any, name: str, private_only: bool = False) -> None:
        super().contribute_to_class(cls, name, private_only)
        setattr(cls, name, _Sealing(name))

    def from_db_value(self, value: str | None, *_: Any) -> Secret:
        return Secret(value or "")

    def to_python(self, value: Any) -> Any:
        return Secret(value[len(_MARK) :]) if isinstance(value, str) and value.startswith(_MARK) else value

    def get_prep_value(self, value: Any) -> str:
        return _sealed(value).sealed

    def value_to_string(self, obj: Any) -> str:
        found = self.value_from_object(obj)
        return f"{_MARK}{found.sealed}" if found else ""


class _Sealing:
    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, row: Any, owner: type | None = None) -> Any:
        return self if row is None else row.__dict__.get(self._name, Secret())

    def __set__(self, row: Any, value: Any) -> None:
        row.__dict__[self._name] = _sealed(value)


def _sealed(value: Any) -> Secret:
    return value if isinstance(value, Secret) else seal(value or "")
