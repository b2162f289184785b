"""Private keys, looked at when they are named: which one cannot be used is said before the first login."""

from __future__ import annotations

from pathlib import Path

from jobs_app.errors import Invalid
from jobs_app.models import Scheduler
from jobs_app.pools.base import AccessDenied

from .asking import is_person, secret

GIVEN_AS_TEXT = "the key that was given as text"


def check(scheduler: Scheduler) -> None:
    """The row's keys, as far as we may read them. A person is asked for a passphrase that is missing."""
    from jobs_app.pools.shell.identity import is_locked

    for name, text in _keys(scheduler):
        _check_text(name, text)
        if is_locked(text) and not scheduler.private_key_pass:
            scheduler.private_key_pass = _passphrase(name)
        _open(name, text, scheduler.private_key_pass.reveal())


def check_file(path: str) -> None:
    if text := _text_of(path):
        _check_text(path, text)


def _keys(scheduler: Scheduler) -> list[tuple[str, str]]:
    found = [(GIVEN_AS_TEXT, scheduler.private_key.reveal())]
    if scheduler.private_key_path:
        found.insert(0, (scheduler.private_key_path, _text_of(scheduler.private_key_path)))
    return [(name, text) for name, text in found if text]


def _text_of(path: str) -> str:
    """Empty where only others may read it, as those who run Roost."""
    try:
        return Path(path).read_text()
    except PermissionError:
        return ""
    except FileNotFoundError:
        raise Invalid(f"There is no file {path}. Name the file of the private key.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path} is no private key: {error}. Name the file of the private key.") from error


def _check_text(name: str, text: str) -> None:
    if "PRIVATE KEY" in text:
        return
    private = Path(name).with_suffix("")
    half = f" It is the public half: is {private} the private one?" if name.endswith(".pub") else ""
    raise Invalid(
        f"{name} is no private key as OpenSSH writes it: no line -----BEGIN ... PRIVATE KEY-----.{half}"
    )


def _open(name: str, text: str, passphrase: str) -> None:
    from jobs_app.pools.shell.identity import private_key

    try:
        private_key(text, passphrase, name)
    except AccessDenied as error:
        raise Invalid(str(error)) from error


def _passphrase(name: str) -> str:
    if not is_person():
        raise Invalid(
            f"{name} is locked with a passphrase. Add --passphrase-prompt and write it into the pipe; or "
            "name no key, but --agent."
        )
    return secret(f"Passphrase of {name}: ")
