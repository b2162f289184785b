"""When the background was last seen to work, for whoever asks whether all is well."""

from __future__ import annotations

import os
import socket
from datetime import timedelta

from django.utils import timezone

from jobs_app.models import Heartbeat

BACKGROUND = "background"
SELDOM = timedelta(seconds=5)
SILENT = timedelta(seconds=90)


def beat(name: str = BACKGROUND) -> None:
    now = timezone.now()
    known = {"at": now, "who": f"{socket.gethostname()}:{os.getpid()}"}
    rows = Heartbeat.objects.filter(name=name)
    if not rows.filter(at__lt=now - SELDOM).update(**known) and not rows.exists():
        Heartbeat.objects.get_or_create(name=name, defaults=known)


def is_alive(name: str = BACKGROUND) -> bool:
    return Heartbeat.objects.filter(name=name, at__gt=timezone.now() - SILENT).exists()
