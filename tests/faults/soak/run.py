"""Jobs come and go while one fault after another is done; then all is undone, and each job must end."""

from __future__ import annotations

import logging
import random
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from django.db import Error, connections

from jobs_app.errors import RoostError, WrongState
from jobs_app.lifecycle.reconcile import UNKNOWN
from jobs_app.manager import JobManager
from jobs_app.models import Attempt, Job
from jobs_app.sdk.compute import create_scheduler

from . import disks
from .faults import Fault, Scene
from .verdict import FORGOTTEN, Verdict, false_end, judge
from .witness import Witness
from .work import Order, Orders
from .world import NAME, World

log = logging.getLogger("soak")

AT_ONCE = 3
PACE = 0.3, 1.7  # seconds between two faults
LONGEST_END = 600.0  # seconds after the last fault, in which every job must have ended
UNKNOWN_FOR = 150.0  # seconds after which a person stops a job that its pool does not know
LONG = 500  # faults, from which on a run has all kinds
LEAST, FOR_SELDOM = 3, 0.1  # so often a kind is to take effect; share of the draws for those that have not
GRACE = 8.0  # seconds in which the witness may learn what Roost knows already


@dataclass
class Outcome:
    verdict: Verdict
    seed: int
    seconds: float
    ending: float  # seconds from the last fault to the end of the last job
    done: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    deaths: int = 0
    resumed: int = 0
    forgotten: int = 0


def run(
    world: World, injections: int, seed: int, at_once: int, faults: Sequence[Fault], kinds: str = ""
) -> Outcome:
    soak = Soak(world, seed, kinds)
    begun = time.monotonic()
    with soak.working(at_once):
        soak.inject(injections, faults)
    ended = time.monotonic()
    soak.mend()
    soak.wait_for_all(LONGEST_END)
    ending = time.monotonic() - ended
    verdict = judge(soak.orders, soak.witness)
    verdict.false_ends = soak.false_ends
    if not verdict.good:
        shutil.copytree(soak.witness.path.parent, world.root / "condor", ignore_dangling_symlinks=True)
    deaths = sum(worker.deaths for worker in world.workers)
    return Outcome(
        verdict, seed, ended - begun, ending, soak.done, soak.missed, deaths, soak.resumed, soak.forgotten
    )


class Soak:
    def __init__(self, world: World, seed: int, kinds: str) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self.orders: list[Order] = []
        self.witness = Witness(world.pool.hosts["ap"].upper / "var/log/condor/EventLog")
        self.false_ends: list[str] = []
        self.done: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.resumed = 0
        folder = world.root / "inputs"
        folder.mkdir()
        self._draw = Orders(folder, seed, kinds)
        self._manager = JobManager("soakapp")
        self._over = threading.Event()
        # To the end: a host of the pool ends with the thread that has started it.
        self._threads = ThreadPoolExecutor(AT_ONCE, "fault")
        self._claims: dict[str, tuple[Order, float]] = {}  # Complete before the witness knew it, since when
        self._held: dict[int, float] = {}
        self._unknown: dict[int, float] = {}
        self.forgotten = 0
        self._open: dict[int, Order] = {}
        self._enrol()

    def _enrol(self) -> None:
        pool = self.world.pool
        scheduler = create_scheduler(
            NAME, host=self.world.relay.host, port=self.world.relay.port, username=pool.user,
            private_key_path=str(pool.key), host_key=pool.host_key,
        )  # fmt: skip
        scheduler.logins_per_hour = 0
        scheduler.save()

    # --- jobs -----------------------------------------------------------------------------------------

    def working(self, at_once: int) -> _Working:
        return _Working(self, at_once)

    def work(self, at_once: int) -> None:
        """As many jobs as wanted are always on their way."""
        pending: list[Order] = []
        while not self._over.wait(0.2):
            try:
                self._watch()
                while len(self._open) + len(pending) < at_once:
                    pending.append(self._draw.next())
                while pending:
                    self._make(pending[0])
                    pending.pop(0)
            except (Error, OSError, RoostError) as error:  # as its user would: try again
                log.info("%s: %s", type(error).__name__, error)
                connections.close_all()
        connections.close_all()

    def _make(self, order: Order) -> None:
        """Asked again after an error, it is found by its name."""
        job = self._manager.list_jobs(filters={"name": order.name}).first()
        if job is None:
            job = self._manager.create_job(order.name, None, **order.parameters)
            job.save()
        order.job = job.pk
        if not job.frozen:
            job.execute()
        self.orders.append(order)
        self._open[job.pk] = order

    def _watch(self) -> None:
        rows = Job.objects.filter(pk__in=list(self._open)).only("pk", "_status", "status_message")
        for job in rows:
            order = self._open[job.pk]
            if job.is_final:
                del self._open[job.pk]
                self._claim(order, job)
            elif job._status == "HLD":
                self._resume(job)
            elif job.status_message.startswith(UNKNOWN):
                self._give_up(order, job)
            elif order.then and job._status == order.then[0][0]:
                self._say(order)
        self._check_claims()

    def _say(self, order: Order) -> None:
        """What its user says now; again and again, until it is taken or the job has ended."""
        try:
            getattr(Job.objects.get(pk=order.job), order.then[0][1])()
            del order.then[0]
        except WrongState as error:
            log.info("%s", error)

    def _resume(self, job: Job) -> None:
        """What a person would do with a job that is held for a reason that is over."""
        since = self._held.setdefault(job.pk, time.monotonic())
        if time.monotonic() - since > 5:
            log.info("job %d is resumed: %s", job.pk, job.status_message)
            Job.objects.get(pk=job.pk).resume()
            self.resumed += 1
            del self._held[job.pk]

    def _give_up(self, order: Order, job: Job) -> None:
        """What a person would do whose pool's log and history are gone: it knows nothing of this job."""
        since = self._unknown.setdefault(job.pk, time.monotonic())
        self.witness.look()
        over = all(self.witness.is_over(attempt.token) for attempt in job.attempts.all())
        if time.monotonic() - since > UNKNOWN_FOR and over and FORGOTTEN not in order.touched:
            log.info("job %d is stopped: %s", job.pk, job.status_message)
            Job.objects.get(pk=job.pk).stop()
            order.touched.append(FORGOTTEN)
            self.forgotten += 1

    def _claim(self, order: Order, job: Job) -> None:
        if job._status == "COM":
            attempt = Attempt.objects.filter(job=job.pk).latest("number")
            self._claims[attempt.token] = (order, time.monotonic())

    def _check_claims(self) -> None:
        for token, (order, since) in list(self._claims.items()):
            wrong = false_end(order, token, self.witness)
            if not wrong:
                del self._claims[token]
            elif time.monotonic() - since > GRACE:
                self.false_ends.append(wrong)
                del self._claims[token]

    def touch(self, attempt: str, what: str) -> None:
        job = Attempt.objects.filter(token=attempt).values_list("job_id", flat=True).first()
        for order in self.orders:
            if order.job == job:
                order.touched.append(what)

    # --- faults ---------------------------------------------------------------------------------------

    def inject(self, wanted: int, faults: Sequence[Fault]) -> None:
        busy: dict[str, Future[None]] = {}
        while not self._is_enough(wanted, faults):
            busy = {place: future for place, future in busy.items() if not future.done()}
            free = [each for each in faults if each.place not in busy]
            if len(busy) < AT_ONCE and free:
                fault = self._drawn(free, wanted)
                scene = Scene(self.world, random.Random(self.chance.getrandbits(64)), self.touch)
                busy[fault.place] = self._threads.submit(self._do, fault, scene)
            time.sleep(self.chance.uniform(*PACE))
        wait(busy.values())

    def _is_enough(self, wanted: int, faults: Sequence[Fault]) -> bool:
        """A long run has each kind; one that takes no effect at all does not keep it for ever."""
        done = sum(self.done.values())
        each = wanted < LONG or all(self.done[fault.name] for fault in faults)
        return done >= wanted and (each or done >= 1.2 * wanted)

    def _drawn(self, free: Sequence[Fault], wanted: int) -> Fault:
        """In a long run, kinds that are drawn seldom come some times all the same."""
        seldom = [each for each in free if self.done[each.name] < LEAST]
        if wanted >= LONG and seldom and self.chance.random() < FOR_SELDOM:
            return self.chance.choice(seldom)
        return self.chance.choices(free, [each.weight for each in free])[0]

    def _do(self, fault: Fault, scene: Scene) -> None:
        try:
            said = fault.act(scene)
        except (Error, OSError, RuntimeError, subprocess.SubprocessError) as error:
            log.info("%s: %s: %s", fault.name, type(error).__name__, error)
            said = ""
        finally:
            connections.close_all()
        (self.done if said else self.missed)[fault.name] += 1
        log.info("%d: %s: %s", sum(self.done.values()), fault.name, said or "not this time")

    def mend(self) -> None:
        """Whatever is still wrong is put right, as an administrator would."""
        disks.empty(self.world.here)
        disks.empty(self.world.there)
        self.world.relay.restore()
        for server in (self.world.database, self.world.broker):
            if not server.alive:
                server.start()
        for name in ("exec1", "exec2"):
            self.world.pool.restore(name)
        self.world.pool.hosts["ap"].run("condor_release", "-all")  # says no where nothing is held
        self.world.manage("schedulers", "resume", NAME)

    def wait_for_all(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        connections.close_all()  # the server may have been started again
        while (self._open or self._claims) and time.monotonic() < deadline:
            self._watch()
            time.sleep(0.5)


class _Working:
    """The maker's thread, as long as faults are done."""

    def __init__(self, soak: Soak, at_once: int) -> None:
        self._soak = soak
        self._thread = threading.Thread(target=soak.work, args=(at_once,), daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._soak._over.set()
        self._thread.join(60)
