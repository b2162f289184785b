from jobs_app.gizmos.actions import CustomJobAction
from jobs_app.gizmos.jobs_table import JobsTable

__all__ = ["CustomJobAction", "JobsTable"]
