"""A client of the REST API, in one file of standard library: it may be copied to where no Roost is installed.

    from jobs_app.client import Client

    client = Client("https://roost.example", token="roost_...")
    job = client.jobs.create("examples.ising", "ising", name="cool", options={"size": 64}, execute=True)
    job = job.wait()
    job.download("magnet.png", "magnet.png")

Errors: ApiError and, by what can be done about them, Unauthorised, Forbidden, NotFound, Conflict, Invalid,
TooMany; Unreachable when nobody answers; Damaged when a file did not come as it is.
"""

from __future__ import annotations

import base64
import codecs
import hashlib
import http.client
import json
import os
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, TypeVar

PATIENCE = 60.0  # seconds for one answer
TRIES = 4
AGAIN = (429, 502, 503, 504)
CHUNK = 1 << 18
BAR = 30
PAGE = 5_000  # rows of a table at once


class ApiError(Exception):
    """What the server refused, and why."""

    def __init__(
        self,
        status: int,
        detail: str,
        problem: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{status}: {detail}")
        self.status, self.detail = status, detail
        self.problem = dict(problem or {})
        self.headers = {name.title(): value for name, value in (headers or {}).items()}


class Unauthorised(ApiError):
    """The token is missing, wrong, expired or revoked."""


class Forbidden(ApiError):
    """You, or this token, may not do this."""


class NotFound(ApiError):
    """It is not there, or not yours to see."""


class Conflict(ApiError):
    """Not in the present state."""


class Invalid(ApiError):
    """Something in the call is wrong."""


class TooMany(ApiError):
    """Too many wrong tries."""


class Unreachable(Exception):
    """Nobody answers. Trying again may help."""


class Damaged(Exception):
    """A file did not come as the server has it."""


_ERRORS = {401: Unauthorised, 403: Forbidden, 404: NotFound, 409: Conflict, 422: Invalid, 429: TooMany}


# --- what comes back ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Slices:
    total: int
    running: int
    done: int
    failed: int
    held: int


@dataclass(frozen=True)
class Slice:
    """None where nothing is known of it."""

    number: int
    state: str
    host: str | None
    tries: int | None
    started: datetime | None
    ended: datetime | None
    exit_code: int | None
    signal: int | None
    cpu_seconds: float | None
    cpus_used: float | None
    cpus: float | None
    memory_used: int | None  # MB, as what it asked for
    memory: int | None
    disk_used: int | None  # KB
    disk: int | None


@dataclass(frozen=True)
class File:
    name: str
    size: int
    sha256: str | None


@dataclass(frozen=True)
class Event:
    id: int
    job: int
    attempt: int
    at: datetime
    actor: str
    before: str
    after: str
    why: str


@dataclass(frozen=True)
class Dataset:
    name: str
    slices: int


@dataclass(frozen=True)
class Template:
    app: str
    name: str
    version: int
    type: str
    description: str


@dataclass(frozen=True)
class Scheduler:
    name: str
    kind: str
    paused: bool
    draining: bool
    failing: bool


@dataclass(frozen=True)
class Result:
    """A file of a job, put among the results: `client.jobs.get(result.job).download(result.filename, to)`."""

    name: str
    header: str
    description: str
    app: str
    job: int
    filename: str
    at: datetime


@dataclass(frozen=True)
class Notice:
    id: int
    channel: str
    subject: str
    state: str  # waiting, sent, dead (given up)
    tries: int
    error: str
    created: datetime
    sent: datetime | None


@dataclass(frozen=True)
class Token:
    """`token` itself is known of one that was made just now, and shown that once."""

    prefix: str
    name: str
    scopes: list[str]
    owner: str | None
    app: str
    created: datetime
    expires: datetime | None
    revoked: datetime | None
    last_used: datetime | None
    token: str = field(default="", repr=False)


@dataclass(frozen=True)
class Outcome:
    """Of a bulk action, for one job: 200, or why not."""

    id: int
    status: int
    detail: str


@dataclass(frozen=True)
class Job:
    """As it was when it was asked for; `refresh` asks again."""

    id: int
    name: str
    app: str
    type: str
    status: str
    state: str
    message: str
    final: bool
    slices: Slices
    attempts: int
    user: str | None
    scheduler: str | None
    created: datetime
    started: datetime | None
    ended: datetime | None
    client: Client = field(repr=False, compare=False)

    def refresh(self) -> Job:
        return self.client.jobs.get(self.id)

    def wait(self, timeout: float | None = None, *, progress: bool | None = None, held: bool = False) -> Job:
        """The job when it is over. TimeoutError after `timeout` seconds. `progress`: a bar, by default in a
        terminal. `held`: also comes back when the job is held and waits for a person."""
        return _Wait(self, progress).until(timeout, held)

    # --- verbs --------------------------------------------------------------------------------------------

    def execute(self) -> Job:
        return self._act("execute")

    def stop(self, slices: Iterable[int] | None = None) -> Job:
        return self._act("stop", slices)

    def pause(self, slices: Iterable[int] | None = None) -> Job:
        return self._act("pause", slices)

    def resume(self, slices: Iterable[int] | None = None, **limits: Any) -> Job:
        """`limits`: memory, wall_time, cpus, gpus, disk."""
        return self._act("resume", slices, **limits)

    def resubmit(self, **limits: Any) -> Job:
        return self._act("resubmit", **limits)

    def rerun(self, **limits: Any) -> Job:
        """The slices that failed."""
        return self._act("rerun", **limits)

    def change_limits(self, **limits: Any) -> Job:
        """Of a job that waits, or for its slices' next start."""
        return self._act("change-limits", **limits)

    def change(self, **changes: Any) -> Job:
        """Its name, description, extended_properties; until it is executed its parameters."""
        return _job(self.client, self.client.call("PATCH", f"/jobs/{self.id}", changes))

    def share(self, groups: Mapping[str, str]) -> Job:
        """With these groups and no others: {"hydrology": "read"}, or "act"."""
        return self.change(shares=[{"group": group, "may": may} for group, may in groups.items()])

    def delete(self) -> None:
        self.client.call("DELETE", f"/jobs/{self.id}")

    def _act(self, name: str, slices: Iterable[int] | None = None, **limits: Any) -> Job:
        body: dict[str, Any] = {"slices": list(slices)} if slices is not None else {}
        if limits:
            body["limits"] = limits
        return _job(self.client, self.client.call("POST", f"/jobs/{self.id}/actions/{name}", body))

    # --- what lies in it ----------------------------------------------------------------------------------

    @property
    def detail(self) -> dict[str, Any]:
        """All that is known of it: parameters, shares, attempts, why it waits and what helps."""
        return dict(self.client.call("GET", f"/jobs/{self.id}"))

    def each_slice(
        self, state: str = "", step: str = "", first: int = 0, page: int = 1000
    ) -> Iterator[Slice]:
        """From the number `first` on, page by page. `state`: only those, as "failed" or "held"."""
        query = {"state": state, "step": step, "limit": page}
        for row in self.client.pages(f"/jobs/{self.id}/slices", "slices", "first", first, **query):
            yield _row(Slice, row)

    def files(self, under: str = "", attempt: int = 0) -> Iterator[File]:
        """`attempt`: what a former one left."""
        for row in self.client.pages(f"{self._at(attempt)}/files", "files", "after", under=under):
            yield _row(File, row)

    def _at(self, attempt: int) -> str:
        return f"/jobs/{self.id}/attempts/{attempt}" if attempt else f"/jobs/{self.id}"

    def download(self, name: str, to: str | os.PathLike[str], attempt: int = 0) -> Path:
        """The file at `to` (a folder: below its own name), whole and verified; or Damaged, and nothing."""
        target = Path(to)
        target = target / Path(name).name if target.is_dir() else target
        return _saved(
            self.client.open("GET", f"{self._at(attempt)}/files/{urllib.parse.quote(name)}"), target
        )

    def archive(self, to: str | os.PathLike[str], names: Iterable[str] = (), under: str = "") -> Path:
        """These few files, those below a folder, or all, as one zip at `to`."""
        query = {"name": list(names), "under": under}
        target = Path(to) / f"job-{self.id}.zip" if Path(to).is_dir() else Path(to)
        return _saved(self.client.open("GET", f"/jobs/{self.id}/archive", query=query), target, zipped=True)

    def upload(self, name: str, content: bytes | str | os.PathLike[str]) -> File:
        """An input of a job that was not executed yet: bytes, or the path of a file."""
        data = content if isinstance(content, bytes) else Path(content).read_bytes()
        path = f"/jobs/{self.id}/inputs/{urllib.parse.quote(name)}"
        answer = File(**self.client.call("PUT", path, data))
        if answer.sha256 != hashlib.sha256(data).hexdigest():
            raise Damaged(f"{name} did not arrive as it was sent. Send it again.")
        return answer

    def log(self, part: int | str = 0, tail: int | None = None, attempt: int = 0) -> str:
        """What a part printed: a slice's number, "prepare" or "synthesis". `attempt`: in a former one."""
        path, query = f"{self._at(attempt)}/logs/{part}", {} if tail is None else {"tail": tail}
        pieces = [self._log_piece(path, query)]
        while tail is None and len(pieces[-1]) >= 1 << 22:
            pieces.append(self._log_piece(path, {}, first=sum(map(len, pieces))))
        return b"".join(pieces).decode("utf-8", "replace")

    def follow(self, part: int | str = 0, pause: float = 1.0) -> Iterator[str]:
        """What a part prints, as it comes, until it has ended."""
        decoder, have, ended = codecs.getincrementaldecoder("utf-8")("replace"), 0, False
        while not ended:
            piece, ended = self._new_of_log(part, have)
            have += len(piece)
            if piece:
                yield decoder.decode(piece)
            elif not ended:
                time.sleep(pause)
        yield decoder.decode(b"", final=True)

    def _new_of_log(self, part: int | str, have: int) -> tuple[bytes, bool]:
        """What comes behind the bytes that one has, and whether nothing more will."""
        headers = {"Range": f"bytes={have}-"}
        try:
            with self.client.open("GET", f"/jobs/{self.id}/logs/{part}", headers=headers) as answer:
                return bytes(answer.read()), answer.headers.get("X-Ended") == "1"
        except ApiError as error:
            if error.status == 416:
                return b"", error.headers.get("X-Ended") == "1"
            raise

    def _log_piece(self, path: str, query: Mapping[str, Any], first: int = 0) -> bytes:
        headers = {"Range": f"bytes={first}-"} if first else {}
        try:
            with self.client.open("GET", path, query=query, headers=headers) as answer:
                return bytes(answer.read())
        except ApiError as error:
            if error.status == 416:
                return b""
            raise

    def events(self, after: int = 0) -> list[Event]:
        rows = self.client.call("GET", f"/jobs/{self.id}/events", query={"after": after})["events"]
        return [_row(Event, row) for row in rows]

    def datasets(self) -> list[Dataset]:
        return [_row(Dataset, row) for row in self.client.call("GET", f"/jobs/{self.id}/datasets")]

    def columns(self, dataset: str) -> dict[str, Any]:
        """What the job says of a dataset's columns."""
        return dict(self.client.call("GET", self._dataset(dataset))["columns"])

    def rows(self, dataset: str, first: int = 0, page: int = PAGE) -> Iterator[dict[str, Any]]:
        """From the row `first` on, page by page. Bytes come as base64, and what is no number as None."""
        found = None
        while found is None or len(found) == page:
            found = json.loads(self.table(dataset, "json", first, page))["rows"]
            yield from found
            first += page

    def table(self, dataset: str, format: str = "arrow", first: int = 0, limit: int = PAGE) -> bytes:
        """So many rows as "arrow" (a stream of IPC), "csv" as it is, or "json"."""
        query = {"first": first, "limit": limit, "format": format, "raw": "true"}
        with self.client.open("GET", f"{self._dataset(dataset)}/rows", query=query) as answer:
            return bytes(answer.read())

    def _dataset(self, name: str) -> str:
        return f"/jobs/{self.id}/datasets/{urllib.parse.quote(name, safe='')}"

    @property
    def document(self) -> dict[str, Any]:
        return dict(self.client.call("GET", f"/jobs/{self.id}/document"))

    def change_document(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Merged into what is there; None removes a key."""
        return dict(self.client.call("PATCH", f"/jobs/{self.id}/document", dict(changes)))


def _job(client: Client, row: Mapping[str, Any]) -> Job:
    """What a newer server tells besides is left out."""
    known = {each.name: row[each.name] for each in fields(Job) if each.name in row}
    times = {name: _moment(row[name]) for name in ("created", "started", "ended")}
    return Job(**{**known, **times, "slices": Slices(**row["slices"]), "client": client})


def _moment(text: str | None) -> Any:
    return datetime.fromisoformat(text) if text else None


_Kind = TypeVar("_Kind")
_MOMENTS = frozenset({"at", "created", "started", "ended", "sent", "expires", "revoked", "last_used"})


def _row(kind: type[_Kind], row: Mapping[str, Any]) -> _Kind:
    """What a newer server tells besides is left out."""
    known = [each.name for each in fields(kind) if each.name in row]  # type: ignore[arg-type]
    return kind(**{name: _moment(row[name]) if name in _MOMENTS else row[name] for name in known})


def _saved(answer: Any, target: Path, *, zipped: bool = False) -> Path:
    """Written beside and renamed when it is whole."""
    digest, size = hashlib.sha256(), 0
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with answer, os.fdopen(handle, "wb") as file:
            for piece in _pieces(answer, target.name):
                digest.update(piece)
                size += file.write(piece)
        _verify(target.name, size, digest.digest(), answer.headers)
        if zipped and not zipfile.is_zipfile(beside):
            raise Damaged(f"{target.name} broke off. Ask again.")
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink()
        raise
    return target


def _pieces(answer: Any, name: str) -> Iterator[bytes]:
    try:
        while piece := answer.read(CHUNK):
            yield piece
    except (http.client.HTTPException, OSError) as error:
        raise Damaged(f"{name} broke off. Ask again.") from error


def _verify(name: str, size: int, sha256: bytes, headers: Any) -> None:
    length = headers.get("Content-Length")
    if length is not None and int(length) != size:
        raise Damaged(f"{name}: {size} of {length} bytes came. Ask again.")
    said = headers.get("Repr-Digest", "")
    if said and said != f"sha-256=:{base64.b64encode(sha256).decode()}:":
        raise Damaged(f"{name} is not as the job left it: its checksum differs.")


# --- asking -------------------------------------------------------------------------------------------------


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A token goes to the server that it is for, and nowhere else."""

    def redirect_request(self, *_: Any) -> None:
        return None


class Client:
    """`url`: of the server. `token`: made on its page /tokens/ or by `manage.py tokens create`."""

    def __init__(self, url: str, token: str, *, patience: float = PATIENCE) -> None:
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ValueError(f"{url!r} is no server's address. Give it like https://roost.example.")
        self._base = f"{url.rstrip('/')}/api/v1"
        self._token, self._patience = token, patience
        self._opener = urllib.request.build_opener(_NoRedirects())
        self.jobs = Jobs(self)

    def __repr__(self) -> str:
        return f"Client({self._base!r})"

    def apps(self) -> list[str]:
        return [row["app"] for row in self.call("GET", "/apps")]

    def templates(self, app: str = "") -> list[Template]:
        return [Template(**row) for row in self.call("GET", "/templates", query={"app": app})]

    def takes(self, app: str, template: str) -> dict[str, Any]:
        """The JSON Schema of what you may give for a job of this template."""
        path = f"/templates/{urllib.parse.quote(app, safe='')}/{urllib.parse.quote(template, safe='')}"
        return dict(self.call("GET", path)["takes"])

    def schedulers(self) -> list[Scheduler]:
        return [_row(Scheduler, row) for row in self.call("GET", "/schedulers")]

    def results(self, find: str = "", app: str = "") -> Iterator[Result]:
        """What jobs put among the results, newest first."""
        for row in self.pages("/results", "results", "cursor", find=find, app=app):
            yield _row(Result, row)

    def events(self, after: int = 0) -> tuple[list[Event], int]:
        """What happened to all your jobs, and what to give as `after` next time; without it, only that."""
        page = self.call("GET", "/events", query={"after": after})
        return [_row(Event, row) for row in page["events"]], page["next"]

    # --- what you are told, and your tokens ---------------------------------------------------------------

    def notices(self) -> Iterator[Notice]:
        """Yours, newest first."""
        for row in self.pages("/notices", "notices", "before"):
            yield _row(Notice, row)

    def send_again(self, notice: int) -> None:
        """One that was given up."""
        self.call("POST", f"/notices/{notice}/again")

    def told_of(self) -> dict[str, Any]:
        return dict(self.call("GET", "/notices/preferences"))

    def tell_of(self, on: Iterable[str], *, email: bool = False, webhook: str = "") -> dict[str, Any]:
        """All of it anew. A new webhook's `secret` is in the answer, this once."""
        body = {"on": list(on), "email": email, "webhook": webhook}
        return dict(self.call("PUT", "/notices/preferences", body))

    def tokens(self) -> list[Token]:
        return [_row(Token, row) for row in self.call("GET", "/tokens")]

    def make_token(self, name: str, scopes: Iterable[str], days: int | None = 90) -> Token:
        """`days` until it expires; None: never. It can do no more than the token that you have."""
        body = {"name": name, "scopes": list(scopes), "days": days}
        return _row(Token, self.call("POST", "/tokens", body))

    def revoke_token(self, prefix: str) -> None:
        self.call("DELETE", f"/tokens/{urllib.parse.quote(prefix, safe='')}")

    # --- the calls themselves -----------------------------------------------------------------------------

    def pages(self, path: str, rows: str, by: str, begin: Any = "", **query: Any) -> Iterator[dict[str, Any]]:
        """The rows of a list, which goes on with each page's `next` as `by`."""
        while begin is not None:
            page = self.call("GET", path, query={**query, by: begin})
            yield from page[rows]
            begin = page["next"]

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer's JSON; None where it has no body."""
        with self.open(method, path, body, query=query, headers=headers) as answer:
            content = answer.read()
        return json.loads(content) if content else None

    def open(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The answer, to be read and closed. What is safe to repeat is tried again when nobody answers."""
        request = self._request(method, path, body, query or {}, headers or {})
        repeatable = method in ("GET", "PUT", "DELETE") or "Idempotency-key" in request.headers
        for number in range(TRIES if repeatable else 1):
            last = number == TRIES - 1 or not repeatable
            try:
                return self._opener.open(request, timeout=self._patience)
            except urllib.error.HTTPError as error:
                if last or error.code not in AGAIN:
                    raise _error(error) from None
                time.sleep(_pause(error.headers.get("Retry-After"), number))
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                if last:
                    raise Unreachable(f"{self._base} does not answer: {error}") from error
                time.sleep(_pause(None, number))
        raise AssertionError("unreachable: the last try returns or raises")

    def _request(
        self, method: str, path: str, body: Any, query: Mapping[str, Any], headers: Mapping[str, str]
    ) -> urllib.request.Request:
        given = [(name, value) for name, value in query.items() if value not in (None, "")]
        url = self._base + path + ("?" + urllib.parse.urlencode(given, doseq=True) if given else "")
        raw = isinstance(body, bytes)
        data = body if raw or body is None else json.dumps(body).encode()
        kind = (
            {}
            if body is None
            else {"Content-Type": "application/octet-stream" if raw else "application/json"}
        )
        sent = {"Authorization": f"Bearer {self._token}", "Accept": "application/json", **kind, **headers}
        return urllib.request.Request(url, data, sent, method=method)  # noqa: S310 - http(s), see __init__


def _pause(said: str | None, number: int) -> float:
    if said and said.isdecimal():
        return min(float(said), 60.0)
    return float(0.5 * 2**number)


def _error(error: urllib.error.HTTPError) -> ApiError:
    with error:
        content = error.read(1 << 16)
    try:
        problem = json.loads(content)
        detail = str(problem.get("detail") or problem.get("title"))
    except (ValueError, AttributeError):
        problem, detail = {}, error.reason
    return _ERRORS.get(error.code, ApiError)(error.code, detail, problem, dict(error.headers))


class Jobs:
    def __init__(self, client: Client) -> None:
        self._client = client

    def create(
        self,
        app: str,
        template: str | None = None,
        name: str = "job {id}",
        *,
        execute: bool = False,
        key: str | None = None,
        **parameters: Any,
    ) -> Job:
        """One job. `parameters`: as the template takes them (options, slices, memory, ...)."""
        (job,) = self.create_many(app, template, [(name, parameters)], execute=execute, key=key)
        return job

    def create_many(
        self,
        app: str,
        template: str | None,
        jobs: Iterable[tuple[str, Mapping[str, Any]]],
        *,
        execute: bool = False,
        key: str | None = None,
        **parameters: Any,
    ) -> list[Job]:
        """All or none, and once: a call that is repeated because its answer was lost makes no second jobs.
        With a `key` of your own this holds over the end of your program too."""
        rows = [{"name": name, "parameters": dict(own)} for name, own in jobs]
        body = {"app": app, "template": template, "jobs": rows, "parameters": parameters, "execute": execute}
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        made = self._client.call("POST", "/jobs", body, headers=headers)["jobs"]
        return [_job(self._client, row) for row in made]

    def get(self, id: int) -> Job:
        return _job(self._client, self._client.call("GET", f"/jobs/{id}"))

    def find(self, **filters: Any) -> Iterator[Job]:
        """All that fit, page by page: status, app, template, user, scheduler, text, statepoint, sort, ..."""
        given = {
            name: json.dumps(value) if isinstance(value, Mapping) else _isoformat(value)
            for name, value in filters.items()
        }
        for row in self._client.pages("/jobs", "jobs", "cursor", **given):
            yield _job(self._client, row)

    def act(self, action: str, ids: Iterable[int], **how: Any) -> list[Outcome]:
        """The same to many: what cannot be done to one does not stop the others."""
        body = {"action": action, "ids": list(ids), **how}
        answer = self._client.call("POST", "/jobs/actions", body)
        return [Outcome(**row) for row in answer["jobs"]]


def _isoformat(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value


# --- waiting ------------------------------------------------------------------------------------------------


class _Wait:
    """Asks now and then; as long as nothing changes an answer is empty (304)."""

    def __init__(self, job: Job, progress: bool | None, stream: TextIO | None = None) -> None:
        self._job, self._etag = job, ""
        self._stream = stream or sys.stderr
        self._shows = self._stream.isatty() if progress is None else progress

    def until(self, timeout: float | None, held: bool) -> Job:
        deadline = None if timeout is None else time.monotonic() + timeout
        pause = 0.2
        while not self._is_over(held):
            if deadline is not None and time.monotonic() >= deadline:
                raise TimeoutError(f"Job {self._job.id} is still {self._job.state} after {timeout} seconds.")
            time.sleep(pause if deadline is None else max(0.0, min(pause, deadline - time.monotonic())))
            pause = 0.2 if self._look() else min(pause * 1.3, 5.0)
        self._show(end="\n")
        return self._job

    def _is_over(self, held: bool) -> bool:
        self._show()
        return self._job.final or (held and self._job.status == "HLD")

    def _look(self) -> bool:
        """Whether anything was new."""
        headers = {"If-None-Match": self._etag} if self._etag else {}
        try:
            with self._job.client.open("GET", f"/jobs/{self._job.id}", headers=headers) as answer:
                self._job = _job(self._job.client, json.loads(answer.read()))
                self._etag = answer.headers.get("ETag", "")
        except ApiError as error:
            if error.status != 304:
                raise
            return False
        return True

    def _show(self, end: str = "") -> None:
        if self._shows:
            print(f"\r{bar(self._job)}\x1b[K", end=end, file=self._stream, flush=True)


def bar(job: Job) -> str:
    """ "job 42 [######......] 12/24 Running" """
    total = max(1, job.slices.total)
    full = BAR * job.slices.done // total
    words = "".join(letter if letter.isprintable() else "?" for letter in job.state)
    failed = f", {job.slices.failed} failed" if job.slices.failed else ""
    return f"job {job.id} [{'#' * full}{'.' * (BAR - full)}] {job.slices.done}/{total} {words}{failed}"
