"""Sending once.

1. One command carries everything as a tar stream; it is unpacked beside, checked, and renamed. Nothing has
   begun while anything is missing.
2. The same command submits under the sending's lock, which condor_submit inherits: `done` is written when a
   cluster is accepted, and then it is not submitted again. `tried` says that a submit was begun.
3. Where it is not known how a try ended, `look` takes the same lock, then reads `done`, then asks queue and
   history for the batch's token. If all of these know nothing, it ends the epoch: a sending composed before,
   and delayed on its way, cannot submit any more. Only then may it be sent again.
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Mapping

from ..base import Garbled, Refused, Sending, Sent
from ..shell import Result
from ..shell.base import script_text
from . import answers, kit, staging, submit, tar
from .inputs import inputs_of
from .names import checked
from .plans import Plans
from .point import AccessPoint

# Below this, all inputs travel at once; above, the pool is first asked which ones it has.
ASK_FROM = 256 << 10

_UNKNOWN, _SAID_NO = 76, 77  # exit codes of submit.sh
_NOT_NOW = ("Failed to connect", "Can't find address", "timed out", "No space left", "SECMAN")


class Sender:
    def __init__(self, point: AccessPoint, plans: Plans, templates: submit.Templates) -> None:
        self._point = point
        self._plans = plans
        self._templates = templates
        self._epochs: dict[str, int] = {}

    def send(self, sending: Sending) -> Sent:
        done, groups = self._send(sending)
        if done.exit == _UNKNOWN:
            if found := self.look(sending.token):
                return found
            done, groups = self._send(sending)
        if done.exit == 0:
            return _sent(answers.clusters(done.text), groups)
        if done.exit == _SAID_NO:
            return self._unless_it_went_in(done, sending.token)
        raise self._point.trouble("the sending did not get through", done)

    def _send(self, sending: Sending) -> tuple[Result, int]:
        names = self._point.names
        descriptions = submit.describe(sending, names, self._ensure_kit(), self._templates)
        inputs = {task.attempt: inputs_of(task) for task in sending.tasks}
        checked(sending.token, "batch")
        incoming = (
            f"incoming/{secrets.token_hex(6)}"  # short: tar needs two blocks more for a name beyond 100
        )
        there = self._there(inputs)
        small = _size(inputs, there) < ASK_FROM
        stream = staging.stream(sending, descriptions, inputs, there, incoming)
        self._plans.remember(sending.token, [each.plan for each in descriptions])
        epoch, groups = str(self._epochs.get(sending.token, 0)), str(len(descriptions))
        tar_options = "-xzf" if small else "-xf"
        submit_text = script_text(__package__, "submit.sh")
        values = (names.root, sending.token, incoming, tar_options, epoch, groups, submit_text)
        packed = tar.zipped(stream) if small else tar.gathered(stream)
        return self._point.run("send.sh", *values, stdin=packed), len(descriptions)

    def _unless_it_went_in(self, done: Result, token: str) -> Sent:
        """HTCondor has been seen to report an error for a submit that had gone in."""
        if found := self.look(token):
            return found
        if any(words in done.complaint for words in _NOT_NOW):
            raise self._point.trouble("condor_submit", done)
        raise Refused(done.complaint)

    def look(self, token: str) -> Sent | None:
        inner = script_text(__package__, "look_locked.sh")
        said = self._point.ask("look.sh", self._point.names.root, checked(token, "batch"), inner).text
        lines = said.splitlines()
        missing = [line for line in lines if line.startswith("missing ")]
        if missing:
            self._epochs[token] = int(missing[0].split()[1])
            return None
        found = answers.clusters(said)
        return _sent(found, len(found))

    def _ensure_kit(self) -> str:
        version, members = kit.contents()
        if version not in self._point.hello.nodes:
            self._point.shell.put_tree(self._point.names.node(version), kit.stream(members))
        return version

    def _there(self, inputs: staging.Inputs) -> frozenset[str]:
        """The contents that the pool has already."""
        if _size(inputs) < ASK_FROM:
            return frozenset()
        every = {each.content for listed in inputs.values() for each in listed}
        asked = "".join(f"{name}\n" for name in every).encode()
        missing = self._point.ask("have.sh", self._point.names.root, stdin=asked).text.split()
        return frozenset(every) - frozenset(missing)


def _size(inputs: staging.Inputs, there: Collection[str] = ()) -> int:
    """Of all contents together that are not there."""
    every = {each.content: each.size for listed in inputs.values() for each in listed}
    return sum(size for name, size in every.items() if name not in there)


def _sent(found: Mapping[int, int], groups: int) -> Sent:
    if not found or sorted(found) != list(range(groups)):
        raise Garbled(f"Of {groups} clusters of a sending, HTCondor names {dict(found)!r}.")
    return Sent(",".join(str(found[group]) for group in sorted(found)))
