from pathlib import Path

from django.apps import AppConfig


class JobsAppConfig(AppConfig):
    name = "jobs_app"
    verbose_name = "Roost"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from jobs_app import background, checks  # noqa: F401 - importing the checks registers them
        from jobs_app.script.job import set_resolver

        set_resolver(directory_of)
        background.connect()


def directory_of(jobid: str) -> Path | None:
    """Where the job lies that scripts call so ("ising-42")."""
    from jobs_app.models import Job

    project, _, number = jobid.rpartition("-")
    job = Job.objects.filter(pk=int(number), project__name=project).select_related("project").first()
    return job.directory if job and job.address else None
