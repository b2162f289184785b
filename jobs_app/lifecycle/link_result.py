"""Files of finished jobs that are put among the results, for people who do not know the jobs."""

from __future__ import annotations

import logging
from typing import Any

from jobs_app.errors import Invalid, NotAllowed, RoostError, WrongState
from jobs_app.jobdir import files, links, manifest
from jobs_app.jobdir.layout import JobPaths
from jobs_app.jobdir.links import Link
from jobs_app.models import Job, ResultLink

log = logging.getLogger(__name__)

ENDED_WELL = ("COM", "RES")


def link_result(
    job: Job, filename: str, linkname: str = "", *, header: str = "", description: str = ""
) -> None:
    """`linkname` is the file's own name when left out; one that ends with "/" is the folder for it."""
    job.refresh_status()
    if job.state.code not in ENDED_WELL:
        raise WrongState(
            f"Job {job.pk} is {job.cached_status}: only the files of a job that ended well are results."
        )
    _put(job, links.link(filename, linkname, header, description))


def link_what_it_said(job: Job) -> None:
    """What a script said of results while it ran. It comes from a node, and has gone wrong for itself alone
    if it cannot be done: the job has ended well."""
    for said in _said(job.paths):
        try:
            link = links.read(said)
            _put(_whose(job, link), link)
        except RoostError as error:
            log.warning("Job %s: a result is not linked: %s", job.pk, error)


def _said(paths: JobPaths) -> list[Any]:
    if not paths.post.exists():
        return []
    said = files.read_object(paths.post).get("links", [])
    return said[: links.MOST] if isinstance(said, list) else []


def _whose(job: Job, link: Link) -> Job:
    """Of others only those of the same person."""
    if not link.job:
        return job
    number = link.job.rpartition("-")[2]
    pk = int(number) if number.isascii() and number.isdecimal() and len(number) < 19 else 0
    found = Job.objects.filter(pk=pk, user=job.user, _status__in=ENDED_WELL).first()
    if found is None:
        raise NotAllowed(f"{files.show(link.job)} is no job of the same person that ended well.")
    return found


def _put(job: Job, link: Link) -> None:
    if link.filename not in manifest.read(job.paths):
        raise Invalid(
            f"Job {job.pk} has no registered file {files.show(link.filename)}. Its files: jobs files {job.pk}"
        )
    said = {"header": link.header, "description": link.description}
    known = {"job_id": job.pk, "filename": link.filename, **said}
    ResultLink.objects.update_or_create(owner=job.user, app=job.app, name=link.name, defaults=known)
