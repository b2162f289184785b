"""What a person types: answers, and secrets that nobody sees. Secrets are never an argument of a command."""

from __future__ import annotations

import getpass
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import CommandParser

from jobs_app.errors import BadParameter, Invalid
from jobs_app.management.jobs.common import Options

# option, the row's field, and its help
FIELDS: tuple[tuple[str, str, str], ...] = (
    ("--host", "host", "the machine on which condor_submit is; empty: this one"),
    ("--port", "port", "22 when left out"),
    ("--user", "username", "the account there"),
    ("--key", "private_key_path", "path of its private key"),
    ("--certificate", "certificate_path", "path of the key's certificate, if not beside it"),
    ("--jump", "jump", "machines on the way: user@gate.example:22,inner"),
    ("--root", "remote_root", "the folder there that is Roost's"),
)
_PATHS = {"private_key_path", "certificate_path"}
YES, NO = ("y", "yes"), ("n", "no")
DEFAULT_SSH_CONFIG = "~/.ssh/config"


def takes_access(parser: CommandParser) -> None:
    """The options that add and edit share. None of them takes a secret."""
    for option, field, help in FIELDS:
        number = {"type": int} if field == "port" else {}
        parser.add_argument(option, dest=field, help=help, **number)  # type: ignore[arg-type]
    parser.add_argument(
        "--agent", dest="use_agent", action="store_true", default=None, help="use SSH's agent"
    )
    parser.add_argument(
        "--ssh-config",
        nargs="?",
        const=DEFAULT_SSH_CONFIG,
        help=f"a file that says more of the host: {DEFAULT_SSH_CONFIG} when no other is named",
    )
    for word, help in (
        ("--password-prompt", "asks for the account's password"),
        ("--passphrase-prompt", "asks for the passphrase of the key"),
        ("--key-prompt", "asks for the text of the private key, which is kept sealed"),
    ):
        parser.add_argument(word, action="store_true", help=f"{help}; in a pipe it is read from there")
    takes_fingerprint(parser)


def takes_fingerprint(parser: CommandParser) -> None:
    parser.add_argument(
        "--fingerprint", action="append", default=[], help="pin the host key that has it: SHA256:..."
    )
    parser.add_argument(
        "--accept-host-key", action="store_true", help="pin whatever host key is shown (not over a net!)"
    )


def given(options: Options) -> dict[str, Any]:
    """Fields of the row that were said, and secrets that were typed."""
    named = [field for _, field, _ in FIELDS] + ["use_agent", "ssh_config"]
    found = {field: options[field] for field in named if options[field] is not None}
    port = found.get("port", 22)
    if not 0 < port < 1 << 16:
        raise BadParameter(f"{port} is no port. Give a number from 1 to 65535.")
    if "host" in found:
        machine(found["host"])
    for field in _PATHS & set(found):
        found[field] = whole(found[field])
    return {**found, **_secrets(options)}


def whole(path: str) -> str:
    """As the processes of Roost find it, which have another folder and perhaps another home."""
    return str(Path(path).expanduser().absolute()) if path else path


def machine(host: str) -> str:
    """Its name or address alone. Six groups and colons are an address, too."""
    user, at, name = host.rpartition("@")
    bare, colon, port = name.partition(":")
    if not at and not (colon and port.isdecimal()) and not set("/ ") & set(host):
        return host
    said = [f"--host {bare if port.isdecimal() else name}"]
    said += [f"--user {user}"] if user else []
    said += [f"--port {port}"] if port.isdecimal() else []
    raise BadParameter(f"{host!r} is no name of a machine. Say {' '.join(said)}.")


def _secrets(options: Options) -> dict[str, str]:
    """In a pipe the password is the first line, the passphrase the next, the key all the rest."""
    found: dict[str, str] = {}
    if options["password_prompt"]:
        found["password"] = secret("Password: ")
    if options["passphrase_prompt"]:
        found["private_key_pass"] = secret("Passphrase of the key: ")
    if options["key_prompt"]:
        found["private_key"] = _key()
    return found


def secret(prompt: str) -> str:
    if is_person():
        typed = getpass.getpass(prompt)
    else:
        typed = sys.stdin.readline().rstrip("\r\n")
    if not typed:
        raise Invalid(f"Nothing was given for: {prompt.rstrip(': ')}.")
    return typed


def _key() -> str:
    """Up to its last line, or the end of the pipe."""
    if is_person():
        sys.stderr.write("Paste the private key, up to its line -----END ... PRIVATE KEY-----\n")
    lines: list[str] = []
    for line in sys.stdin:
        lines.append(line)
        if line.startswith("-----END"):
            break
    if not lines:
        raise Invalid("No private key was given.")
    return "".join(lines)


def is_person() -> bool:
    return sys.stdin.isatty()


def answer(question: str, default: str = "") -> str:
    shown = f"{question} [{default}]: " if default else f"{question}: "
    return input(shown).strip() or default


def is_yes(question: str) -> bool:
    return answer(f"{question} (yes/no)", "no").lower() in YES
