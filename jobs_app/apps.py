from django.apps import AppConfig


class JobsAppConfig(AppConfig):
    name = "jobs_app"
    verbose_name = "Roost"
    default_auto_field = "django.db.models.BigAutoField"
