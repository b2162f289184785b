from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from .actions import job_action
from .api.api import api
from .file import job_file
from .health import healthz, readyz
from .job_list import choose_columns, jobs, remove_filter, save_filter
from .job_page import job
from .limited import limited
from .metrics import metrics_page
from .new_job import again, new_job
from .security import guarded, page
from .sign_in import sign_in_link
from .table import table_act, table_rows
from .token_page import revoke_token, token_page
from .update_job_status import update_job_status

urlpatterns: list[URLPattern | URLResolver] = [
    path("", RedirectView.as_view(pattern_name="jobs")),
    path("sign-in/", guarded(limited(LoginView.as_view(template_name="sign_in.html"))), name="sign-in"),
    path("sign-in/<str:token>/", guarded(sign_in_link), name="sign-in-link"),
    path("sign-out/", guarded(LogoutView.as_view()), name="sign-out"),
    path("jobs/", page(jobs), name="jobs"),
    path("jobs/columns/", page(choose_columns), name="choose-columns"),
    path("jobs/filters/", page(save_filter), name="save-filter"),
    path("jobs/filters/<int:pk>/remove/", page(remove_filter), name="remove-filter"),
    path("tables/rows/", page(table_rows), name="table-rows"),
    path("tables/act/", page(table_act), name="table-act"),
    path("jobs/<int:pk>/", page(job), name="job"),
    path("jobs/<int:pk>/files/<path:name>", page(job_file), name="job-file"),
    path("jobs/<int:pk>/<slug:name>/", page(job_action), name="job-action"),
    path("new/", page(new_job), name="new-job"),
    path("new/from/<int:pk>/", page(again), name="again"),
    path("update-job-status/<int:pk>/", update_job_status, name="update-job-status"),
    path("tokens/", page(token_page), name="tokens"),
    path("tokens/<str:prefix>/revoke/", page(revoke_token), name="revoke-token"),
    path("api/v1/", api.urls),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics_page, name="metrics"),
]
