from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from config.pages_of_apps import pages
from jobs_app.web.limited import limited

urlpatterns = [
    path("admin/login/", limited(admin.site.login)),
    path("admin/", admin.site.urls),
    *pages(settings.INSTALLED_APPS),
    path("", include("jobs_app.web.urls")),
]
