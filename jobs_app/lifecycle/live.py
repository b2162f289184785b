"""What a slice prints, while it prints it:

    data, offset, ended = live.read(job, "run", 3, offset=offset)      again and again, from any process

A slice on another machine is read by its scheduler's courier, once for all who look, into a file below
`.roost/attempts/<n>/live`; readers read that, and say by an errand now and then that they still look. What
is there is always the beginning of what the slice will have printed, so the file that comes home in the end
takes over at any offset.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from jobs_app.errors import NoAnswer
from jobs_app.jobdir import files
from jobs_app.jobdir.layout import part_name
from jobs_app.jobdir.output import Output
from jobs_app.models import Attempt, AttemptPhase, Errand, Job, Scheduler, SliceBlock
from jobs_app.pools.base import Event, Garbled, Pool, PoolError, Task
from jobs_app.pools.told import PROGRESS, Begin, Data, Frames, News, Parts
from jobs_app.states import SliceState

from . import errands
from .link import Link
from .task import task_of
from .work import Work

LIMIT = 1 << 20
LARGEST = 64 << 20  # bytes of one slice that are read while it runs; the rest comes home when it ends
FRESH, AGAIN = 5.0, 1.0  # seconds after which a reader says again that it looks; where nothing comes
LOOKS = 2.0  # seconds that who only looks how far it is waits for the courier
IDLE = 20.0  # seconds after which nobody looks any more
WHOLE = "whole"


class Reading(NamedTuple):
    data: bytes
    offset: int  # where to go on
    ended: bool  # nothing more will come


def read(
    job: Job,
    step: str = "",
    sliceno: int = 0,
    stream: str = "output",
    offset: int = 0,
    limit: int = LIMIT,
    *,
    more: bool = True,
) -> Reading:
    """What the slice has printed from `offset` on, so many bytes at most. Both streams are "output", as they
    came. A slice that began anew is read from its new beginning. PoolError or NoAnswer while its pool is out
    of reach: ask again later. `more`: its courier is told that somebody looks."""
    attempt = Attempt.objects.filter(job_id=job.pk).select_related("scheduler").order_by("-number").first()
    if stream != "output" or not job.address:
        return Reading(b"", offset, stream != "output" or job.is_final)
    step = step or job.main_step
    if attempt is None or _is_here(job, attempt, step, sliceno):
        ended = job.is_final if attempt is None else _has_ended(attempt, step, sliceno)
        data = Output(job.paths.output).read(part_name(step, sliceno), offset, limit)
        return _piece(data, offset, limit, ended)
    spot = spot_of(job, attempt, step, sliceno)
    if more and attempt.phase == AttemptPhase.SENT and attempt.started:
        _see_to_it(spot, attempt, step, sliceno)
    return _read_live(spot, part_name(step, sliceno), offset, limit)


def size(job: Job, step: str = "", sliceno: int = 0, *, more: bool = True) -> int:
    """How many bytes of it can be read by now. `more`: its courier is told that somebody looks."""
    if not job.address:
        return 0
    step = step or job.main_step
    attempt = Attempt.objects.filter(job_id=job.pk).select_related("scheduler").order_by("-number").first()
    part = part_name(step, sliceno)
    if attempt is None or _is_here(job, attempt, step, sliceno):
        return Output(job.paths.output).size(part)
    spot = spot_of(job, attempt, step, sliceno)
    if more and attempt.phase == AttemptPhase.SENT and attempt.started:
        _see_to_it(spot, attempt, step, sliceno)
    log = spot.log(part)
    return log.stat().st_size if log.exists() else 0


def look(job: Job) -> None:
    """Somebody looks how far it is: a script in one proc tells that on its output. If it cannot be had now,
    its end tells."""
    attempt = Attempt.objects.filter(job_id=job.pk).select_related("scheduler").order_by("-number").first()
    if attempt is None or not _is_remote(attempt) or attempt.form != "one-proc" or not attempt.started:
        return
    if attempt.phase == AttemptPhase.SENT:
        spot = spot_of(job, attempt, job.main_step, 0)
        with suppress(PoolError, NoAnswer):
            _see_to_it(spot, attempt, job.main_step, 0, wait=LOOKS)


def place_of(job: Job, part: str) -> tuple[str, int]:
    """The step and the slice whose output is called `part`."""
    return (job.main_step, int(part)) if part.isdecimal() else (part, 0)


def parts(job: Job, limit: int = 8) -> list[str]:
    """The parts that have printed something; on another machine the first of those that run now."""
    if not job.address:
        return []
    found = [str(part) for part in Output(job.paths.output).names()]
    attempt = Attempt.objects.filter(job_id=job.pk).select_related("scheduler").order_by("-number").first()
    if attempt is None or attempt.phase != AttemptPhase.SENT or not _is_remote(attempt):
        return found
    folder = job.paths.attempt(attempt.number).live
    seen = sorted(path.stem for path in folder.glob("*.log")) if folder.exists() else []
    return list(dict.fromkeys([*found, *seen, *itertools.islice(_running(job, attempt), limit)]))


def _running(job: Job, attempt: Attempt) -> Iterator[str]:
    for step in Work.from_json(attempt.work).steps:
        for number in job.slices_in(SliceState.RUNNING, step.name, limit=100):
            yield part_name(step.name, number)


def _is_remote(attempt: Attempt) -> bool:
    return attempt.scheduler is not None and attempt.scheduler.kind == Scheduler.CONDOR


def _state_of(attempt: Attempt, step: str, sliceno: int) -> SliceState:
    page = SliceBlock.objects.filter(attempt_id=attempt.pk).page(step, sliceno, 1)
    return SliceState(page[0]) if page else SliceState.WAITING


def _has_ended(attempt: Attempt, step: str, sliceno: int) -> bool:
    return attempt.phase == AttemptPhase.FINAL or _state_of(attempt, step, sliceno).ended


def _is_here(job: Job, attempt: Attempt, step: str, sliceno: int) -> bool:
    """Whether the job's own directory has all that there is."""
    if attempt.phase == AttemptPhase.FINAL or not _is_remote(attempt):
        return True
    inherited = Work.from_json(attempt.work).inherits and _state_of(attempt, step, sliceno).ended
    return bool(inherited and Output(job.paths.output).size(part_name(step, sliceno)))


def _piece(data: bytes, offset: int, limit: int, ended: bool) -> Reading:
    return Reading(data, offset + len(data), ended and len(data) < limit)


# --- the file that is read ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Spot:
    """A proc whose output is read, and where that is written down."""

    attempt: str
    step: str
    sliceno: int
    framed: bool  # a script's: what its parts print comes in frames
    folder: Path
    parts: Parts
    scheduler: int = 0

    @property
    def name(self) -> str:
        return WHOLE if self.step == WHOLE else part_name(self.step, self.sliceno)

    @property
    def note(self) -> Path:
        return self.folder / f"{self.name}.json"

    def log(self, part: str) -> Path:
        return self.folder / f"{part}.log"

    def known(self) -> dict[str, Any]:
        return files.read_object(self.note) if self.note.exists() else {}

    def write_down(self, **known: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        files.write_json(self.note, {**self.known(), **known})

    def put(self, part: str, offset: int, data: bytes) -> None:
        """What would leave a hole, or is no part of this proc, comes from somebody else."""
        if not self.parts.has(part) or offset + len(data) > LARGEST:
            return
        handle = os.open(self.log(part), os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW, 0o644)
        try:
            if offset <= os.fstat(handle).st_size:
                os.pwrite(handle, data, offset)
        finally:
            os.close(handle)

    def size(self) -> int:
        log = self.log(self.name)
        return log.stat().st_size if log.exists() else 0


def spot_of(job: Job, attempt: Attempt, step: str, sliceno: int) -> Spot:
    work = Work.from_json(attempt.work)
    script, folder = bool(work.script), job.paths.attempt(attempt.number).live
    parts = Parts(attempt.token, one=(step, sliceno))
    if script and attempt.form in ("", "one-proc"):
        step, sliceno, parts = WHOLE, 0, Parts(attempt.token, steps=tuple(work.steps))
    return Spot(attempt.token, step, sliceno, script, folder, parts, attempt.scheduler_id or 0)


def _read_live(spot: Spot, part: str, offset: int, limit: int) -> Reading:
    ended = bool(spot.known().get("ended"))
    try:
        with spot.log(part).open("rb") as handle:
            size = os.fstat(handle.fileno()).st_size
            offset = offset if offset <= size else 0  # it began anew
            handle.seek(offset)
            return _piece(handle.read(limit), offset, limit, ended)
    except FileNotFoundError:
        return Reading(b"", offset, ended)


def _see_to_it(spot: Spot, attempt: Attempt, step: str, sliceno: int, wait: float = errands.WAIT) -> None:
    """Asks the courier to read on, if it has not been told lately."""
    known = spot.known()
    if known.get("ended"):
        return
    patience = FRESH if known.get("running") else AGAIN
    if attempt.scheduler is not None and time.time() - known.get("renewed", 0.0) > patience:
        errands.ask(attempt.scheduler, "live", {"step": step, "slice": sliceno}, attempt, wait)


# --- in the courier -----------------------------------------------------------------------------------------


@errands.serves("live")
def _serve(errand: Errand) -> errands.Work:
    attempt = errand.attempt
    if attempt is None or attempt.phase != AttemptPhase.SENT:
        return lambda _: {}
    step, sliceno = str(errand.question["step"]), int(errand.question["slice"])
    spot = spot_of(attempt.job, attempt, step, sliceno)
    if spot.step != WHOLE and _state_of(attempt, step, sliceno).ended:
        task = task_of(attempt)
        return lambda pool: _take_the_rest(pool, task, spot)
    scheduler = errand.scheduler
    return lambda pool: _watch(pool, scheduler, spot)


def _take_the_rest(pool: Pool, task: Task, spot: Spot) -> dict[str, Any]:
    """The slice has ended, others have not: what it printed lies on the access point."""
    frames, offset = Frames(), 0 if spot.framed else spot.size()
    spot.write_down(renewed=time.time(), running=False)
    while offset < LARGEST:
        data, offset_after = pool.tail(task, spot.step, spot.sliceno, "output", offset)
        if not data:
            break
        _write(spot, frames, offset, data)
        offset = offset_after
    spot.write_down(renewed=time.time(), ended=True)
    return {}


def _write(spot: Spot, frames: Frames, offset: int, data: bytes) -> None:
    if not spot.framed:
        spot.put(spot.name, offset, data)
        return
    for part, place, piece in frames.feed(data):
        if part == PROGRESS:
            _heard[spot.scheduler].extend(spot.parts.said(piece, time.time()))
        else:
            spot.put(part, place, piece)


# By scheduler, what running parts have told of themselves; the courier of this process records it.
_heard: defaultdict[int, deque[Event]] = defaultdict(lambda: deque(maxlen=10_000))


def heard(scheduler: int) -> list[Event]:
    """What was told since the last time."""
    waiting = _heard[scheduler]
    return [waiting.popleft() for _ in range(len(waiting))]


def _watch(pool: Pool, scheduler: Scheduler, spot: Spot) -> dict[str, Any]:
    if not hasattr(pool, "live"):
        return {}
    key = (os.getpid(), scheduler.pk)
    with _lock:
        watcher = _watchers.get(key)
        if watcher is None or watcher.over:
            watcher = _watchers[key] = Watcher(Link(scheduler).open)
    watcher.renew(spot)
    return {}


@dataclass
class _Watch:
    spot: Spot
    renewed: float = 0.0
    running: bool = False
    offset: int = 0
    frames: Frames = field(default_factory=Frames)


class Watcher:
    """Reads what running slices of one pool print, on one channel, as long as somebody looks."""

    def __init__(self, open_pool: Callable[[], Any]) -> None:
        self.over = False
        self._changing = threading.Lock()
        self._watches: list[_Watch] = []  # the key of each is its place
        self._pool = open_pool()
        self._tails = self._pool.live()
        threading.Thread(target=self._work, name="live output", daemon=True).start()

    def renew(self, spot: Spot) -> None:
        with self._changing:
            key = next((key for key, each in enumerate(self._watches) if each.spot == spot), None)
            if key is None:
                key = len(self._watches)
                self._watches.append(_Watch(spot))
            watch = self._watches[key]
            watch.renewed = time.monotonic()
            if not watch.running:
                self._begin(key, watch)
            spot.write_down(renewed=time.time(), running=True)

    def _begin(self, key: int, watch: _Watch) -> None:
        spot, watch.running = watch.spot, True
        offset = 0 if spot.framed else spot.size()
        self._tails.watch(key, spot.attempt, spot.sliceno, spot.step, spot.known().get("starts", ""), offset)

    def _work(self) -> None:
        try:
            while not self.over:
                for news in self._tails.read(0.5):
                    self._hear(news)
                self._drop_idle()
        except (PoolError, OSError):
            self.over = True  # who still looks asks again, and is told then
        finally:
            self.over = True
            self._pause_all()
            self._tails.close()
            self._pool.close()

    def _hear(self, news: News) -> None:
        if news.key >= len(self._watches):
            raise Garbled(f"Nobody asked for the output that the pool calls {news.key}.")
        watch = self._watches[news.key]
        if isinstance(news, Begin):
            self._begun(watch, news)
        elif isinstance(news, Data):
            _write(watch.spot, watch.frames, watch.offset, news.data)
            watch.offset += len(news.data)
            if watch.offset > LARGEST:
                self._tails.drop(news.key)
        else:
            watch.running = False
            watch.spot.write_down(running=False)

    def _begun(self, watch: _Watch, news: Begin) -> None:
        spot = watch.spot
        watch.offset, watch.frames = news.offset, Frames()
        if spot.known().get("starts", "") != news.starts:
            spot.write_down(starts=news.starts)
            for log in spot.folder.glob("*.log") if spot.step == WHOLE else [spot.log(spot.name)]:
                log.unlink(missing_ok=True)

    def _drop_idle(self) -> None:
        now = time.monotonic()
        with self._changing:
            for key, watch in enumerate(self._watches):
                if watch.running and now - watch.renewed > IDLE:
                    self._tails.drop(key)
            self.over = all(now - watch.renewed > IDLE for watch in self._watches) and bool(self._watches)

    def _pause_all(self) -> None:
        for watch in self._watches:
            if watch.running and watch.spot.folder.exists():
                watch.spot.write_down(running=False)


_lock = threading.Lock()
_watchers: dict[tuple[int, int], Watcher] = {}  # by process and scheduler
