from __future__ import annotations

from django.db import models

from jobs_app.states import FINAL, JOB_STATES


class StatusCategory(models.TextChoices):
    PRE_RUNNING = "pre_running", "not running yet"
    RUNNING = "running", "running"
    ACTIVE = "active", "active: the table follows it"
    TERMINAL = "terminal", "terminal: the job is over"


class CustomStatus(models.Model):
    """A status word of an app's own, and what it means to Roost. Kept, so every process knows it."""

    app = models.CharField(max_length=255, blank=True)  # empty: every app
    text = models.CharField(max_length=255)
    category = models.CharField(max_length=12, choices=StatusCategory.choices)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["app", "text"], name="custom_status_once")]
        verbose_name_plural = "custom statuses"

    def __str__(self) -> str:
        return self.text

    @classmethod
    def add(cls, text: str, category: StatusCategory, app: str = "") -> None:
        cls.objects.update_or_create(app=app, text=text, defaults={"category": category})

    @classmethod
    def category_of(cls, text: str, app: str) -> str:
        """The app's own word goes before everybody's; a word that nobody declared is active."""
        found = cls.objects.filter(text=text, app__in=("", app)).order_by("-app")
        return found.values_list("category", flat=True).first() or StatusCategory.ACTIVE


_CODES = {word.lower(): code for code, state in JOB_STATES.items() for word in (code, state.word)}


def status_code(status: str) -> str:
    """The code of a status given as code or word in any spelling; OTH for a text of the app's own."""
    return _CODES.get(status.strip().lower(), "OTH")


def is_final(status: str, app: str) -> bool:
    """Whether a job with this status (code, word, or the app's own text) is over."""
    code = status_code(status)
    if code == "OTH":
        return CustomStatus.category_of(status, app) == StatusCategory.TERMINAL
    return code in FINAL
