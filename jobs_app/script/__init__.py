"""What a job script imports. It runs on nodes: Python 3.9, the standard library and nothing else."""

from .current import CurrentJob
from .dotdict import DotDict
from .job import Job, NoJob
from .jobwithfile import JobWithFile
from .options import OptionDefault, OptionEnum, OptionNumber, OptionString, RequiredOption
from .status import dummy_status, status

__all__ = [
    "CurrentJob",
    "DotDict",
    "Job",
    "JobWithFile",
    "NoJob",
    "OptionDefault",
    "OptionEnum",
    "OptionNumber",
    "OptionString",
    "RequiredOption",
    "dummy_status",
    "status",
]
