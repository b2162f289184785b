from django.contrib import admin
from django.urls import include, path

from jobs_app.web.limited import limited

urlpatterns = [
    path("admin/login/", limited(admin.site.login)),
    path("admin/", admin.site.urls),
    path("", include("jobs_app.web.urls")),
]
