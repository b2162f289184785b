"""The rows. A noun a file; fields and queries, no remote calls.

The verbs on a job (`job.execute()` ...) are kept in `jobs_app.lifecycle` and only called from here.
"""

from .attempt import Attempt, AttemptPhase
from .batch import Batch
from .history import History
from .job import (
    BasicJob,
    CondorJob,
    CondorWorkflow,
    ExternalJob,
    Job,
    JobDependency,
    JobUse,
    ScriptJob,
)
from .project import Project
from .request import SubjobRequest
from .retention import RetentionRule
from .scheduler import Scheduler, Segment
from .slices import SliceBlock
from .template import Template

__all__ = [
    "Attempt",
    "AttemptPhase",
    "BasicJob",
    "Batch",
    "CondorJob",
    "CondorWorkflow",
    "ExternalJob",
    "History",
    "Job",
    "JobDependency",
    "JobUse",
    "Project",
    "RetentionRule",
    "Scheduler",
    "ScriptJob",
    "Segment",
    "SliceBlock",
    "SubjobRequest",
    "Template",
]
