from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jobs_app.sdk.gizmos import JobsTable

from .app import Lab


@login_required
def own(request: HttpRequest) -> HttpResponse:
    """The app's page with a style of its own, with the jobs table, or with both."""
    jobs = Lab.get_job_manager().list_jobs(user=request.user)
    fields = ("id", "name", ("Slices", "slices"), "creation_time", "run_time")
    table = JobsTable(jobs=jobs, column_fields=fields, hover=True, page_size=5)
    return render(request, "lab/own.html", {"table": table, "parts": request.GET.getlist("part")})
