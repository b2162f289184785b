"""Host keys: shown as OpenSSH shows them, pinned when somebody vouches for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jobs_app.errors import Invalid, RoostError
from jobs_app.management.jobs.common import Options
from jobs_app.models import Scheduler
from jobs_app.pools.base import AccessDenied, PoolError
from jobs_app.terminal.output import Output

from .asking import NO, YES, answer, is_person

if TYPE_CHECKING:
    from paramiko import PKey

    from jobs_app.pools.shell import SshAddress


class NotPinned(RoostError):
    """Nobody has vouched for a host key."""


def pin(scheduler: Scheduler, output: Output, options: Options) -> None:
    """The keys of the jump hosts in turn, then the host's own. The row is not saved here."""
    try:
        way, target = _hops(scheduler)
        passed: tuple[SshAddress, ...] = ()
        for hop in way:
            key = _vouched(replace(hop, jumps=passed), output, options)
            passed = (*passed, replace(hop, host_key=key))
        scheduler.host_key = _vouched(replace(target, jumps=passed), output, options)
        scheduler.jump_host_key = "\n".join(hop.host_key for hop in passed)
    except AccessDenied as error:
        raise NotPinned(str(error)) from error
    except PoolError as error:
        raise NotPinned(f"{error}. {_what_to_look_at(scheduler)}") from error


def _what_to_look_at(scheduler: Scheduler) -> str:
    target = f"{scheduler.username}@{scheduler.host}" if scheduler.username else scheduler.host
    return (
        "Nothing is changed. Are host and port right, is the machine up, does a firewall stand between? "
        f"What SSH itself says: ssh -v -p {scheduler.port} {target}"
    )


def _hops(scheduler: Scheduler) -> tuple[tuple[SshAddress, ...], SshAddress]:
    from jobs_app.lifecycle.access import account_of
    from jobs_app.pools.condor.opening import address_of

    target = address_of(account_of(scheduler))
    return target.jumps, target


def _vouched(address: SshAddress, output: Output, options: Options) -> str:
    from jobs_app.pools.shell.connecting import as_pinned, fingerprint, shown_key

    key = shown_key(address)
    mark, pinned = fingerprint(key), as_pinned(key)
    place = f"{address.host}:{address.port}"
    output.say(f"{place} shows the host key {mark} ({key.get_name()}).")
    if options["accept_host_key"] or any(names(text, key) for text in options["fingerprint"]):
        return pinned
    if options["fingerprint"]:
        raise _another(place, mark, ", ".join(options["fingerprint"]))
    if is_person():
        said = answer(
            "Is it the key that its administrator has told you? (yes/no, or paste what you were told)"
        )
        if said.lower() in YES or names(said, key):
            return pinned
        if said and said.lower() not in NO:
            raise _another(place, mark, said)
    raise Invalid(
        f"The host key of {place} is not pinned. Compare it with what its administrator says, then give "
        f"--fingerprint {mark}"
    )


def names(text: str, key: PKey) -> bool:
    """Whether this is its fingerprint, as ssh-keygen -l and others print it, or a line of known_hosts."""
    from jobs_app.pools.shell.connecting import fingerprint

    mark = fingerprint(key)
    known = {mark, mark.removeprefix("SHA256:"), key.get_base64().rstrip("=")}
    return any(word.rstrip("=.,;") in known for word in text.split())


def _another(place: str, mark: str, said: str) -> NotPinned:
    return NotPinned(
        f"{place} shows {mark}, which is not {said}. Nothing is pinned: somebody may stand between, or it is "
        "the fingerprint of another of its keys. Its administrator sees all of them with: "
        "for key in /etc/ssh/ssh_host_*.pub; do ssh-keygen -lf $key; done"
    )
