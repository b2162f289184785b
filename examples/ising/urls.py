from django.urls import path

from .pages import magnets, story

urlpatterns = [
    path("", magnets, name="magnets"),
    path("<int:job_id>/", story, name="story"),
]
