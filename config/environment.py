"""Settings come from the environment through these few helpers, and none is needed to start."""

import os
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def flag(name: str, default: bool = False) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() in _YES:
        return True
    if value.lower() in _NO:
        return False
    raise ImproperlyConfigured(f"{name}={value!r} is neither yes nor no. Say 1 or 0.")


def number(name: str, default: int) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from None


def apps(own: Path) -> list[str]:
    """ROOST_APPS; else the example, and those that `manage.py startjobapp` wrote into the file `own`."""
    named = os.environ.get("ROOST_APPS")
    if named is None:
        written = own.read_text().split() if own.exists() else []
        return ["examples.ising", *(name for name in dict.fromkeys(written) if find_spec(name))]
    return [name.strip() for name in named.split(",") if name.strip()]


def secret(path: Path) -> str:
    """The key in `path`, made at first use, readable by its owner alone."""
    import secrets

    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_text().strip()
    with os.fdopen(handle, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key
