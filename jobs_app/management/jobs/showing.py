"""show, logs, files, cat."""

from __future__ import annotations

import codecs
import re
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from jobs_app import inspection, situation
from jobs_app.errors import Invalid, JobHeld, NoAnswer, WrongState
from jobs_app.jobdir import files as jobfiles
from jobs_app.jobdir.layout import PREPARE, SYNTHESIS
from jobs_app.lifecycle import live
from jobs_app.lifecycle.described import described
from jobs_app.management import person
from jobs_app.management.hints import line
from jobs_app.models import Job
from jobs_app.pools.base import PoolError
from jobs_app.states import Counts
from jobs_app.terminal import describe
from jobs_app.terminal.output import Column, Output
from jobs_app.terminal.result import result_of

from . import helping
from .common import Options, Subcommands, catch_up, find_job, subcommand, takes_job

FOLLOW_EVERY = 0.3
SILENCE = 2.0  # seconds until it is said why there is nothing to follow
CHUNK = 1 << 20


def add(commands: Subcommands) -> None:
    parser = subcommand(commands, "show", show, "all about one job")
    takes_job(parser)
    parser.add_argument(
        "--submit", action="store_true", help="what was or would be sent to HTCondor, in its language"
    )

    parser = subcommand(commands, "logs", logs, "what a job printed", json=False)
    takes_job(parser)
    parser.add_argument("--part", "--slice", help="prepare, synthesis, or a slice's number; else all of them")
    parser.add_argument("--follow", "-f", action="store_true", help="go on until the job is over")

    parser = subcommand(commands, "files", files, "a job's files")
    takes_job(parser)
    parser.add_argument("--paths", action="store_true", help="whole paths")

    parser = subcommand(commands, "cat", cat, "writes a job's file to standard output", json=False)
    takes_job(parser)
    parser.add_argument("file")


# --- show -------------------------------------------------------------------------------------------------


def show(output: Output, options: Options) -> None:
    find_job(options["job"])
    catch_up(output)
    job = find_job(options["job"])
    if options["submit"]:
        return _show_description(output, job)
    said = describe.full(job)
    if output.as_json:
        badges = [vars(badge) for badge in situation.badges(job)]
        errors = [vars(trouble) for trouble in inspection.troubles(job)]
        return output.json({**said, "badges": badges, "errors": errors})
    output.say(f"{said['jobid']}  {job.name}", "bold")
    output.say(job.cached_status, describe.STYLES[job.state.code])
    for badge in situation.badges(job):
        output.say(badge.text, "yellow")
    if more := helping.how_much_more(job):
        output.say(more, "yellow")
    output.fields(_pairs(job, said))
    if said.get("nodes"):
        output.table(NODE_COLUMNS, said["nodes"], "")
    for part, text in inspection.saying(job):
        output.say(f"{part}: {text}", "dim")
    for trouble in inspection.troubles(job):
        output.say(f"\n{trouble.where} failed:", "red")
        output.say(trouble.text.rstrip())
    return None


def _show_description(output: Output, job: Job) -> None:
    found = described(job)
    if output.as_json:
        return output.json({"sent": found.sent, "files": dict(found.files)})
    for name, text in found.files:
        output.say(f"# {name}, {'as it was sent' if found.sent else 'as it would be sent now'}", "dim")
        output.write(text)
    return None


NODE_COLUMNS = (
    Column("node", "name", style="bold"),
    Column("state", "state"),
    Column("slices", "slices", lambda counts: str(sum(counts.values())), right=True),
    Column("after", "parents", ", ".join),
    Column("tries", "tries", right=True),
    Column("host", "host", style="dim"),
    Column("exit", "exit_code", lambda code: "" if code is None else str(code), right=True),
    Column("reason", "reason", style="dim"),
)


def _pairs(job: Job, said: dict[str, Any]) -> Iterable[tuple[str, Any]]:
    names = (
        "message",
        "description",
        "user",
        "app",
        "type",
        "template",
        "method",
        "scheduler",
        "attempt",
        "form",
        "parent",
    )
    plain = [(name, said[name]) for name in names]
    times = [(name, describe.moment_exactly(said[name])) for name in ("created", "started", "ended")]
    steps = [(f"step {name}", _counts(counts)) for name, counts in inspection.steps(job)]
    rest = [
        ("slices", describe.slices(said["slices"])),
        *steps,
        ("time", describe.seconds(said["seconds"])),
        ("result", result_of(job) if person.owns(job) else ""),
        *[(f"option {name}", value) for name, value in _options(job)],
        ("files", said["files"]),
        ("directory", said["directory"]),
    ]
    return [(name, value) for name, value in [*plain, *times, *rest] if value not in (None, "")]


def _options(job: Job) -> list[tuple[str, Any]]:
    given = job.parameters.get("options")
    return sorted(given.items()) if isinstance(given, dict) else []


def _counts(counts: Counts) -> str:
    return ", ".join(f"{number} {name}" for name, number in vars(counts).items() if number)


# --- logs -------------------------------------------------------------------------------------------------


def logs(output: Output, options: Options) -> None:
    job = find_job(options["job"])
    if options["part"]:
        _refuse_unknown_part(job, options["part"])
    follower = Follower(job, options["part"], output)
    follower.print_new()
    while options["follow"] and not job.is_final:
        follower.say_why_it_waits()
        _let_it_work(job)
        follower.print_new()


def _let_it_work(job: Job) -> None:
    """For a while; where no courier works, this command does its work."""
    try:
        job.wait(timeout=FOLLOW_EVERY)
    except (JobHeld, WrongState):
        time.sleep(FOLLOW_EVERY)
        job.refresh_status()


def _refuse_unknown_part(job: Job, part: str) -> None:
    """A part of the job that has printed nothing is no error."""
    printed = [str(name) for name in inspection.parts(job)]
    steps = [name for name, _ in inspection.steps(job)]
    ranks = job.slices_total if not steps or job.main_step in steps else 0
    if part in (*printed, *({PREPARE, SYNTHESIS} & {*steps})) or _is_slice(part, ranks):
        return
    ends = [name for name in (PREPARE, SYNTHESIS) if name in (*steps, *printed)]
    slices = [f"0-{ranks - 1}" if ranks > 1 else "0"] if ranks else []
    others = [name for name in printed if name not in ends and not _is_slice(name, ranks)]
    has = ", ".join([*slices, *others, *ends])
    raise Invalid(f"Job {job.pk} has no part {part!r}. It has: {has or 'none'}.")


def _is_slice(part: str, slices: int) -> bool:
    return part.isascii() and part.isdecimal() and int(part) < slices


class Follower:
    """Prints of each part what it has not printed yet, under a heading where there are several parts."""

    def __init__(self, job: Job, part: str | None, output: Output) -> None:
        self.job = job
        self.part = part
        self.output = output
        self.offsets: dict[str, int] = {}
        self.decoders: dict[str, codecs.IncrementalDecoder] = {}
        self.last = self.trouble = self.waits = self.told = ""
        self.since = 0.0

    def print_new(self) -> None:
        """All that there is of each part. What is out of reach is said once, and comes later."""
        if not inspection.has_directory(self.job):
            return
        try:
            for part in [self.part] if self.part else live.parts(self.job):
                while self._print_part(part):
                    pass
        except (PoolError, NoAnswer) as error:
            if str(error) != self.trouble:
                self.output.warn(str(error))
            self.trouble = str(error)

    def say_why_it_waits(self) -> None:
        """While nothing of it runs; each reason once, to standard error."""
        why, now = _why_it_waits(self.job), time.monotonic()
        if why != self.waits:
            self.waits, self.since = why, now
        if why and why != self.told and now - self.since >= SILENCE:
            self.output.warn(f"Job {self.job.pk} is {self.job.cached_status}. {why}")
            self.told = why

    def _print_part(self, part: str) -> bool:
        step, number = (self.job.main_step, int(part)) if part.isdecimal() else (part, 0)
        data, offset, _ = live.read(self.job, step, number, offset=self.offsets.get(part, 0))
        self.offsets[part] = offset
        if not data:
            return False
        if not self.part and part != self.last:
            self.output.say(f"==> {part} <==", "bold")
        self.last = part
        decoder = self.decoders.setdefault(part, codecs.getincrementaldecoder("utf-8")("replace"))
        self.output.write(decoder.decode(data).replace("\r\n", "\n"))
        return True


def _why_it_waits(job: Job) -> str:
    if job.slices_running:
        return ""
    said = [job.status_message, *(badge.text for badge in situation.badges(job))]
    return " ".join(_AGE.sub("", text) for text in said if text) or _WAITS.get(job.state.code, "")


_AGE = re.compile(r"; last heard of it .* ago|, for [\d:. ]+s? now")  # it changes all the time
_WAITS = {"SUB": "What it prints is shown when it runs.", "PEN": "It was not executed yet."}


# --- files ------------------------------------------------------------------------------------------------

FILE_COLUMNS = (
    Column("name", "name"),
    Column("size", "size", inspection.size, right=True, style="dim"),
    Column("", "remote", lambda remote: "on the pool" if remote else "", style="dim"),
)
PLAIN_FILE_COLUMNS = (
    Column("name", "name"),
    Column("size", "size"),
    Column("where", "remote", lambda remote: "on the pool" if remote else "here"),
)


def files(output: Output, options: Options) -> None:
    job = find_job(options["job"])
    found = inspection.files(job)
    rows = [
        {"name": _name(job, file, options["paths"]), "size": file.size, "remote": file.remote}
        for file in found
    ]
    output.table(FILE_COLUMNS if output.fancy else PLAIN_FILE_COLUMNS, rows, "It has no files.")
    if output.fancy and rows:
        output.say(f"in {job.directory}", "dim")


def _name(job: Job, file: inspection.File, whole: bool) -> str:
    return str(job.directory / file.name) if whole else file.name


def cat(output: Output, options: Options) -> None:
    job = find_job(options["job"])
    if not inspection.has_directory(job):
        raise Invalid(f"Job {job.pk} has no directory yet, so it has no file {options['file']!r}.")
    path = jobfiles.locate(job.directory, options["file"])
    if not jobfiles.is_plain_file(path):
        raise Invalid(
            f"Job {job.pk} has no file {options['file']!r}. Its files: {line(f'jobs files {job.pk}')}"
        )
    with path.open("rb") as file:
        _refuse_to_flood(file, output, options["file"])
        _copy(file, output)


def _refuse_to_flood(file: BinaryIO, output: Output, name: str) -> None:
    if output.fancy and b"\0" in file.read(CHUNK):
        raise Invalid(
            f"{name!r} is not text; a terminal cannot show it. Send it to a file: > {Path(name).name}"
        )
    file.seek(0)


def _copy(file: BinaryIO, output: Output) -> None:
    raw: Any = getattr(output.stream, "buffer", None)
    while chunk := file.read(CHUNK):
        if raw is None:
            output.write(chunk.decode("utf-8", "replace"))
        else:
            raw.write(chunk)
    if raw is sys.stdout.buffer:
        raw.flush()
