from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from config.pages_of_apps import pages
from jobs_app.web.limited import limited

urlpatterns = [
    path("favicon.ico", RedirectView.as_view(url=f"{settings.STATIC_URL}roost/roost.svg")),
    path("admin/login/", limited(admin.site.login)),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account")),  # where tries are limited
    path("admin/", admin.site.urls),
    *pages(settings.INSTALLED_APPS),
    path("", include("jobs_app.web.urls")),
]
