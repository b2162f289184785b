"""Passwords and keys at rest: sealed with a key that is not in the database.

The key is ROOST_SECRETS_KEY (several, newest first, while one replaces another), else the file
ROOST_HOME/secrets_key, made when the first secret is kept. The newest seals; all of them open.
"""

from __future__ import annotations

import os
import re
import stat
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from jobs_app import conf
from jobs_app.errors import SecretLost, WrongState

if TYPE_CHECKING:
    from cryptography.fernet import MultiFernet

SHOWN = "********"
HOW_TO_MAKE_A_KEY = (
    'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'
)


class Secret:
    """Sealed text. It says nothing of itself but whether it is there; reveal() opens it."""

    __slots__ = ("sealed",)

    def __init__(self, sealed: str = "") -> None:
        self.sealed = sealed

    def reveal(self) -> str:
        return _opened(self.sealed) if self.sealed else ""

    def __bool__(self) -> bool:
        return bool(self.sealed)

    def __str__(self) -> str:
        return SHOWN if self.sealed else ""

    def __repr__(self) -> str:
        return f"<Secret {self}>" if self.sealed else "<Secret: none>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other.sealed == self.sealed

    def __hash__(self) -> int:
        return hash(self.sealed)


def seal(text: str) -> Secret:
    return Secret(_box(make=True).encrypt(text.encode()).decode()) if text else Secret()


def seal_anew(secret: Secret) -> Secret:
    """The same text, sealed with the newest key."""
    return seal(secret.reveal())


def is_readable(secret: Secret) -> bool:
    try:
        secret.reveal()
    except SecretLost:
        return False
    return True


def _opened(sealed: str) -> str:
    from cryptography.fernet import InvalidToken

    try:
        return _box(make=False).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise SecretLost(
            f"A secret in the database cannot be opened with the key of {where()}. Bring the key back with "
            "which it was kept, or give the secret again: manage.py schedulers edit NAME."
        ) from None


def _box(*, make: bool) -> MultiFernet:
    from cryptography.fernet import Fernet, MultiFernet

    try:
        return MultiFernet([Fernet(key) for key in keys(make=make)])
    except ValueError:
        raise SecretLost(
            f"{where()} does not hold keys as they have to be (32 bytes in URL-safe base64). Make one: "
            f"{HOW_TO_MAKE_A_KEY}"
        ) from None


# --- the keys ---------------------------------------------------------------------------------------------


def in_setting() -> list[str]:
    return [key for key in re.split(r"[\s,]+", conf.secrets_key()) if key]


def check_setting() -> None:
    """SecretLost if ROOST_SECRETS_KEY holds something that is no key."""
    if in_setting():
        _box(make=False)


def file() -> Path:
    return conf.home() / "secrets_key"


def where() -> str:
    return "ROOST_SECRETS_KEY" if in_setting() else str(file())


def keys(*, make: bool = False) -> list[str]:
    """Newest first."""
    if in_setting():
        return in_setting()
    if make and not file().exists():
        _write([_new_key()], replace=False)
    try:
        found = file().read_text().split()
    except FileNotFoundError:
        found = []
    if not found:
        raise SecretLost(f"There is no key for the secrets in the database: {file()} is not there or empty.")
    return found


def is_open_to_others() -> bool:
    """Whether others than its owner can read the file with the keys."""
    try:
        mode = file().stat().st_mode
    except OSError:
        return False
    return bool(mode & (stat.S_IRWXG | stat.S_IRWXO))


def add_key() -> None:
    """A new first key in the file. The one before stays: who has just read a row can still open it."""
    if in_setting():
        raise WrongState("The keys are given by ROOST_SECRETS_KEY: put a new one first there.")
    _write([_new_key(), *keys(make=True)[:1]], replace=True)


def _new_key() -> str:
    from cryptography.fernet import Fernet

    return Fernet.generate_key().decode()


def _write(all_of_them: list[str], *, replace: bool) -> None:
    """Whole or not at all, and never readable by others. Of two that make the file, one wins."""
    place = file()
    place.parent.mkdir(parents=True, exist_ok=True)
    handle, aside = tempfile.mkstemp(prefix=".secrets_key-", dir=place.parent)  # with mode 0600
    with os.fdopen(handle, "w") as stream:
        stream.write("\n".join(all_of_them) + "\n")
        stream.flush()
        os.fsync(stream.fileno())
    if replace:
        Path(aside).replace(place)
        return
    try:
        os.link(aside, place)
    except FileExistsError:
        pass
    finally:
        Path(aside).unlink()
