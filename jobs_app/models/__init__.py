"""The rows. A noun a file; fields and queries, no remote calls.

The verbs on a job (`job.execute()` ...) are kept in `jobs_app.lifecycle` and only called from here.
"""

from . import orphans  # noqa: F401 - listens
from .attempt import Attempt, AttemptPhase
from .basic_job import BasicJob, ExternalJob
from .batch import Batch
from .condor_job import CondorJob, CondorWorkflow
from .custom_status import CustomStatus, StatusCategory
from .history import History
from .job import Job
from .links import JobDependency, JobUse
from .project import Project
from .request import SubjobRequest
from .retention import RetentionRule
from .scheduler import Scheduler, Segment, UserLimit
from .script_job import ScriptJob
from .slices import SliceBlock
from .template import Template

Job.types.update(
    BASIC=BasicJob,
    CONDORJOB=CondorJob,
    SCRIPT=ScriptJob,
    CONDORWORKFLOW=CondorWorkflow,
    EXTERNAL=ExternalJob,
)

__all__ = [
    "Attempt",
    "AttemptPhase",
    "BasicJob",
    "Batch",
    "CondorJob",
    "CondorWorkflow",
    "CustomStatus",
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
    "StatusCategory",
    "SubjobRequest",
    "Template",
    "UserLimit",
]
