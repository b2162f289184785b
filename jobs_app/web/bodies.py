"""Forms with files are refused by their length before anything of them is read: the page's own code, and what
looks for the form's token before it, would write all of it to the disk first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render

from jobs_app import conf, inspection

TAKE_FILES = ("job-inputs", "new-job", "again")


class Bodies:
    """Behind the session, for a visitor may send less; before the check of the form's token, which reads."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        return self._get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> HttpResponse | None:  # noqa: ARG002
        length = request.META.get("CONTENT_LENGTH") or "0"
        if not length.isdecimal() or int(length) <= settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
            return None
        if request.content_type != "multipart/form-data" or int(length) <= _most(request):
            return None
        context = {"size": inspection.size(int(length)), "most": inspection.size(_most(request))}
        return render(request, "413.html", context, status=413)


def _most(request: HttpRequest) -> int:
    """An app's own forms may take files as large as ours; ours may take several."""
    if not request.user.is_authenticated:
        return int(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    match = request.resolver_match
    ours = match is not None and match.url_name in TAKE_FILES
    return max(conf.user_uploads(), conf.largest_upload()) if ours else conf.largest_upload()
