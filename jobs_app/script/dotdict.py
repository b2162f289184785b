"""A dict whose items are attributes too."""

from __future__ import annotations

from typing import Any, NoReturn


class DotDict(dict[str, Any]):
    """`options.x` is `options["x"]`. A name that dict itself has ("items", "keys") is only an item."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            self._missing(name)

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self[name]
        except KeyError:
            self._missing(name)

    def _missing(self, name: str) -> NoReturn:
        names = ", ".join(map(str, self)) or "nothing"
        raise AttributeError(f"There is no {name!r} here; there is {names}.") from None

    def copy(self) -> DotDict:
        return DotDict(self)


def dotted(value: Any) -> Any:
    """`value` with every dict in it, at any depth of dicts and lists, made a DotDict."""
    if type(value) is dict:
        return DotDict({key: dotted(item) for key, item in value.items()})
    if type(value) is list:
        return [dotted(item) for item in value]
    return value
