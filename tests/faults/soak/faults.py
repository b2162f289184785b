"""What is done to the world, a function each. Each one undoes what would not go by itself."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from django.db import DatabaseError, close_old_connections

from tests.pool import files
from tests.pool.host import Host

from ..points import points
from . import disks
from .world import NAME, World

Act = Callable[["Scene"], str]  # what was done, in some words; "" if it could not be done this time

HOME = f"/home/{files.USER}/roost"
# Where workers come while such jobs go their way.
SELDOM = ("courier.answered", "courier.subjob-built", "finish.processing", "prepare.cleared")
SHIFTS = ("+3h", "-3h", "+40s", "-40s", "+400d")  # of clocks that go wrong
KILLABLE = tuple(name for name in points("courier", "record", "finish", "prepare") if name not in SELDOM)


@dataclass(frozen=True)
class Fault:
    name: str
    place: str  # two faults at the same place do not overlap
    weight: float
    act: Act


@dataclass
class Scene:
    """A fault's world, and its dice."""

    world: World
    chance: random.Random
    touch: Callable[[str, str], None]  # tells that something is done to the job of this attempt, and what

    def some(self, shortest: float, longest: float) -> float:
        return self.chance.uniform(shortest, longest)

    def rest(self, shortest: float, longest: float) -> str:
        seconds = self.some(shortest, longest)
        time.sleep(seconds)
        return f"{seconds:.1f} s"

    def on_ap(self, *argv: str, user: str = "root") -> str:
        done = self.world.pool.hosts["ap"].run(*argv, user=user, timeout=60)
        return done.stdout if done.returncode == 0 else ""


FAULTS: list[Fault] = []
SELDOM_DRAWN = 1.1  # weights below this are of faults that last for long


def fault(name: str, place: str, weight: float) -> Callable[[Act], Act]:
    def add(act: Act) -> Act:
        FAULTS.append(Fault(name, place, weight, act))
        return act

    return add


# --- workers ----------------------------------------------------------------------------------------------


@fault("worker killed at a named place", "worker", 24)
def killed_at(scene: Scene) -> str:
    """Both are started again with the place named; the first that gets there dies."""
    point = scene.chance.choice(KILLABLE)
    marker = scene.world.root / f"killed-{scene.chance.getrandbits(40):x}"
    at = f"{point}:{scene.chance.choice((1, 1, 2, 5))}"
    for worker in scene.world.workers:
        worker.begin_next_with(ROOST_KILL_AT=at, ROOST_KILL_ONCE=str(marker))
        worker.signal(signal.SIGKILL)
    return at if _appears(marker, 30) else ""


def _appears(path: Path, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return path.exists()


@fault("worker killed at any moment", "worker", 10)
def killed(scene: Scene) -> str:
    scene.chance.choice(scene.world.workers).signal(signal.SIGKILL)
    return "one of two"


@fault("both workers killed", "worker", 3)
def all_killed(scene: Scene) -> str:
    for worker in scene.world.workers:
        worker.signal(signal.SIGKILL)
    return "two of two"


@fault("worker stopped for a while (two couriers afterwards)", "worker", 6)
def stopped(scene: Scene) -> str:
    """Others think that its lease is over; then it wakes up in the middle of what it did."""
    from jobs_app.models import Scheduler

    worker = scene.chance.choice(scene.world.workers)
    worker.signal(signal.SIGSTOP)
    try:
        Scheduler.objects.filter(name=NAME).update(courier_until=None)
        return scene.rest(0.5, 4)
    finally:
        worker.signal(signal.SIGCONT)


@fault("worker with a wrong clock", "worker", 3)
def wrong_clock(scene: Scene) -> str:
    library = _clockwork()
    if library is None:
        return ""
    shift = scene.chance.choice(SHIFTS)
    worker = scene.chance.choice(scene.world.workers)
    worker.begin_next_with(LD_PRELOAD=str(library), FAKETIME=shift, DONT_FAKE_MONOTONIC="1")
    worker.signal(signal.SIGKILL)
    time.sleep(scene.some(4, 8))
    worker.signal(signal.SIGKILL)
    return shift


def _clockwork() -> Path | None:
    return next(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1"), None)


@fault("the same task delivered twice", "worker", 8)
def twice(scene: Scene) -> str:
    from jobs_app.models import Attempt, AttemptPhase, Scheduler
    from jobs_app.tasks import finish_later, wake_courier

    scheduler = Scheduler.objects.get(name=NAME)
    ending = Attempt.objects.filter(phase__in=(AttemptPhase.FETCHING, AttemptPhase.PROCESSING))
    ids = list(ending.values_list("pk", flat=True)[:20])
    for _ in range(3):
        wake_courier(scheduler.pk)
        for attempt_id in ids:
            finish_later(attempt_id)
    return f"thrice for the courier and {len(ids)} attempts"


# --- the link ---------------------------------------------------------------------------------------------


@fault("link cut for a moment", "link", 14)
def link_cut(scene: Scene) -> str:
    with _cut(scene):
        return scene.rest(0.1, 2)


@fault("link cut while something goes up", "link", 14)
def cut_up(scene: Scene) -> str:
    return _cut_after(scene, "up")


@fault("link cut while something comes down", "link", 14)
def cut_down(scene: Scene) -> str:
    return _cut_after(scene, "down")


@fault("link gone for minutes", "link", 0.15)
def link_gone(scene: Scene) -> str:
    with _cut(scene):
        return scene.rest(70, 130)


@fault("link slow (200 ms)", "link", 4)
def link_slow(scene: Scene) -> str:
    relay, before = scene.world.relay, scene.world.relay.round_trip
    relay.round_trip = 0.2
    try:
        return scene.rest(2, 6)
    finally:
        relay.round_trip = before


@contextmanager
def _cut(scene: Scene) -> Iterator[None]:
    scene.world.relay.cut()
    try:
        yield
    finally:
        scene.world.relay.restore()


def _cut_after(scene: Scene, way: str) -> str:
    """Somewhere in the next bytes: of a command, its answer, or a file. It counts if it broke something."""
    relay = scene.world.relay
    size = int(10 ** scene.some(0, 5.7))
    before = relay.breaks
    relay.cut_after(**{way: size})
    deadline = time.monotonic() + 6
    while relay.breaks == before and time.monotonic() < deadline:
        time.sleep(0.02)
    relay.restore()
    return f"after {size} bytes {way}" if relay.breaks != before else ""


# --- the access point -------------------------------------------------------------------------------------


@fault("access point frozen", "ap", 5)
def frozen(scene: Scene) -> str:
    scene.world.pool.freeze("ap")
    try:
        return scene.rest(0.5, 5)
    finally:
        scene.world.pool.thaw("ap")


@fault("schedd killed", "ap", 4)
def schedd_killed(scene: Scene) -> str:
    scene.on_ap("pkill", "-KILL", "-x", "condor_schedd")
    return _back(scene, "condor_schedd")


@fault("condor restarted", "ap", 1)
def condor_restarted(scene: Scene) -> str:
    scene.on_ap("condor_restart", "-fast")
    time.sleep(1)
    return _back(scene, "all of it")


@fault("access point without power", "ap", 1)
def power(scene: Scene) -> str:
    scene.world.pool.kill("ap")
    scene.world.pool.start("ap")
    return _back(scene, "the whole host")


@fault("access point with a wrong clock", "ap", 0.7)
def wrong_clock_there(scene: Scene) -> str:
    """It comes back from a loss of power with another time: for HTCondor, and for all that we run there."""
    library, pool = _clockwork(), scene.world.pool
    if library is None:
        return ""
    shift = scene.chance.choice(SHIFTS)
    pool.kill("ap")
    _set_clock(pool.hosts["ap"], shift, library)
    pool.start("ap")
    try:
        _back(scene, "with another time")
        return f"{shift}, {scene.rest(5, 20)}"
    finally:
        pool.kill("ap")
        pool.furnish_access_point()
        pool.start("ap")
        _back(scene, "with the right time")


def _set_clock(host: Host, shift: str, library: Path) -> None:
    wrong = f"LD_PRELOAD=/opt/clock.so FAKETIME={shift} DONT_FAKE_MONOTONIC=1"
    host.write("opt/clock.so", library.read_bytes(), 0o755)
    host.write("etc/roost/init", files.INIT.format(servers=f"{files.SSHD_COMMAND}\nexport {wrong}"))
    host.write("etc/ssh/sshd_config", f"{files.SSHD}SetEnv {wrong}\n")


def _back(scene: Scene, what: str) -> str:
    deadline = time.monotonic() + 60
    while not scene.on_ap("condor_q", "-totals") and time.monotonic() < deadline:
        time.sleep(0.3)
    return what


@fault("SSH server killed", "ap", 3)
def sshd_killed(scene: Scene) -> str:
    scene.on_ap("pkill", "-KILL", "sshd")
    scene.on_ap("/bin/sh", "-c", files.SSHD_COMMAND)
    return "and started"


GARBLED = ("condor_q", "condor_history", "condor_submit", "condor_rm", "condor_hold", "tar", "sha256sum")
GARBAGE = (("\\377\\000 what?", 0), ("[{", 0), ("", 0), ("-- Failed", 1), ("", 139))  # said, exit code


@fault("garbage from a command", "ap", 8)
def garbage(scene: Scene) -> str:
    command = scene.chance.choice(GARBLED)
    says, code = scene.chance.choice(GARBAGE)
    text = f"#!/bin/sh\nprintf '{says}'\nexit {code}\n"
    place = f"/usr/local/bin/{command}"
    scene.on_ap("sh", "-c", f"printf %s \"$1\" > {place}.new; chmod 755 {place}.new; mv {place}.new {place}",
                "-", text)  # fmt: skip
    try:
        return f"{command}, exit {code}, {scene.rest(1, 4)}"
    finally:
        scene.on_ap("rm", "-f", place)


@fault("event log truncated", "log", 0.7)
def truncated(scene: Scene) -> str:
    return _damage(scene, ": > {}")


@fault("event log removed", "log", 0.7)
def removed(scene: Scene) -> str:
    return _damage(scene, "rm {}")


@fault("event log with half a line of garbage", "log", 0.5)
def torn(scene: Scene) -> str:
    return _damage(scene, "printf '005 (12.0.00) garb\\377age' >> {}")


def _damage(scene: Scene, command: str) -> str:
    newest = scene.on_ap("sh", "-c", f"ls -t {HOME}/segments | head -1").strip()
    if not newest:
        return ""
    scene.on_ap("sh", "-c", command.format(f"{HOME}/segments/{newest}"))
    return newest


@fault("history rotated away", "log", 1)
def no_history(scene: Scene) -> str:
    """The schedd writes on into the file that is gone, until it is told to look again."""
    all_of_it = 'for each in "$(condor_config_val HISTORY)"*; do rm "$each" && echo gone; done'
    gone = scene.on_ap("sh", "-c", all_of_it).count("gone")
    scene.on_ap("condor_reconfig", "-daemon", "schedd")
    return f"{gone} files" if gone else ""


@fault("disk full on the access point", "ap-disk", 3)
def full_there(scene: Scene) -> str:
    return _full(scene, scene.world.there)


@fault("disk full here", "disk", 3)
def full_here(scene: Scene) -> str:
    return _full(scene, scene.world.here)


def _full(scene: Scene, disk: Path) -> str:
    disks.fill(disk)
    try:
        return scene.rest(1, 6)
    finally:
        disks.empty(disk)


@fault("host key changed", "link", 0.4)
def host_key(scene: Scene) -> str:
    """Nothing is said to a host with another key, and nobody tries again, until a person has looked."""
    key = "/etc/ssh/ssh_host_ed25519_key"
    scene.on_ap("sh", "-c", f"cp -p {key} {key}.kept; rm {key}; ssh-keygen -q -t ed25519 -N '' -f {key}")
    try:
        sshd_killed(scene)
        noticed = _is_noticed(time.monotonic() + 20)
    finally:
        scene.on_ap("mv", f"{key}.kept", key)
        sshd_killed(scene)
        scene.world.manage("schedulers", "resume", NAME)
    return "noticed, paused, resumed by a person" if noticed else ""


def _is_noticed(deadline: float) -> bool:
    from jobs_app.models import Scheduler

    rows = Scheduler.objects.filter(name=NAME, paused_by=Scheduler.BY_ACCESS)
    while time.monotonic() < deadline:
        try:
            if rows.exists():
                return True
        except DatabaseError:  # another fault restarts it meanwhile
            close_old_connections()
        time.sleep(0.2)
    return False


# --- execute hosts ----------------------------------------------------------------------------------------


@fault("execute host cut off and back", "exec", 1.5)
def exec_cut(scene: Scene) -> str:
    name = scene.chance.choice(("exec1", "exec2"))
    scene.world.pool.cut(name)
    try:
        return f"{name}, {scene.rest(2, 40)}"
    finally:
        scene.world.pool.restore(name)


@fault("execute host without power", "exec", 1)
def exec_power(scene: Scene) -> str:
    name = scene.chance.choice(("exec1", "exec2"))
    scene.world.pool.kill(name)
    scene.world.pool.start(name)
    return name


# --- jobs, from outside -----------------------------------------------------------------------------------


def _a_proc(scene: Scene) -> tuple[str, str]:
    """Its number and its attempt."""
    said = scene.on_ap("condor_q", "-allusers", "-af", "ClusterId", "ProcId", "RoostAttempt", "JobStatus")
    rows = [line.split() for line in said.splitlines()]
    found = [row for row in rows if len(row) == 4 and row[3] in "125" and len(row[2]) == 32]
    if not found:
        return "", ""
    cluster, proc, attempt, _ = scene.chance.choice(found)
    return f"{cluster}.{proc}", attempt


@fault("job held from outside, released from outside", "jobs", 5)
def held(scene: Scene) -> str:
    proc, attempt = _a_proc(scene)
    if not proc:
        return ""
    scene.touch(attempt, "held")
    scene.on_ap("condor_hold", proc)
    time.sleep(scene.some(0.2, 2))
    scene.on_ap("condor_release", proc)
    return proc


@fault("job removed from outside", "jobs", 3)
def removed_outside(scene: Scene) -> str:
    proc, attempt = _a_proc(scene)
    if not proc:
        return ""
    scene.touch(attempt, "removed")
    scene.on_ap("condor_rm", proc)
    return proc


@fault("job evicted", "jobs", 5)
def evicted(scene: Scene) -> str:
    proc, attempt = _a_proc(scene)
    if not proc:
        return ""
    scene.touch(attempt, "evicted")
    scene.on_ap("condor_vacate_job", "-fast", proc)
    return proc


@fault("job edited from outside", "jobs", 4)
def edited(scene: Scene) -> str:
    proc, attempt = _a_proc(scene)
    if not proc:
        return ""
    scene.touch(attempt, "edited")
    name, value = scene.chance.choice((("JobPrio", "5"), ("Iwd2", '"x"'), ("RequestMemory", "64")))
    scene.on_ap("condor_qedit", proc, name, value)
    return f"{proc} {name}"


# --- servers ----------------------------------------------------------------------------------------------


@fault("Redis restarted", "servers", 3)
def redis_restarted(scene: Scene) -> str:
    scene.world.broker.end(signal.SIGKILL)
    time.sleep(scene.some(0, 2))
    scene.world.broker.start()
    return "with all its messages lost"


@fault("PostgreSQL restarted", "servers", 2)
def postgres_restarted(scene: Scene) -> str:
    scene.world.database.end(signal.SIGINT)
    time.sleep(scene.some(0, 1))
    scene.world.database.start()
    return "all connections cut"


def chosen(name: str, quick: bool) -> list[Fault]:
    """Those whose names contain one of these, "a|b"; quick: without those that last for minutes."""
    named = [each for each in FAULTS if any(part in each.name for part in name.split("|"))]
    found = [each for each in named if not (quick and each.weight < SELDOM_DRAWN)]
    if not found:
        raise SystemExit(f"No fault's name contains {name!r}. They are: {', '.join(f.name for f in FAULTS)}.")
    return found
