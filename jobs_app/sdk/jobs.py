from jobs_app.job_templates import (
    BasicJobTemplate,
    CondorJobTemplate,
    CondorWorkflowTemplate,
    JobTemplate,
    ScriptJobTemplate,
)
from jobs_app.job_types import JOB_TYPES, register_type
from jobs_app.workflows import CondorJobDescription, CondorWorkflowJobTemplate

__all__ = [
    "JOB_TYPES",
    "BasicJobTemplate",
    "CondorJobDescription",
    "CondorJobTemplate",
    "CondorWorkflowJobTemplate",
    "CondorWorkflowTemplate",
    "JobTemplate",
    "ScriptJobTemplate",
    "register_type",
]
