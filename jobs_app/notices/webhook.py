"""One POST to an address that a user gave: never to a place that only this server can reach.

1. The name is resolved once. All its addresses must be public, or nothing is sent.
2. The connection goes to that very address, so a name that changes meanwhile leads nowhere else.
3. No redirect is followed, nothing of the answer is kept but its status, and all of it has some seconds.
"""

from __future__ import annotations

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from jobs_app import conf
from jobs_app.errors import Invalid

SECONDS = 10.0  # of silence
IN_ALL = 20.0
# What carries an address of the older protocol within, which may be anything.
_CARRIERS = [
    ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32")
]


class Undelivered(Exception):
    """`for_good`: another try would end the same."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


@dataclass(frozen=True)
class Address:
    scheme: str
    host: str
    port: int
    path: str


def check(url: str) -> Address:
    """Whether it has the form of one; where it leads is found out when something is sent."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Invalid(f"{url[:80]!r} is no web address.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise Invalid(f"{url[:80]!r} is no web address. It looks like https://chat.example/hooks/42.")
    if parts.username or parts.password or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid("A webhook's address holds no user, no password, no spaces and no special letters.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Address(parts.scheme, parts.hostname, port or (443 if parts.scheme == "https" else 80), path)


def post(url: str, body: bytes, headers: Mapping[str, str]) -> None:
    """Undelivered unless somebody there has taken it (2xx)."""
    try:
        address = check(url)
    except Invalid as error:
        raise Undelivered(str(error), for_good=True) from None
    try:
        status = _status(address, _public(address), body, headers)
    except (OSError, http.client.HTTPException) as error:
        raise Undelivered(
            f"{address.host} cannot be reached: {str(error) or type(error).__name__}"
        ) from error
    if not 200 <= status < 300:
        raise Undelivered(f"{address.host} answered {status}", for_good=status == 410)


def _public(address: Address) -> str:
    found = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    places = [str(each[4][0]) for each in found]
    if not conf.private_webhooks() and not all(is_public(place) for place in places):
        raise Undelivered(f"{address.host} is not a public address (ROOST_PRIVATE_WEBHOOKS)", for_good=True)
    return places[0]


def is_public(place: str) -> bool:
    known = ipaddress.ip_address(place.partition("%")[0])
    if isinstance(known, ipaddress.IPv6Address):
        if known.ipv4_mapped is not None:
            return is_public(str(known.ipv4_mapped))
        if any(known in net for net in _CARRIERS):
            return False
    return known.is_global and not known.is_multicast


def _status(address: Address, place: str, body: bytes, headers: Mapping[str, str]) -> int:
    with socket.create_connection((place, address.port), SECONDS) as wire, _cut_after(wire, IN_ALL):
        wire.settimeout(SECONDS)
        connection = http.client.HTTPConnection(address.host, address.port, timeout=SECONDS)
        connection.sock = _secured(wire, address) if address.scheme == "https" else wire
        try:
            connection.request("POST", address.path, body, dict(headers))
            return connection.getresponse().status
        finally:
            connection.close()


def _secured(wire: socket.socket, address: Address) -> ssl.SSLSocket:
    return ssl.create_default_context().wrap_socket(wire, server_hostname=address.host)


@contextmanager
def _cut_after(wire: socket.socket, seconds: float) -> Iterator[None]:
    """Time-outs count from byte to byte; who sends one now and then would hold everybody up."""
    with wire.dup() as same:
        timer = threading.Timer(seconds, _cut, [same])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _cut(wire: socket.socket) -> None:
    with suppress(OSError):  # it is closed already
        wire.shutdown(socket.SHUT_RDWR)
