from jobs_app.job_templates import (
    BasicJobTemplate,
    CondorJobTemplate,
    CondorWorkflowTemplate,
    JobTemplate,
    ScriptJobTemplate,
)
from jobs_app.job_types import JOB_TYPES, register_type

__all__ = [
    "JOB_TYPES",
    "BasicJobTemplate",
    "CondorJobTemplate",
    "CondorWorkflowTemplate",
    "JobTemplate",
    "ScriptJobTemplate",
    "register_type",
]
