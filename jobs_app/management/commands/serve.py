from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

from django.core.management.base import CommandParser
from django.core.wsgi import get_wsgi_application
from waitress import create_server

from jobs_app import background, conf
from jobs_app.management import person
from jobs_app.management.base import FAILED, Error, RoostCommand
from jobs_app.models import Scheduler
from jobs_app.terminal.output import Output
from jobs_app.web import sign_in

LARGEST_BODY = 16 << 20
LARGEST_PORT = 65535
PATIENCE = 10.0  # seconds that the background gets to end what it is at


class Command(RoostCommand):
    help = "Shows the jobs in a browser and does the background work, in one process. Ctrl-C ends it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="0: any free one (default 8000)")
        parser.add_argument(
            "--host", default="127.0.0.1", help="0.0.0.0: reachable from everywhere (see ROOST_HOSTS)"
        )
        parser.add_argument("--threads", type=int, default=4, help="requests answered at once")
        parser.add_argument("--no-browser-link", action="store_true", help="print no link that signs in")

    def run(self, output: Output, options: dict[str, Any]) -> None:
        Scheduler.objects.exists()  # says at once if the database is not there
        _check(options)
        server = _listen(options)
        try:
            with _background() as said, _ended_by_signals():
                _announce(output, {**options, "port": _port_of(server)}, said)
                server.run()
        finally:
            server.close()
        output.say("Roost has ended. Jobs that run go on.")


def _check(options: dict[str, Any]) -> None:
    if not 0 <= options["port"] <= LARGEST_PORT:
        raise Error(
            f"--port {options['port']}: a port is a number up to {LARGEST_PORT}, or 0 for any free one."
        )
    if options["threads"] < 1:
        raise Error(f"--threads {options['threads']}: at least one has to answer requests.")


def _listen(options: dict[str, Any]) -> Any:
    try:
        return create_server(
            get_wsgi_application(),
            host=options["host"],
            port=options["port"],
            threads=options["threads"],
            ident=None,
            max_request_body_size=LARGEST_BODY,
            # They are believed by nobody; but a link that signs in must see that it came through a proxy.
            clear_untrusted_proxy_headers=False,
        )
    except ValueError as error:
        raise Error(f"--host {options['host']}: there is no such host here.") from error
    except OSError as error:
        where = f"{options['host']}:{options['port']}"
        raise Error(
            f"Cannot listen on {where}: {error.strerror}. Choose another one: --port", FAILED
        ) from error


def _port_of(server: Any) -> int:
    """A host with several addresses has several sockets."""
    several = getattr(server, "effective_listen", None)
    return int(several[0][1] if several else server.effective_port)


@contextmanager
def _background() -> Iterator[str]:
    """Its threads, where this process is to do that work."""
    if conf.background() != "threads":
        yield "Background work: Celery."
        return
    stop = threading.Event()
    threads = background.start_threads(stop)
    try:
        yield "Background work: in this process."
    finally:
        stop.set()
        for thread in threads:
            thread.join(PATIENCE)


@contextmanager
def _ended_by_signals() -> Iterator[None]:
    """Either signal ends the server's loop; what comes after it is done in peace."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    for number in numbers:
        signal.signal(number, _end)
    with suppress(KeyboardInterrupt):
        yield
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def _end(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def _announce(output: Output, options: dict[str, Any], background_said: str) -> None:
    shown = "localhost" if options["host"] in ("127.0.0.1", "0.0.0.0", "::1") else options["host"]  # noqa: S104
    address = f"http://{shown}:{options['port']}"
    output.say(f"Roost is at {address}/", "bold")
    if not options["no_browser_link"]:
        user = person.local()
        minutes = sign_in.SECONDS // 60
        output.say(
            f"To sign in as {user.get_username()} (once, on this machine, within {minutes} minutes), open"
        )
        output.say(f"  {address}{sign_in.link_path(user)}")
    output.say(f"{background_said} Ctrl-C ends it; jobs go on.", "dim")
    output.stream.flush()
