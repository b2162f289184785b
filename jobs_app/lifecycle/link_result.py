"""Files of finished jobs that are put among the results, for people who do not know the jobs."""

from __future__ import annotations

from jobs_app.errors import Invalid, WrongState
from jobs_app.jobdir import files, manifest
from jobs_app.models import Job, ResultLink

LONGEST = 255
LONGEST_DESCRIPTION = 10_000


def link_result(
    job: Job, filename: str, linkname: str = "", *, header: str = "", description: str = ""
) -> None:
    """`linkname` is the file's own name when left out; one that ends with "/" is the folder for it."""
    job.refresh_status()
    if job.state.code not in ("COM", "RES"):
        raise WrongState(
            f"Job {job.pk} is {job.cached_status}: only the files of a job that ended well are results."
        )
    safe = files.safe_name(filename)
    if safe not in manifest.read(job.paths):
        raise Invalid(
            f"Job {job.pk} has no registered file {files.show(safe)}. Its files: jobs files {job.pk}"
        )
    name = _name(safe, linkname)
    said = {"header": header[:LONGEST], "description": description[:LONGEST_DESCRIPTION]}
    known = {"job_id": job.pk, "filename": safe, **said}
    ResultLink.objects.update_or_create(owner=job.user, app=job.app, name=name, defaults=known)


def _name(filename: str, linkname: str) -> str:
    own = filename.rpartition("/")[2]
    wanted = linkname + own if linkname.endswith("/") else linkname or own
    name = files.safe_name(wanted, what="name of a result")
    if len(name) > LONGEST:
        raise Invalid(f"The name of a result has {len(name)} characters; {LONGEST} are allowed. Shorten it.")
    return name
