"""Host keys: shown as OpenSSH shows them, pinned when somebody vouches for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from jobs_app.errors import Invalid, RoostError
from jobs_app.management.jobs.common import Options
from jobs_app.models import Scheduler
from jobs_app.pools.base import PoolError
from jobs_app.terminal.output import Output

from .asking import is_person, is_yes

if TYPE_CHECKING:
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
    except PoolError as error:
        raise NotPinned(str(error)) from error


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
    if options["accept_host_key"] or mark in options["fingerprint"]:
        return pinned
    if options["fingerprint"]:
        raise NotPinned(
            f"{place} shows {mark}, which is none of {', '.join(options['fingerprint'])}. Nothing is pinned, "
            "as somebody may stand between."
        )
    if is_person() and is_yes("Is it the key that its administrator has told you? Pin it"):
        return pinned
    raise Invalid(
        f"The host key of {place} is not pinned. Compare it with what its administrator says, then give "
        f"--fingerprint {mark}"
    )
