"""A thread a connection: it notices an access point that is frozen, and closes what nobody uses."""

from __future__ import annotations

import logging
import threading
import weakref
from typing import TYPE_CHECKING

from .connecting import Connection

if TYPE_CHECKING:
    from .ssh import SshShell

log = logging.getLogger(__name__)


def watch(shell: SshShell, connection: Connection) -> None:
    """Ends with the connection, and does not keep the shell alive."""
    threading.Thread(
        target=_watch, args=(weakref.ref(shell), connection), name=f"watch {shell.name}", daemon=True
    ).start()


def _watch(owner: weakref.ref[SshShell], connection: Connection) -> None:
    while connection.is_alive:
        shell = owner()
        if shell is None or _is_over(shell, connection):
            connection.close()
            return
        pause = min(shell.address.seconds.probe, shell.address.seconds.idle)
        del shell
        _wait(connection, pause)


def _wait(connection: Connection, seconds: float) -> None:
    """Until then, or until the connection is gone."""
    connection.transport.join(seconds)


def _is_over(shell: SshShell, connection: Connection) -> bool:
    if shell.close_if_idle():
        log.info("%s: closed, as nobody used it for %g s", shell.name, shell.address.seconds.idle)
        return True
    if not _answers(connection, shell.address.seconds.answer):
        log.warning("%s: given up, no answer for %g s", shell.name, shell.address.seconds.answer)
        return True
    shell.heard()
    return False


def _answers(connection: Connection, seconds: float) -> bool:
    """Any answer will do, also "I do not know what you mean"."""
    asking = threading.Thread(
        target=connection.transport.global_request,
        args=("keepalive@openssh.com",),
        name="ssh probe",
        daemon=True,
    )
    asking.start()
    asking.join(seconds)
    return not asking.is_alive()
