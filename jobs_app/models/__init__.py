"""The rows. A noun a file; fields and queries, no remote calls.

The verbs on a job (`job.execute()` ...) are kept in `jobs_app.lifecycle` and only called from here.
"""

from . import orphans  # noqa: F401 - listens
from .api_token import ApiToken
from .attempt import Attempt, AttemptPhase
from .audit import AuditEntry
from .basic_job import BasicJob, ExternalJob
from .batch import Batch
from .callback import Hint, KeyVersion, Report
from .condor_job import CondorJob
from .condor_workflow import CondorWorkflow, CondorWorkflowNode
from .custom_status import CustomStatus, StatusCategory
from .errand import Errand
from .history import History
from .idempotency import IdempotencyKey
from .job import Job
from .links import JobDependency, JobUse
from .notice import JobBatch, JobBatchMember, Notice, NoticeCursor, NoticePreference
from .operating import Counter, Heartbeat
from .project import Project
from .remote_copy import RemoteCopy
from .request import SubjobRequest
from .result_link import ResultLink
from .retention import RetentionRule
from .scheduler import Scheduler, Segment, UserLimit
from .script_job import ScriptJob
from .share import JobShare
from .slices import SliceBlock
from .table import ChosenColumns, SavedFilter
from .template import Template
from .throttle import Throttle
from .workflow_node import WorkflowNode

Job.types.update(
    BASIC=BasicJob,
    CONDORJOB=CondorJob,
    SCRIPT=ScriptJob,
    CONDORWORKFLOW=CondorWorkflow,
    EXTERNAL=ExternalJob,
)

__all__ = [
    "ApiToken",
    "Attempt",
    "AttemptPhase",
    "AuditEntry",
    "BasicJob",
    "Batch",
    "ChosenColumns",
    "CondorJob",
    "CondorWorkflow",
    "CondorWorkflowNode",
    "Counter",
    "CustomStatus",
    "Errand",
    "ExternalJob",
    "Heartbeat",
    "Hint",
    "History",
    "IdempotencyKey",
    "Job",
    "JobBatch",
    "JobBatchMember",
    "JobDependency",
    "JobShare",
    "JobUse",
    "KeyVersion",
    "Notice",
    "NoticeCursor",
    "NoticePreference",
    "Project",
    "RemoteCopy",
    "Report",
    "ResultLink",
    "RetentionRule",
    "SavedFilter",
    "Scheduler",
    "ScriptJob",
    "Segment",
    "SliceBlock",
    "StatusCategory",
    "SubjobRequest",
    "Template",
    "Throttle",
    "UserLimit",
    "WorkflowNode",
]
