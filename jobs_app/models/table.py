"""What a person has arranged in the jobs table."""

from __future__ import annotations

from django.conf import settings
from django.db import models


class SavedFilter(models.Model):
    """A filter under a name; `query` is what stands in the page's address."""

    MOST = 50  # of one person

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="saved_filters", db_index=False
    )
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=4000, blank=True, default="")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_filter_name")]

    def __str__(self) -> str:
        return self.name


class ChosenColumns(models.Model):
    """The columns that somebody has chosen, in their order."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="chosen_columns")
    columns = models.JSONField(default=list)

    def __str__(self) -> str:
        return f"{self.user_id}: {self.columns}"
