"""Runs one slice in an HTCondor sandbox: roost_node.py SLICE run [WORD...] | SLICE whole | SLICE part STEP

It stands alone: standard library only, Python from 3.9 on. What it leaves for HTCondor to carry home:

    roost_result.tar    every file that is new or changed
    roost_record.json   how the slice ended, what it used, and each file of the tar with size and sha256

Both are there, empty, before the work begins: HTCondor holds a job whose output is missing, also one that
was killed. The slice ends as the work ended, by the same code or the same signal, so that HTCondor's own
record is right.
"""

from __future__ import annotations

import base64
import fnmatch
import hashlib
import hmac
import http.client
import json
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

RESULT, RECORD, TASK = "roost_result.tar", "roost_record.json", ".roost_task.json"
PARTS, STOP, KEPT = "roost_parts.tar", ".roost_stop", "roost_kept"
ANSWERS, JOBS = ".roost_answers", ".roost_jobs"  # see jobs_app/script/letters.py
REPORT, OUTBOX = ".roost_report.json", ".roost_outbox"
BROUGHT = {TASK, REPORT, OUTBOX, PARTS, STOP, ANSWERS, JOBS, KEPT + ".tar", KEPT + ".json"}
OURS = {RESULT, RECORD, *BROUGHT, "roost_node.py", "roost.zip", "roost_start.sh"}
CONDORS = (
    "_condor_",
    "condor_exec",
    ".job.ad",
    ".machine.ad",
    ".update.ad",
    ".chirp",
    ".docker",
    "docker_std",
)
CANNOT_RUN, NOT_FOUND = 126, 127
WAITS, PAUSED = 75, 76  # the submit description holds a proc that ends so
PASSED_ON = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT)
CHUNK = 1 << 20
TELL_EVERY, FRAME, MOST_TOLD = 0.5, 1 << 16, 8 << 20
PROGRESS = "-progress"  # no part's name; see jobs_app/pools/told.py

RUNS_AT_ONCE, PARTS_AT_ONCE, LINES_AT_ONCE, LONGEST_LINE = 20, 5, 4, 60

Mark = tuple[int, int, int]  # size, time of change, inode


def main(given: list[str]) -> int:
    sliceno, kind, rest = int(given[0]), given[1], [argument(word) for word in given[2:]]
    Path(RESULT).touch()
    write_json(RECORD, {})
    task = json.loads(Path(TASK).read_text())
    part = Part(task, rest[0], sliceno) if kind == "part" else None
    if part is not None and part.is_stopped():
        write_json(RECORD, {"removed": True, "attempt": task["attempt"], "slice": sliceno})
        return 0
    if part is not None and Path(STOP, "held").exists():
        return PAUSED
    missing = prepare(task, kind)
    before = marks()
    take_kept()
    started = time.time()
    words = [*rest, str(sliceno)] if part else rest
    with told(task, kind, sliceno):
        code = 1 if missing else run(command(task, kind, words), environment(task, sliceno))
    files = pack(changed(before), without=part.facts.as_posix() if part else "")
    record = {**(part.outcome() if part else {}), **used(task, sliceno, code, started), "files": files}
    if code == WAITS:
        record["requests"] = requests(Path(task["spec"]).with_name("requests"))
    if kind == "whole":
        record.update(what_the_runner_wrote(Path(task["spec"]).with_name("facts")))
    write_json(RECORD, record)
    return code


def prepare(task: dict[str, Any], kind: str) -> bool:
    """What has to lie here before the work begins; True if something of it is missing."""
    if kind == "part":
        take_over(Path(task["spec"]).with_name("facts"))
    if kind in ("part", "whole"):
        adapt(Path(task["spec"]), [*OURS, *filter(is_theirs, os.listdir()), *task.get("inputs", ())])
    return fetch_asked(task.get("asks", []))


@contextmanager
def told(task: dict[str, Any], kind: str, sliceno: int) -> Iterator[None]:
    """Of a script, what its parts print and how far they are is told while it runs."""
    tellers: list[Any] = [Teller(), Herald(Path(task["spec"]).parent)] if kind != "run" else []
    if reports(task, sliceno, kind):
        with suppress(OSError, ValueError, KeyError, TypeError):
            tellers.append(Messenger(task, sliceno))
    try:
        yield
    finally:
        for each in tellers:
            each.end()


def used(task: dict[str, Any], sliceno: int, code: int, started: float) -> dict[str, Any]:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "attempt": task["attempt"],
        "slice": sliceno,
        "exit_code": max(code, 0),
        "signal": max(-code, 0),
        "start": started,
        "end": time.time(),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "memory_bytes": usage.ru_maxrss << 10,
        "host": socket.gethostname(),
    }


def reports(task: dict[str, Any], sliceno: int, kind: str) -> bool:
    """Whether this one does: of many slices one is enough to have the pool looked at."""
    is_first = sliceno == task.get("first", 0)
    return Path(REPORT).exists() and (kind == "whole" or is_first or task["slices"] <= FEW)


FEW = 4  # slices that all report
MESSAGES_EVERY, CALL_SECONDS, LAST_WORDS = 15.0, 10.0, 1.0
MOST_OF_OUTBOX, LONGEST_SAID = 100, 500
KEY = ("url", "job", "version", "key")


class Messenger:
    """Reports start, progress and end over HTTP. Nothing fails by it, nothing waits for it but a moment at
    the end. What was not taken yet is in a file, and is sent again with the same id."""

    def __init__(self, task: dict[str, Any], sliceno: int) -> None:
        self.key = {name: str(json.loads(Path(REPORT).read_text())[name]) for name in KEY}
        self.task, self.name = task, f"{sliceno}-{os.urandom(6).hex()}"
        self.attempt = Path(task["spec"]).parent
        self.unsent: list[tuple[str, str]] = []
        self.said, self.skew, self.failures = 0, 0.0, 0
        self.last: dict[str, Any] = {}
        self.over = threading.Event()
        self.who = f"{task['node']}: " if "node" in task else ""
        self.say({"message": f"{self.who}Runs on {socket.gethostname()}."})
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def say(self, what: dict[str, Any]) -> None:
        self.said += 1
        line = (f"{self.name}-{self.said}", json.dumps({**what, "run": self.name, "at": time.time()}))
        self.unsent = [*self.unsent[-MOST_OF_OUTBOX:], line]
        self.write()

    def write(self) -> None:
        try:
            Path(OUTBOX).write_text("".join(f"{nonce} {body}\n" for nonce, body in self.unsent))
        except OSError:  # no room: it is in memory
            return

    def work(self) -> None:
        self.send()
        while not self.over.wait(min(300.0, MESSAGES_EVERY * 2**self.failures)):
            with suppress(OSError):  # being written just now
                self.look()
            self.send()

    def look(self) -> None:
        """How many parts have ended well, and what one of them says; nothing where that is as before."""
        facts, slices = self.attempt / "facts", self.task["slices"]
        data = facts.read_bytes() if facts.exists() else b""
        done = sum(data[at + 1 : at + 2] == bytes([DONE]) for at in range(0, len(data), FACT))
        now = {"progress": round(100 * min(1.0, done / max(1, slices)), 1)} if done else {}
        now.update(doing(self.attempt / "status"))
        if now and now != self.last:
            self.last = now
            self.say(now)

    def end(self) -> None:
        self.say({"message": f"{self.who}Its work has ended; results are on their way."})
        self.over.set()
        self.thread.join(LAST_WORDS)
        if not self.thread.is_alive() and not self.failures:
            last = threading.Thread(target=self.send, daemon=True)
            last.start()
            last.join(LAST_WORDS)

    def send(self) -> None:
        while self.unsent:
            nonce, body = self.unsent[0]
            try:
                taken = self.call(nonce, body.encode())
            except (OSError, ValueError, http.client.HTTPException):
                taken = False
            if not taken:
                self.failures = min(self.failures + 1, 8)
                return
            self.failures = 0
            self.unsent = self.unsent[1:]
            self.write()

    def call(self, nonce: str, body: bytes) -> bool:
        """Whether it need not be sent again. A clock that goes wrong here is found out from the answer."""
        status, date = self.post(nonce, body)
        if status == 403 and date and abs(date - time.time() - self.skew) > 60:
            self.skew = date - time.time()
            status, date = self.post(nonce, body)
        return status < 500 and status not in (408, 429)

    def post(self, nonce: str, body: bytes) -> tuple[int, float]:
        known, stamp = self.key, str(int(time.time() + self.skew))
        text = f"{known['job']}.{known['version']}.{nonce}.{stamp}.".encode() + body
        headers = {
            "Content-Type": "application/json",
            "X-Roost-Key": known["version"],
            "X-Roost-Id": nonce,
            "X-Roost-Timestamp": stamp,
            "X-Roost-Signature": hmac.new(known["key"].encode(), text, hashlib.sha256).hexdigest(),
        }
        place = urlsplit(known["url"])
        kind = http.client.HTTPSConnection if place.scheme == "https" else http.client.HTTPConnection
        connection = kind(place.hostname or "", place.port, timeout=CALL_SECONDS)
        try:
            connection.request("POST", place.path, body, headers)
            answer = connection.getresponse()
            date = (
                parsedate_to_datetime(answer.headers["Date"]).timestamp() if answer.headers["Date"] else 0.0
            )
            return answer.status, date
        finally:
            connection.close()


def doing(folder: Path) -> dict[str, Any]:
    """The innermost line that the first of the running parts says."""
    names = [name for name in (os.listdir(folder) if folder.is_dir() else ()) if is_part(name)]
    for name in sorted(names, key=place_of):
        with suppress(OSError, ValueError, KeyError, TypeError):  # it has ended
            _, *lines = json.loads((folder / name).read_text())["stack"]
            if lines:
                text = str(lines[-1]["text"])[:LONGEST_SAID]
                return {"message": text, **({"slice": int(name)} if name.isdigit() else {})}
    return {}


PLACES = {"prepare": 0, "synthesis": 1}  # of the facts; slices follow. See jobs_app/jobdir/facts.py
FACT, DONE, EARLY, FLAGS = 64, 2, 1, slice(46, 48)


class Part:
    """A part of a script that is a proc of its own. Its fact travels in the record: the file grows with the
    number of slices."""

    def __init__(self, task: dict[str, Any], step: str, sliceno: int) -> None:
        self.name = str(sliceno) if step == "analysis" else step
        self.facts = Path(task["spec"]).with_name("facts")

    def is_stopped(self) -> bool:
        return any(Path(STOP, name).exists() for name in ("all", self.name))

    def outcome(self) -> dict[str, Any]:
        """What the next steps ask for stands first; roost_dag.sh looks for it as text."""
        fact = fact_at(self.facts, self.name)
        early = self.name == "prepare" and bool(int.from_bytes(fact[FLAGS], "little") & EARLY)
        last = early or self.name == "synthesis"
        well = fact[1:2] == bytes([DONE]) and (Path("post.json").exists() or not last)
        names = [self.name, "synthesis"] if early else [self.name]
        facts = {name: base64.b64encode(fact_at(self.facts, name)).decode() for name in names}
        return {"well": well, "early": early, "parts": facts}


def take_kept() -> None:
    """What a try left that had to wait for an answer: this one goes on beside it."""
    if Path(KEPT + ".tar").exists():
        known = json.loads(Path(KEPT + ".json").read_text()).get("files", {})
        with open(KEPT + ".tar", "rb") as handle:
            unpack(handle, "", known, set())


def requests(folder: Path) -> list[dict[str, Any]]:
    """What is asked and was not answered."""
    if not folder.is_dir():
        return []
    names = sorted(name for name in os.listdir(folder) if name.endswith(".json"))
    return [json.loads((folder / name).read_text()) for name in names if not Path(ANSWERS, name).exists()]


def adapt(path: Path, present: list[str]) -> None:
    """The spec, as it is true in this folder: what is not the job's own is no result of it."""
    spec = json.loads(path.read_text())
    spec["present"] = sorted({*spec.get("present", ()), *present})
    write_json(str(path), moved(spec))


def moved(value: Any) -> Any:
    """Jobs that it reads lie elsewhere here."""
    if isinstance(value, dict):
        if "id" in value and "path" in value and Path(JOBS, str(value["id"])).is_dir():
            return {**value, "path": os.path.abspath(os.path.join(JOBS, str(value["id"])))}
        return {key: moved(each) for key, each in value.items()}
    return [moved(each) for each in value] if isinstance(value, list) else value


def is_part(name: str) -> bool:
    return name in PLACES or name.isdigit()


def place_of(name: str) -> int:
    return PLACES[name] if name in PLACES else int(name) + len(PLACES)


def fact_at(path: Path, name: str) -> bytes:
    if not path.exists():
        return b""
    with path.open("rb") as handle:
        handle.seek(place_of(name) * FACT)
        return handle.read(FACT)


def take_over(facts: Path) -> None:
    """Unpacks what earlier steps left: their records come first, then the archives that they tell of."""
    if not Path(PARTS).exists():
        return
    records: dict[str, dict[str, Any]] = {}
    several: set[str] = set()
    with tarfile.open(PARTS, "r|") as outer:
        for member in outer:
            name, _, kind = os.path.basename(member.name).partition(".")
            data = outer.extractfile(member)
            if data is None or kind not in ("json", "tar"):
                continue
            if kind == "json":
                records[name] = json.loads(data.read() or b"{}")
                keep_facts(facts, records[name])
                continue
            several = several or with_several_contents(records)
            unpack(data, name, records.get(name, {}).get("files", {}), several)
    os.unlink(PARTS)


def keep_facts(facts: Path, record: dict[str, Any]) -> None:
    for name, text in record.get("parts", {}).items():
        with open(facts, "r+b" if facts.exists() else "w+b") as handle:
            handle.seek(place_of(name) * FACT)
            handle.write(base64.b64decode(text))


def with_several_contents(records: dict[str, dict[str, Any]]) -> set[str]:
    """Names that slices left with different contents; each keeps its own, as where the results go."""
    first: dict[str, str] = {}
    return {
        name
        for part, record in records.items()
        if part.isdigit()
        for name, known in record.get("files", {}).items()
        if first.setdefault(name, known["sha256"]) != known["sha256"]
    }


def unpack(data: Any, part: str, known: dict[str, Any], several: set[str]) -> None:
    with tarfile.open(fileobj=data, mode="r|") as archive:
        for member in archive:
            content = archive.extractfile(member)
            if content is None or member.name not in known:
                continue
            if part and member.name.startswith("OUTPUT/"):  # what a part printed is at home already
                continue
            own = part.isdigit() and member.name in several
            target = Path("slices", part, member.name) if own else Path(member.name)
            if ".." in target.parts or target.is_absolute():
                raise ValueError(f"{part} left {member.name!r}, which is no name of a file.")
            save(content, target, member, known[member.name]["sha256"])


def save(content: Any, target: Path, member: tarfile.TarInfo, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("wb") as handle:
        while data := content.read(CHUNK):
            handle.write(data)
            digest.update(data)
    target.chmod(member.mode & 0o777 | 0o600)
    if digest.hexdigest() != sha256:
        raise ValueError(f"{target} did not arrive as it was made.")


def what_the_runner_wrote(facts: Path) -> dict[str, Any]:
    """How each part of a script ended; post.json is there only if all went well."""
    data = facts.read_bytes() if facts.exists() else b""
    return {"facts": base64.b64encode(data).decode(), "well": Path("post.json").exists()}


def argument(word: str) -> str:
    return "" if word == "%" else unquote(word)


def command(task: dict[str, Any], kind: str, arguments: list[str]) -> list[str]:
    if kind == "part":
        step, sliceno = arguments
        return [sys.executable, "-I", "-S", "roost.zip", "run-step", task["spec"], step, sliceno, "--letters"]
    if kind == "whole":
        slots = str(task["cpus"])
        words = ["run-all", task["spec"], "--slots", slots, "--letters"]
        return [sys.executable, "-I", "-S", "roost.zip", *words]
    program = task["executable"]
    local = Path(program)
    if task["sent"]:
        local.chmod(0o755)
        program = str(local.absolute())
    return [program, *(task["arguments"] or arguments)]


def environment(task: dict[str, Any], sliceno: int) -> dict[str, str]:
    ours = {
        "ROOST_JOB": str(task["job"]),
        "ROOST_ATTEMPT": task["attempt"],
        "ROOST_SLICE": str(sliceno - task.get("first", 0)),
        "ROOST_SLICES": str(task["slices"]),
    }
    return {**os.environ, **ours, **task["environment"]}


def fetch_asked(asks: list[dict[str, Any]]) -> bool:
    """Files that a workflow's earlier nodes left: they lie here as archives, one a slice. True if one is
    missing."""
    missing = [ask for ask in asks if not fetch_one(ask) and not ask["optional"]]
    for ask in missing:
        sys.stderr.write(f"Node {ask['node']} left no file {ask['pattern']!r}.\n")
    for archive in {f"{number}.tar" for ask in asks for number in slices_of(ask)}:
        Path(archive).unlink(missing_ok=True)
    return bool(missing)


def slices_of(ask: dict[str, Any]) -> range:
    return range(ask["first"], ask["first"] + ask["slices"])


def fetch_one(ask: dict[str, Any]) -> bool:
    """Files of one name and different contents go to `slices/<number>/`, as they do at home."""
    found: dict[str, dict[int, str]] = {}  # by name and slice: the content's digest
    for number in slices_of(ask):
        for member, data in asked_of(ask, number):
            found.setdefault(member.name, {})[number] = digest_of(data)
    for number in slices_of(ask):
        own = Path("slices", str(number - ask["first"]))
        for member, data in asked_of(ask, number):
            several = len(set(found[member.name].values())) > 1
            target = own / member.name if several else Path(member.name)
            save(data, target, member, found[member.name][number])
    return bool(found)


def asked_of(ask: dict[str, Any], number: int) -> Iterator[tuple[tarfile.TarInfo, Any]]:
    if not Path(f"{number}.tar").exists():
        return
    with tarfile.open(f"{number}.tar") as archive:
        for member in archive:
            inside = not os.path.isabs(member.name) and ".." not in member.name.split("/")
            if member.isfile() and inside and fnmatch.fnmatchcase(member.name, ask["pattern"]):
                data = archive.extractfile(member)
                if data is not None:
                    yield member, data


def digest_of(data: Any) -> str:
    digest = hashlib.sha256()
    while piece := data.read(CHUNK):
        digest.update(piece)
    return digest.hexdigest()


def run(words: list[str], variables: dict[str, str]) -> int:
    """The exit code, or minus the signal."""
    try:
        child = subprocess.Popen(words, env=variables, stdin=subprocess.DEVNULL)
    except OSError as error:
        sys.stderr.write(f"{words[0]} cannot be run: {error.strerror}.\n")
        return NOT_FOUND if isinstance(error, FileNotFoundError) else CANNOT_RUN
    for number in PASSED_ON:
        signal.signal(number, lambda received, _: child.send_signal(received))
    return child.wait()


class Teller:
    """Tells on this program's own output what the parts of a script print: HTCondor shows that while it runs.

    In frames, "\\x1eroost PART OFFSET BYTES\\n" and the bytes; not without end, for all of it comes home."""

    def __init__(self) -> None:
        self.told: dict[str, int] = {}
        self.left = MOST_TOLD
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        while not self.over.wait(TELL_EVERY):
            self.tell()

    def end(self) -> None:
        self.over.set()
        self.thread.join()
        self.tell()

    def tell(self) -> None:
        for name in sorted(os.listdir("OUTPUT")) if os.path.isdir("OUTPUT") else ():
            if name not in ("pack", "index") and not name.startswith("."):
                self.tell_part(name)

    def tell_part(self, name: str) -> None:
        offset = self.told.get(name, 0)
        try:
            with open(os.path.join("OUTPUT", name), "rb") as handle:
                handle.seek(offset)
                while self.left > 0 and (data := handle.read(min(FRAME, self.left))):
                    os.write(1, f"\x1eroost {name} {offset} {len(data)}\n".encode() + data)
                    offset, self.left = offset + len(data), self.left - len(data)
        except FileNotFoundError:  # packed away: it was short
            return
        except OSError:  # no room: it comes home with the results, or fails there
            self.left = 0
        self.told[name] = offset


class Herald:
    """Tells, as one more frame on this program's own output, which parts of a script have ended well or run
    now, and what they say: a little now and then, and less often the longer it takes."""

    def __init__(self, attempt: Path) -> None:
        self.attempt = attempt
        self.states: dict[str, int] = {}
        self.says: dict[str, list[str]] = {}
        self.left = MOST_TOLD
        self.begun = time.time()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self) -> None:
        while not self.over.wait(min(30.0, 1.0 + (time.time() - self.begun) / 30)):
            self.tell()

    def end(self) -> None:
        self.over.set()
        self.thread.join()
        self.tell()

    def tell(self) -> None:
        with suppress(OSError, ValueError, KeyError, TypeError):  # half written; the record tells all of it
            for text in self.news() if self.left > 0 else ():
                os.write(1, f"\x1eroost {PROGRESS} 0 {len(text)}\n{text}".encode("ascii", "replace"))
                self.left -= len(text)

    def news(self) -> Iterator[str]:
        states, says = self.states_now(), self.says_now()
        runs = [
            run for run in runs_of(states) if any(self.states.get(name) != run[3] for name in parts_of(run))
        ]
        changed = {part: lines for part, lines in says.items() if self.says.get(part) != lines}
        changed.update({part: [] for part in self.says.keys() - says.keys()})
        self.states, self.says = states, says
        for first in range(0, len(runs), RUNS_AT_ONCE):
            yield json.dumps({"runs": runs[first : first + RUNS_AT_ONCE]}, separators=(",", ":"))
        for part, lines in sorted(changed.items())[:PARTS_AT_ONCE]:
            yield json.dumps({"says": {part: lines}}, separators=(",", ":"))

    def states_now(self) -> dict[str, int]:
        """2: it has ended well; 1: it runs, for its output is there and its record is not."""
        facts = self.attempt / "facts"
        data = facts.read_bytes() if facts.exists() else b""
        done = {
            name
            for place, name in enumerate([*PLACES, *map(str, range(len(data) // FACT - len(PLACES)))])
            if data[place * FACT + 1 : place * FACT + 2] == bytes([DONE])
        }
        open_ones = os.listdir("OUTPUT") if os.path.isdir("OUTPUT") else []
        running = {name for name in open_ones if name in PLACES or name.isdigit()}
        return {**dict.fromkeys(running - done, 1), **dict.fromkeys(done, 2)}

    def says_now(self) -> dict[str, list[str]]:
        folder, found = self.attempt / "status", {}
        for name in sorted(os.listdir(folder))[:PARTS_AT_ONCE] if folder.is_dir() else ():
            try:
                stack = json.loads((folder / name).read_text())["stack"]
            except (FileNotFoundError, ValueError):  # it has ended, or is a file that is being written
                continue
            found[name] = [line["text"][:LONGEST_LINE] for line in stack[:LINES_AT_ONCE]]
        return found


def runs_of(states: dict[str, int]) -> list[tuple[str, int, int, int]]:
    """(step, first slice, how many, state), neighbours together."""
    found: list[tuple[str, int, int, int]] = []
    for name in sorted(states, key=place_of):
        step, number = ("analysis", int(name)) if name.isdigit() else (name, 0)
        last = found[-1] if found else ("", 0, 0, 0)
        if (last[0], last[1] + last[2], last[3]) == (step, number, states[name]):
            found[-1] = (step, last[1], last[2] + 1, last[3])
        else:
            found.append((step, number, 1, states[name]))
    return found


def parts_of(run: tuple[str, int, int, int]) -> list[str]:
    step, first, count, _ = run
    return [str(number) for number in range(first, first + count)] if step == "analysis" else [step]


def names() -> Iterator[str]:
    """Every file below this folder, without those of Roost and HTCondor."""
    for folder, folders, files in os.walk("."):
        top = folder == "."
        folders[:] = sorted(name for name in folders if not (top and is_theirs(name)))
        for name in sorted(files):
            if not (top and is_theirs(name)):
                yield os.path.normpath(os.path.join(folder, name))


def is_theirs(name: str) -> bool:
    return name in OURS or name.startswith(CONDORS)


def marks() -> dict[str, Mark]:
    return {name: mark(os.lstat(name)) for name in names()}


def mark(known: os.stat_result) -> Mark:
    return (known.st_size, known.st_mtime_ns, known.st_ino)


def changed(before: dict[str, Mark]) -> Iterator[tuple[str, os.stat_result]]:
    for name in names():
        try:
            known = os.stat(name)
        except FileNotFoundError:  # a link to nothing
            continue
        if stat.S_ISREG(known.st_mode) and before.get(name) != mark(os.lstat(name)):
            yield name, known


def pack(files: Iterator[tuple[str, os.stat_result]], without: str = "") -> dict[str, dict[str, Any]]:
    """Writes the tar; the manifest says what went into it, not what lay on the disk a moment before."""
    manifest = {}
    with tarfile.open(RESULT, "w", format=tarfile.PAX_FORMAT, dereference=True) as archive:
        for name, known in files:
            if name == without:
                continue
            with open(name, "rb") as handle:
                reader = Hashing(handle, known.st_size)
                member = tarfile.TarInfo(name)
                member.size, member.mode, member.mtime = (
                    known.st_size,
                    known.st_mode & 0o777,
                    int(known.st_mtime),
                )
                archive.addfile(member, reader)
            manifest[name] = {"size": known.st_size, "sha256": reader.digest.hexdigest()}
    return manifest


class Hashing:
    """A file that is hashed while it is read."""

    def __init__(self, handle: Any, size: int) -> None:
        self.handle, self.left, self.digest = handle, size, hashlib.sha256()

    def read(self, count: int = CHUNK) -> bytes:
        data: bytes = self.handle.read(min(count, self.left))
        self.left -= len(data)
        self.digest.update(data)
        return data


def write_json(name: str, value: Any) -> None:
    Path(name + ".part").write_text(json.dumps(value))
    os.replace(name + ".part", name)


def end_like(code: int) -> None:
    """Ends this process as the work ended."""
    if code < 0:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if -code not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(max(code, 0))


if __name__ == "__main__":
    end_like(main(sys.argv[1:]))
