"""Reading what HTCondor's commands answer: pure functions, whose errors show the answer."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from jobs_app.states import SliceState

from ..base import Garbled
from .names import checked

ATTRIBUTES = (
    "ClusterId",
    "ProcId",
    "JobStatus",
    "RoostAttempt",
    "RoostSlice",
    "RoostGroup",
    "RoostPlan",
    "ExitCode",
    "ExitBySignal",
    "HoldReasonCode",
    "HoldReasonSubCode",
    "HoldReason",
    "RoostAttempts",
)

_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.+-]{0,127}")
_DONE = re.compile(r"(\d+)\.\d+(?: - \d+\.\d+)?")


@dataclass(frozen=True)
class Hello:
    """What an access point says of itself."""

    root: str
    zone: tzinfo
    clock: int
    version: str
    nodes: frozenset[str]
    account: str = ""  # the schedd's name for who we are


def hello(text: str) -> Hello:
    said: dict[str, list[str]] = {}
    for line in text.splitlines():
        key, _, value = line.partition(" ")
        said.setdefault(key, []).append(value)
    try:
        zone = _zone(said["zone"][0], said["offset"][0])
        nodes = frozenset(said.get("node", ()))
        account = said.get("account", [""])[0]
        known = account if _ACCOUNT.fullmatch(account) else ""
        return Hello(said["root"][0], zone, int(said["now"][0]), said["condor"][0], nodes, known)
    except (KeyError, IndexError, ValueError) as error:
        raise Garbled(
            f"The access point's first answer cannot be read ({error!r}): {text[:500]!r}"
        ) from error


def _zone(name: str, offset: str) -> tzinfo:
    """The named zone, if its offset now is the one that the access point says it has."""
    sign = -1 if offset.startswith("-") else 1
    now = sign * timedelta(hours=int(offset[1:3]), minutes=int(offset[3:5]))
    try:
        named = ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError):
        named = None
    if named is not None and datetime.now(named).utcoffset() == now:
        return named
    return timezone(now)


Place = tuple[int, int]  # epoch, and number of the cluster within it


@dataclass(frozen=True)
class Standing:
    """How a sending stands: what was taken, what was refused, and in which epoch it may go on."""

    clusters: Mapping[Place, int]
    refused: Mapping[Place, str]
    epoch: int = 0
    missing: bool = False


def standing(text: str) -> Standing:
    lines = [line.split(maxsplit=2) for line in text.splitlines()]
    try:
        return Standing(
            {_place(words[1]): _cluster(words[2]) for words in lines if words[0] == "done"},
            {_place(words[1]): (words[2:] or [""])[0] for words in lines if words[0] == "refused"},
            next((int(words[1]) for words in lines if words[0] == "epoch"), 0),
            ["missing"] in lines,
        )
    except (IndexError, ValueError, TypeError) as error:
        raise Garbled(f"condor_submit's answer cannot be read ({error!r}): {text[:500]!r}") from error


def _place(text: str) -> Place:
    epoch, number = text.split(".")
    return int(epoch), int(number)


def _cluster(text: str) -> int:
    """From "12.0 - 12.99"."""
    match = _DONE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no range of procs")
    return int(match[1])


Ad = Mapping[str, object]


def ads(text: bytes) -> list[Ad]:
    """The ads of `condor_q -json`, which says nothing at all where there is none."""
    if not text.strip():
        return []
    try:
        found = json.loads(text)
    except ValueError as error:
        raise Garbled(f"HTCondor's answer is not JSON ({error}): {text[:500]!r}") from error
    if not isinstance(found, list):
        raise Garbled(f"HTCondor's answer is not a list of jobs: {text[:500]!r}")
    return found


_IN_QUEUE = {
    1: SliceState.WAITING,
    2: SliceState.RUNNING,
    3: SliceState.REMOVED,
    5: SliceState.HELD,
    6: SliceState.RUNNING,  # its output is on the way
    7: SliceState.SUSPENDED,
}
_COMPLETED, _HELD = 4, 5
_BY_HAND, _BY_NODE = 1, 21
_RULES = frozenset({101, 102, 104})  # more cores, memory, disk than asked for


def state(ad: Ad) -> SliceState:
    status = ad.get("JobStatus")
    if status == _COMPLETED:
        well = ad.get("ExitCode") == 0 and not ad.get("ExitBySignal")
        return SliceState.DONE if well else SliceState.FAILED
    try:
        return _IN_QUEUE[status]  # type: ignore[index]
    except KeyError:
        raise Garbled(
            f"HTCondor says that a job has the status {status!r}, which means nothing: {ad!r}"
        ) from None


def text(ad: Ad, name: str) -> str:
    value = ad.get(name)
    if isinstance(value, str):
        return value
    raise Garbled(f"HTCondor's answer has no text for {name}: {ad!r}")


def hold(ads: Sequence[Ad]) -> tuple[int, str] | None:
    """Code and reason of the first that is held."""
    for ad in ads:
        if ad.get("JobStatus") == _HELD:
            code, subcode = (_whole(ad.get(name)) for name in ("HoldReasonCode", "HoldReasonSubCode"))
            return hold_code(code, subcode), hold_reason(code, subcode, str(ad.get("HoldReason") or ""))
    return None


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


def hold_code(code: int, subcode: int) -> int:
    """The code; where a node held it (21) by a rule of HTCondor's own, what that rule is about."""
    return subcode if code == _BY_NODE and subcode in _RULES else code


def hold_reason(code: int, subcode: int, reason: str) -> str:
    """The pool's words; with its numbers, unless a person held it."""
    if code in (0, _BY_HAND):
        return reason
    numbers = f"{code}.{subcode}" if subcode else f"{code}"
    return f"{reason.rstrip().rstrip('.')} (hold code {numbers})"


def number(ad: Ad, name: str) -> int:
    value = ad.get(name)
    if isinstance(value, int):
        return value
    raise Garbled(f"HTCondor's answer has no number for {name}: {ad!r}")


def strings(words: Sequence[str]) -> str:
    """ClassAd strings, of tokens only, so that nothing has to be escaped."""
    return ", ".join(f'"{checked(word, "job attempt")}"' for word in words)
