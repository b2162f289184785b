"""All that somebody who helps needs to know of a job, in one archive, and nothing that opens something.

What is secret is known by its value where we have it (keys, passwords), else by its name; both are taken out
of every text, the ends of logs included.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import tarfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import django
from django.conf import settings
from django.core import serializers
from django.db import connection
from django.forms.models import model_to_dict

from jobs_app import callbacks, health, secrets
from jobs_app.checks import SEALED
from jobs_app.jobdir.files import walked
from jobs_app.jobdir.layout import JobPaths
from jobs_app.models import (
    Attempt,
    AuditEntry,
    Batch,
    Hint,
    History,
    Job,
    KeyVersion,
    Report,
    Scheduler,
    SliceBlock,
)

REMOVED = "[removed]"
TAIL, PARTS, ERRORS = 64 * 1024, 20, 20
LARGEST_FILE = 1 << 20
_NAMES = re.compile(
    r"pass(word|phrase|wd)?|secret|token|credential|private|api_?key|(^|_)key$|auth", re.IGNORECASE
)
# None of these takes long, whatever a log holds: each begins with what stands there as it is.
_URL_PASSWORD = re.compile(r"(://[^/\s:@]{0,200}:)[^/\s@]{1,200}@")
_LINES = re.compile(
    r"""(?i)((?:password|passwd|passphrase|secret|token|api[_-]?key|authorization)[\w.-]{0,40}["']?"""
    r"""\s{0,5}[:=]\s{0,5}(?:bearer\s+)?["']?)([^\s"',;]+)"""
)
_OURS = re.compile(
    r"roost_[A-Za-z0-9]{6,20}_[\w-]{16,}|whsec_[\w+/=-]{16,}|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?"
    r"-----END [A-Z ]*PRIVATE KEY-----",
    re.DOTALL,
)


def write(job: Job, path: Path) -> list[str]:
    """The names in it."""
    known = known_secrets(job)
    names = []
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file, tarfile.open(fileobj=file, mode="w:gz") as archive:
        for name, text in contents(job):
            data = scrubbed(text, known).encode()
            member = tarfile.TarInfo(f"job-{job.pk}/{name}")
            member.size, member.mode = len(data), 0o600
            archive.addfile(member, io.BytesIO(data))
            names.append(name)
    return names


def contents(job: Job) -> Iterator[tuple[str, str]]:
    yield "versions.json", _json(_versions())
    yield "settings.json", _json(_settings())
    yield "rows.json", _json(_rows(job))
    yield "scheduler.json", _json(_schedulers(job))
    if job.address is not None:
        yield from _files(job.paths, job.number_of_attempts)


def _json(value: Any) -> str:
    return json.dumps(_without_named(value), indent=1, default=str, ensure_ascii=False)


def _without_named(value: Any) -> Any:
    """What is called a password is one."""
    if isinstance(value, Mapping):
        return {
            key: REMOVED
            if _NAMES.search(str(key)) and isinstance(each, (str, int)) and each
            else _without_named(each)
            for key, each in value.items()
        }
    return [_without_named(each) for each in value] if isinstance(value, (list, tuple)) else value


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "django": django.__version__, "system": platform.platform()}
    return {**found, "database": f"{connection.vendor} {_database_version()}"}


def _database_version() -> str:
    question = "SELECT sqlite_version()" if connection.vendor == "sqlite" else "SHOW server_version"
    with connection.cursor() as cursor:
        cursor.execute(question)
        return str(cursor.fetchone()[0])


def _settings() -> dict[str, Any]:
    found = {name: getattr(settings, name) for name in dir(settings) if name.startswith("ROOST_")}
    more = ("DEBUG", "INSTALLED_APPS", "MIDDLEWARE", "TIME_ZONE")
    return {**found, **{name: getattr(settings, name) for name in more}}


def _rows(job: Job) -> dict[str, Any]:
    of_job = {"job_id": job.pk}
    attempts = Attempt.objects.filter(job=job.pk)
    batches = Batch.objects.filter(attempts__in=attempts).distinct()
    found: dict[str, Any] = {
        "job": Job.objects.filter(pk=job.pk),
        "attempts": attempts,
        "batches": batches,
        "history": History.objects.filter(job=job.pk),
        "callbacks": Hint.objects.filter(**of_job),
        "reports": Report.objects.filter(**of_job),
        "audit": AuditEntry.objects.filter(**of_job),
    }
    listed = {name: [_row(row) for row in rows] for name, rows in found.items()}
    slices = SliceBlock.objects.filter(attempt__in=attempts)
    return {**listed, "slices": [[row.attempt_id, row.step, row.first, len(row.states)] for row in slices]}


def _row(row: Any) -> Any:
    fields: Any = serializers.serialize("python", [row])
    return {"id": row.pk, **fields[0]["fields"]}


def _schedulers(job: Job) -> list[Any]:
    ids = {*Attempt.objects.filter(job=job.pk).values_list("scheduler", flat=True), job.scheduler_id}
    rows = Scheduler.objects.filter(pk__in=[pk for pk in ids if pk])
    return [{**model_to_dict(row, exclude=SEALED), "health": health.of(row)} for row in rows]


# --- files --------------------------------------------------------------------------------------------------


def _files(paths: JobPaths, attempt: int) -> Iterator[tuple[str, str]]:
    yield "listing.txt", "\n".join(_listing(paths.root))
    own = paths.attempt(attempt)
    for path in (paths.setup, paths.post, paths.manifest, own.spec):
        if path.is_file() and path.stat().st_size <= LARGEST_FILE:
            yield path.name, _told(path.read_text(errors="replace"))
    for path in _newest(own.root / "errors", ERRORS):
        yield f"errors/{path.name}", _tail(path)
    for path in _newest(paths.output, PARTS):
        yield f"OUTPUT/{path.name}", _tail(path)


def _told(text: str) -> str:
    try:
        return _json(json.loads(text))
    except ValueError:
        return text


def _listing(root: Path) -> Iterator[str]:
    for place, path in enumerate(sorted(map(Path, walked(root)))):
        if place >= 2000:
            yield "..."
            return
        with suppress(OSError):
            yield f"{path.lstat().st_size:>12} {path.relative_to(root)}"


def _newest(folder: Path, most: int) -> list[Path]:
    found = (
        [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
        if folder.is_dir()
        else []
    )
    return sorted(found, key=lambda path: path.stat().st_mtime, reverse=True)[:most]


def _tail(path: Path) -> str:
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - TAIL))
        return file.read().decode(errors="replace")


# --- secrets ------------------------------------------------------------------------------------------------


def known_secrets(job: Job) -> list[str]:
    """Each that this server knows, longest first."""
    database = str(connection.settings_dict.get("PASSWORD") or "")
    found = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS, database, *secrets.keys()]
    found += [str(getattr(settings, name, "")) for name in ("ROOST_METRICS_TOKEN", "EMAIL_HOST_PASSWORD")]
    found += [callbacks.capability(job.pk), *_report_keys(job), *_of_schedulers()]
    found += [str(value) for value in (job.parameters.get("environment") or {}).values()]
    found += _called_secret(job.parameters)
    return sorted({each for each in found if len(each) >= 4}, key=len, reverse=True)


def _called_secret(value: Any, name: str = "") -> Iterator[str]:
    """Values of parameters whose names say that they are secret."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _called_secret(each, str(key))
    elif isinstance(value, str) and _NAMES.search(name):
        yield value


def _report_keys(job: Job) -> list[str]:
    replaced = KeyVersion.objects.filter(pk=job.pk).values_list("version", flat=True).first() or 0
    versions = [(n, r) for n in range(job.number_of_attempts + 1) for r in range(replaced + 1)]
    return [callbacks.report_key(job.pk, callbacks.version_of(*each)) for each in versions]


def _of_schedulers() -> Iterator[str]:
    for row in Scheduler.objects.all():
        for name in SEALED:
            secret = getattr(row, name)
            if secret and secrets.is_readable(secret):
                yield from (
                    line for line in [secret.reveal(), *secret.reveal().splitlines()] if len(line) > 8
                )
                yield secret.reveal()


def scrubbed(text: str, known: list[str]) -> str:
    for each in known:
        text = text.replace(each, REMOVED).replace(json.dumps(each)[1:-1], REMOVED)
    text = _OURS.sub(REMOVED, text)
    text = _URL_PASSWORD.sub(rf"\1{REMOVED}@", text)
    return _LINES.sub(rf"\1{REMOVED}", text)
