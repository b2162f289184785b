from __future__ import annotations

from django.db import models

from jobs_app.states import Counts, SliceState

from .attempt import Attempt

COUNTED = tuple(state.name.lower() for state in SliceState)


class SliceBlocks(models.QuerySet["SliceBlock"]):
    """The blocks of one attempt, read as if they were one long row of slices."""

    def page(self, step: str, first: int, count: int) -> bytes:
        """The states of up to `count` slices from `first` on, one byte each."""
        start = first - first % SliceBlock.SIZE
        blocks = self.filter(step=step, first__gte=start, first__lt=first + count).order_by("first")
        states = b"".join(bytes(block) for block in blocks.values_list("states", flat=True))
        return states[first - start : first - start + count]

    def numbers(self, step: str, state: SliceState, after: int = -1, limit: int = 100) -> list[int]:
        """The first `limit` slices beyond `after` in this state. Only blocks that hold one are read."""
        holding = self.filter(
            step=step, first__gt=after - SliceBlock.SIZE, **{f"{state.name.lower()}__gt": 0}
        )
        found: list[int] = []
        for first, states in holding.order_by("first").values_list("first", "states").iterator(16):
            found += (number for number in _places(bytes(states), state, first) if number > after)
            if len(found) >= limit:
                break
        return found[:limit]

    def counts(self) -> Counts:
        sums = self.aggregate(**{name: models.Sum(name) for name in COUNTED})
        return Counts(**{name: total or 0 for name, total in sums.items()})


def _places(states: bytes, state: SliceState, first: int) -> list[int]:
    wanted = bytes([state])
    places: list[int] = []
    place = states.find(wanted)
    while place >= 0:
        places.append(first + place)
        place = states.find(wanted, place + 1)
    return places


class SliceBlock(models.Model):
    """The states of up to `SIZE` slices of a step: one byte each. A million slices are 245 rows.

    The counts beside the bytes let a page find the failed and the held ones without reading the others.
    """

    SIZE = 4096

    attempt = models.ForeignKey(Attempt, models.CASCADE, related_name="blocks", db_index=False)
    step = models.CharField(max_length=12)
    first = models.PositiveIntegerField()
    waiting = models.PositiveIntegerField(default=0)
    running = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    held = models.PositiveIntegerField(default=0)
    removed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    suspended = models.PositiveIntegerField(default=0)
    states = models.BinaryField()  # last: the counts are read without it

    objects = SliceBlocks.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "step", "first"], name="slice_block"),
        ]
        indexes = [
            models.Index(
                fields=["attempt", "step", "first"], name="slice_failed", condition=models.Q(failed__gt=0)
            ),
            models.Index(
                fields=["attempt", "step", "first"], name="slice_held", condition=models.Q(held__gt=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.attempt_id}/{self.step}[{self.first}:]"
