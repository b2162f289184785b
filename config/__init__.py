import os

if os.environ.get("ROOST_REDIS_URL"):  # the tasks find their app; without Redis nobody needs it
    from .celery import app as app
