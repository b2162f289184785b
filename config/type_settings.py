"""Settings for the type checker: the real ones, but nothing is read from or written to a home."""

import os

os.environ.update({"ROOST_SECRET_KEY": "-", "ROOST_HOME": "/nonexistent", "ROOST_APPS": ""})
os.environ.pop("ROOST_DATABASE_URL", None)

from config.settings import *  # noqa: F403
