import os

from celery import Celery

from jobs_app import queues

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
app = Celery("roost")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

# Couriers hold a worker's thread while their pool has work, so they have queues and a worker of their own,
# with more threads than there are schedulers:
#   celery -A config worker --pool threads --concurrency 32 --queues couriers
#   celery -A config worker --pool threads --concurrency 4
#   celery -A config beat
app.conf.task_routes = {"jobs_app.tasks.couriers": {"queue": queues.COURIERS}}
queues.connect(app)

# Messages may be lost; what they would have told is found again this soon.
app.conf.beat_schedule = {
    "couriers": {"task": "jobs_app.tasks.couriers", "schedule": 5.0, "options": {"expires": 5.0}},
    "sweep": {"task": "jobs_app.tasks.sweep", "schedule": 10.0, "options": {"expires": 10.0}},
    "notices": {"task": "jobs_app.tasks.notices", "schedule": 5.0, "options": {"expires": 5.0}},
    "tidy": {"task": "jobs_app.tasks.tidy", "schedule": 3600.0, "options": {"expires": 600.0}},
}
