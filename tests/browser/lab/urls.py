from django.urls import path

from .pages import own

urlpatterns = [path("", own, name="own")]
