"""setup.json and post.json, as a script reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from jobs_app.jobdir import facts, files
from jobs_app.jobdir.layout import ANALYSIS, JobPaths

from .dataset import Dataset, DatasetList, NoDataset
from .dotdict import DotDict, dotted
from .job import Job, can_ask
from .typed import decode, decode_jobs


def read_params(job: Job) -> DotDict:
    paths = JobPaths(job.path)
    setup = files.read_object(paths.setup)
    params: DotDict = dotted(
        {key: value for key, value in setup.items() if key not in ("options", "datasets", "jobs")}
    )
    params.options = decode(setup.get("options", {}))
    params.datasets = typed_datasets(setup.get("datasets", {}))
    _learn_neighbours(paths, setup)
    params.jobs = typed_jobs(setup.get("jobs", {}))
    return params


def _learn_neighbours(paths: JobPaths, setup: Mapping[str, Any]) -> None:
    """Where nobody can be asked: the spec that the job ran by says where the jobs lie that it was given."""
    if can_ask() or not any(setup.get("jobs", {}).values()):
        return
    numbers = [int(path.name) for path in (paths.private / "attempts").glob("[0-9]*")]
    spec = paths.attempt(max(numbers, default=0)).spec
    if spec.exists():
        typed_jobs(files.read_object(spec)["jobs"])


def typed_datasets(given: Any) -> DotDict:
    return _each(given, Dataset, DatasetList, NoDataset)


def typed_jobs(given: Any) -> DotDict:
    return DotDict({name: decode_jobs(value) for name, value in given.items()})


def _each(given: Any, one: Callable[[str], Any], many: Callable[[Any], Any], none: Any) -> DotDict:
    def typed(value: Any) -> Any:
        if isinstance(value, list):
            return many(typed(item) for item in value)
        return one(value) if value else none

    return DotDict({name: typed(value) for name, value in given.items()})


def read_post(job: Job) -> DotDict:
    paths = JobPaths(job.path)
    post: DotDict = dotted(files.read_object(paths.post))
    if "per_slice" not in post.exectime:
        post.exectime.per_slice = _seconds_per_slice(paths, post)
    return post


def _seconds_per_slice(paths: JobPaths, post: DotDict) -> Any:
    path = paths.attempt(post.attempt).facts
    found = facts.read_range(path, ANALYSIS, 0, post.slices)
    return [fact.seconds if fact else 0.0 for fact in found]
