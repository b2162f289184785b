"""A page of the app's own, with its jobs in a table."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render

from jobs_app.models import Job
from jobs_app.sdk.gizmos import CustomJobAction, JobsTable

from .app import Ising


def bookmark(job: Job) -> str:
    """What the action "Bookmark" does. It is a function of a module, so any process can find it."""
    job.extended_properties["bookmarked"] = "yes"
    job.save()
    return f"Job {job.pk} has a bookmark now."


def is_plain(job: Job) -> bool:
    return "bookmarked" not in job.extended_properties


@login_required
def magnets(request: HttpRequest) -> HttpResponse:
    jobs = Ising.get_job_manager().list_jobs(user=request.user)
    table = JobsTable(
        jobs=jobs,
        column_fields=(
            "id",
            "name",
            ("Bookmark", "extended_properties.bookmarked"),
            "creation_time",
            "run_time",
        ),
        hover=True,
        results_url="ising:story",
        actions=[
            *("run", "stop", "resubmit", "|", "logs", "results", "|"),
            CustomJobAction("Bookmark", bookmark, enabled_callback=is_plain),
            "delete",
        ],
        reverse_sort=True,
        refresh_interval=2000,
        show_detailed_status=True,
        empty="No magnet has been simulated yet.",
    )
    return render(request, "ising/magnets.html", {"table": table})


@login_required
def story(request: HttpRequest, job_id: int) -> HttpResponse:
    """Where "Results" leads: the job's own page, if it is a magnet of this person."""
    if Ising.get_job_manager().get_job(job_id, user=request.user) is None:
        raise Http404
    return redirect("job", job_id)
