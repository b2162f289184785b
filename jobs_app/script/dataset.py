"""A reference to a dataset of a job: a str, "ising-42/name"."""

from __future__ import annotations

from typing import Any

from jobs_app.errors import UnknownJob
from jobs_app.jobdir.files import safe_name

from .job import Job, NoJob

DEFAULT = "default"


class Dataset(str):
    """The text is the job's id alone where the dataset is its default one."""

    job: Job
    name: str

    def __new__(cls, job: Any, name: str = "") -> Dataset:
        if isinstance(job, Dataset) and not name:
            return job
        if not isinstance(job, str):
            raise UnknownJob(f"{job!r} is no job and no dataset. It looks like 'ising-42/name'.")
        owner, _, written = job.partition("/")
        return cls._make(Job(owner), safe_name(name or written or DEFAULT, what="dataset's name"))

    @classmethod
    def _make(cls, job: Job, name: str) -> Dataset:
        dataset = super().__new__(cls, job if name == DEFAULT else f"{job}/{name}")
        dataset.job, dataset.name = job, name
        return dataset

    def __reduce__(self) -> Any:
        return str, (str(self),)


def _no_dataset() -> Dataset:
    dataset = str.__new__(Dataset, "")
    dataset.job, dataset.name = NoJob, ""
    return dataset


NoDataset = _no_dataset()


class DatasetList(list[Dataset]):
    """Datasets in the order in which they were given."""
