from __future__ import annotations

from django.db import models


class Throttle(models.Model):
    """How often something failed lately, so that all processes count together."""

    key = models.CharField(max_length=64, unique=True)  # a hash: accounts and addresses are nobody's business
    count = models.PositiveIntegerField(default=0)
    until = models.DateTimeField(db_index=True)  # then the count begins anew

    def __str__(self) -> str:
        return f"{self.count} until {self.until}"
