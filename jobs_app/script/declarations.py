"""What scripts write to say more of an option than a default or a type does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional, Union

from .conversions import Wrong


class OptionEnumValue(str):
    """A member of an OptionEnum; as a declaration it is also the default."""

    enum: OptionEnum

    def __reduce__(self) -> tuple[Any, ...]:
        return str, (str(self),)


class OptionEnum:
    """One of some words: `OptionEnum("fast exact level*")`; `level*` allows all that begin with "level".

    Required, unless none_ok; `OptionEnum("fast exact").fast` has a default.
    """

    def __init__(self, values: Union[str, Iterable[str]], none_ok: bool = False) -> None:
        words = values.replace(",", " ").split() if isinstance(values, str) else list(values)
        self._words = tuple(words)
        self._none_ok = none_ok
        self._prefixes = tuple(word[:-1] for word in words if word.endswith("*"))

    def __getattr__(self, name: str) -> OptionEnumValue:
        if name.startswith("_"):
            raise AttributeError(name)  # copies and pickles ask, before there are any words
        if not self._allows(name):
            raise AttributeError(f"{name!r} is not one of {self._permitted}.")
        value = OptionEnumValue(name)
        value.enum = self
        return value

    def _allows(self, word: str) -> bool:
        return word in self._words or (bool(self._prefixes) and word.startswith(self._prefixes))

    @property
    def _permitted(self) -> str:
        return ", ".join(self._words)

    def _convert(self, value: Any) -> Any:
        if value == "" and self._none_ok:
            return None
        if isinstance(value, str) and self._allows(value):
            return str(value)
        raise Wrong(value, f"one of {self._permitted}")


class OptionString:
    """A text that must be given and not be empty: `OptionString`, or `OptionString("an example")`."""

    def __init__(self, example: str = "") -> None:
        self.example = example


class OptionNumber:
    """A number with limits: `OptionNumber(128, least=1, most=4096)`. `value` declares as it would alone: a
    default, or `int` or `float`."""

    def __init__(self, value: Any, least: Optional[float] = None, most: Optional[float] = None) -> None:
        self.value, self.least, self.most = value, least, most

    @property
    def limits(self) -> str:
        if self.least is None:
            return f"of at most {self.most}"
        if self.most is None:
            return f"of at least {self.least}"
        return f"from {self.least} to {self.most}"

    def allows(self, value: float) -> bool:
        """nan, of which nobody can say, is not between anything."""
        return (self.least is None or value >= self.least) and (self.most is None or value <= self.most)


class RequiredOption:
    """`value` declares as it would alone, but the option must be given."""

    def __init__(self, value: Any, none_ok: bool = False) -> None:
        self.value, self.none_ok = value, none_ok


class OptionDefault:
    """`value` declares as it would alone, but `default` is what the option is when it is not given."""

    def __init__(self, value: Any, default: Any = None) -> None:
        self.value, self.default = value, default
