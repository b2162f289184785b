"""Settings come from the environment through these few helpers, and none is needed to start."""

import os
import re
from importlib.util import find_spec
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

_YES = {"1", "true", "yes", "on"}
_NO = {"0", "false", "no", "off", ""}
_APP = re.compile(r"^class\s+\w+\s*\([^)]*\bAppBase\b", re.MULTILINE)


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


def one_of(name: str, default: str, known: tuple[str, ...]) -> str:
    value = os.environ.get(name, default)
    if value not in known:
        raise ImproperlyConfigured(f"{name}={value!r} is not known. Say one of: {', '.join(known)}.")
    return value


def number(name: str, default: int) -> int:
    value = os.environ.get(name)
    if value is None:
        return default
    try:
        return int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r} is not a whole number.") from None


def apps(project: Path, written: Path) -> list[str]:
    """ROOST_APPS; else the example, the apps in the project's folder, and those that `manage.py startjobapp`
    made elsewhere and wrote into the file `written`."""
    named = os.environ.get("ROOST_APPS")
    if named is None:
        elsewhere = written.read_text().split() if written.exists() else []
        others = (name for name in elsewhere if find_spec(name))
        return list(dict.fromkeys(["examples.ising", *apps_in(project), *others]))
    return [name.strip() for name in named.split(",") if name.strip()]


def apps_in(folder: Path) -> list[str]:
    """The packages in it whose app.py has an AppBase. Their text is looked at; nothing is imported."""
    files = sorted(folder.glob("*/app.py"))
    return [file.parent.name for file in files if _is_app(file) and _is_importable(file.parent)]


def _is_app(file: Path) -> bool:
    return bool(_APP.search(file.read_text(errors="replace")))


def _is_importable(package: Path) -> bool:
    """By its own name: no other module of that name goes before it."""
    if not package.name.isidentifier():
        return False
    spec = find_spec(package.name)
    found = spec.submodule_search_locations if spec else None
    return found is not None and str(package.resolve()) in [str(Path(place).resolve()) for place in found]


def secret(path: Path) -> str:
    """The key in `path`, made at first use, readable by its owner alone."""
    import secrets

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        if path.is_file():
            return path.read_text().strip()
        raise ImproperlyConfigured(
            f"ROOST_HOME={str(path.parent)!r} cannot be written to: {error.strerror}. Name a folder that can."
        ) from error
    with os.fdopen(handle, "w") as file:
        key = secrets.token_urlsafe(48)
        file.write(key)
    return key
