from jobs_app.compute import create_scheduler, get_scheduler, list_schedulers

__all__ = ["create_scheduler", "get_scheduler", "list_schedulers"]
