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
from collections.abc import Collection, Sequence
from dataclasses import replace

from ..base import Garbled, PoolError, PoolUnreachable, Refused, Sending, Sent, Task
from ..shell import Result
from ..shell.base import script_text
from . import answers, kit, staging, submit, tar
from .answers import Place, Standing
from .composing import Batch, compose
from .forms import forms_of
from .inputs import inputs_of
from .names import checked
from .plan import ClusterPlan
from .plans import Plans
from .point import AccessPoint
from .submit import Surroundings

# Below this, all inputs travel at once; above, the pool is first asked which ones it has.
ASK_FROM = 256 << 10

_UNKNOWN = 76  # submit.sh: an earlier try began, and nobody knows how it ended
_NO_KIT = 77  # send.sh: what runs on nodes was there when we looked, and is no more
_NOTHING = Standing({}, {})


class Sender:
    def __init__(self, point: AccessPoint, plans: Plans, templates: submit.Templates) -> None:
        self._point = point
        self._plans = plans
        self._templates = templates
        self._brought: set[str] = set()  # versions of what runs on nodes
        self._said: dict[str, tuple[tuple[str, Sequence[str], str], ...]] = {}  # what was composed last
        self._known: dict[str, Standing] = {}  # sendings of which something was missing when we looked

    def send(self, sending: Sending) -> Sent:
        done = self._send(sending)
        if done is not None and done.exit == _UNKNOWN:
            if found := self.look(sending.token):
                return found
            done = self._send(sending)
        if done is None:
            return self._sent(sending.token, self._known[sending.token])
        if done.exit != 0:
            raise self._point.trouble("the sending did not get through", done)
        sent = self._sent(sending.token, answers.standing(done.text))
        return replace(sent, descriptions=self._said.pop(sending.token, ()))

    def look(self, token: str) -> Sent | None:
        inner = script_text(__package__, "look_locked.sh")
        said = self._point.ask("look.sh", self._point.names.root, checked(token, "batch"), inner).text
        standing = answers.standing(said)
        if standing.clusters and not standing.missing:
            return self._sent(token, standing)
        self._known[token] = standing
        return None

    def _send(self, sending: Sending) -> Result | None:
        """None if the pool has all of it already."""
        token, known = checked(sending.token, "batch"), self._known.get(sending.token, _NOTHING)
        taken = {attempt for place in known.clusters for attempt in self._attempts(token, place)}
        tasks = [task for task in sending.tasks if task.attempt not in taken]
        if not tasks:
            return None
        names, epoch, node = self._point.names, known.epoch, self._ensure_kit()
        around = Surroundings(token, epoch, sending.segment, names, node, self._templates)
        done = self._upload(tasks, around)
        if done.exit != _NO_KIT:
            return done
        self._bring_kit()
        return self._upload(tasks, around)

    def _upload(self, tasks: Sequence[Task], around: Surroundings) -> Result:
        batch, inputs = _composed(tasks, around)
        self._said[around.token] = batch.descriptions
        there = self._there(inputs)
        incoming = f"incoming/{secrets.token_hex(6)}"  # short: tar needs more for names beyond 100
        stream = staging.stream(around.token, tasks, batch.files, inputs, there, incoming)
        self._plans.remember(around.plan, batch.plans)
        small = _size(inputs, there) < ASK_FROM
        values = (around.names.root, around.token, str(around.epoch), incoming, "-xzmf" if small else "-xmf")
        packed = tar.zipped(stream) if small else tar.gathered(stream)
        submitting = script_text(__package__, "submit.sh")
        return self._point.run("send.sh", *values, submitting, around.node, stdin=packed)

    def _sent(self, token: str, standing: Standing) -> Sent:
        """What was refused while the rest was taken is said beside it."""
        if not standing.clusters:
            raise Refused(" ".join(standing.refused.values()) or "HTCondor names no cluster.")
        refused = {
            attempt: words
            for place, words in standing.refused.items()
            for attempt in self._attempts(token, place)
        }
        forms = {
            attempt: form
            for place in standing.clusters
            for attempt, form in forms_of(self._plan(token, place)).items()
        }
        numbers = ",".join(str(cluster) for _, cluster in sorted(standing.clusters.items()))
        return Sent(numbers, refused, forms)

    def _attempts(self, token: str, place: Place) -> tuple[str, ...]:
        return self._plan(token, place).attempts

    def _plan(self, token: str, place: Place) -> ClusterPlan:
        epoch, group = place
        plan = self._plans.find(f"{token}.{epoch}", group)
        if plan is None:
            raise Garbled(f"The plan of batch {token}, epoch {epoch}, is not on {self._point.shell.name}.")
        return plan

    def _ensure_kit(self) -> str:
        version, _ = kit.contents()
        if version not in self._point.hello.nodes and version not in self._brought:
            self._bring_kit()
        return version

    def _bring_kit(self) -> None:
        version, members = kit.contents()
        try:
            self._point.shell.put_tree(self._point.names.node(version), kit.stream(members))
        except Refused as error:  # the access point's trouble, and no job's fault
            raise PoolUnreachable(str(error)) from error
        self._brought.add(version)

    def _there(self, inputs: staging.Inputs) -> frozenset[str]:
        """The contents that the pool has already."""
        if _size(inputs) < ASK_FROM:
            return frozenset()
        every = {each.content for listed in inputs.values() for each in listed}
        asked = "".join(f"{name}\n" for name in every).encode()
        missing = self._point.ask("have.sh", self._point.names.root, stdin=asked).text.split()
        return frozenset(every) - frozenset(missing)


def _composed(tasks: Sequence[Task], around: Surroundings) -> tuple[Batch, staging.Inputs]:
    """Nothing was said to the pool yet: whatever goes wrong here is a task's fault, and not the others'."""
    try:
        return compose(tasks, around), {task.attempt: inputs_of(task) for task in tasks}
    except PoolError:
        raise
    except Exception as error:
        raise Refused(f"It cannot be composed: {type(error).__name__}: {error}") from error


def _size(inputs: staging.Inputs, there: Collection[str] = ()) -> int:
    """Of all contents together that are not there."""
    every = {each.content: each.size for listed in inputs.values() for each in listed}
    return sum(size for name, size in every.items() if name not in there)
