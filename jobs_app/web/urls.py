from django.contrib.auth.views import LoginView, LogoutView
from django.urls import URLPattern, URLResolver, path
from django.views.generic import RedirectView

from .account import account
from .actions import job_action
from .api.api import api
from .asked import asked_page, document_page
from .attempts import attempt_file, attempt_output, attempt_page
from .audit import audit
from .cures import cure
from .file import job_file
from .files_page import files_page, job_zip, upload
from .health import healthz, readyz
from .job_list import choose_columns, jobs, remove_filter, save_filter
from .job_page import job
from .limited import limited
from .metrics import metrics_page
from .new_job import again, new_job
from .notices import notices, send_again
from .output import output_file, output_news, output_page
from .preview import view_file
from .relations import relations_page
from .results import results_page
from .schedulers import scheduler_action, schedulers
from .security import guarded, page
from .shares import share
from .sign_in import sign_in_link
from .slices import slices_page
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
    path("jobs/<int:pk>/slices/", page(slices_page), name="job-slices"),
    path("jobs/<int:pk>/output/", page(output_page), name="job-output"),
    path("jobs/<int:pk>/output/news/", page(output_news), name="job-output-news"),
    path("jobs/<int:pk>/output/file/", page(output_file), name="job-output-file"),
    path("jobs/<int:pk>/asked/", page(asked_page), name="job-asked"),
    path("jobs/<int:pk>/document/", page(document_page), name="job-document"),
    path("jobs/<int:pk>/relations/", page(relations_page), name="job-relations"),
    path("jobs/<int:pk>/attempts/<int:number>/", page(attempt_page), name="job-attempt"),
    path(
        "jobs/<int:pk>/attempts/<int:number>/output/<str:part>",
        page(attempt_output),
        name="job-attempt-output",
    ),
    path(
        "jobs/<int:pk>/attempts/<int:number>/files/<path:name>", page(attempt_file), name="job-attempt-file"
    ),
    path("jobs/<int:pk>/cures/<slug:name>/", page(cure), name="job-cure"),
    path("jobs/<int:pk>/files/", page(files_page), name="job-files"),
    path("jobs/<int:pk>/zip/", page(job_zip), name="job-zip"),
    path("jobs/<int:pk>/inputs/", page(upload), name="job-inputs"),
    path("jobs/<int:pk>/view/<path:name>", page(view_file), name="job-view"),
    path("jobs/<int:pk>/files/<path:name>", page(job_file), name="job-file"),
    path("jobs/<int:pk>/shares/", page(share), name="job-shares"),
    path("jobs/<int:pk>/<slug:name>/", page(job_action), name="job-action"),
    path("results/", page(results_page), name="results"),
    path("new/", page(new_job), name="new-job"),
    path("new/from/<int:pk>/", page(again), name="again"),
    path("update-job-status/<int:pk>/", update_job_status, name="update-job-status"),
    path("tokens/", page(token_page), name="tokens"),
    path("tokens/<str:prefix>/revoke/", page(revoke_token), name="revoke-token"),
    path("api/v1/", api.urls),
    path("schedulers/", page(schedulers), name="schedulers"),
    path("schedulers/<str:name>/<slug:action>/", page(scheduler_action), name="scheduler-action"),
    path("notices/", page(notices), name="notices"),
    path("notices/<int:number>/again/", page(send_again), name="send-notice-again"),
    path("account/", page(account), name="account"),
    path("audit/", page(audit), name="audit"),
    path("healthz", healthz, name="healthz"),
    path("readyz", readyz, name="readyz"),
    path("metrics", metrics_page, name="metrics"),
]
