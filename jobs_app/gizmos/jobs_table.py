"""JobsTable: the options of a table of jobs in an app's own page. docs/jobs-table.md is its reference."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

from django.db.models import QuerySet

from jobs_app.errors import Invalid
from jobs_app.models import Job

from . import actions as menu
from . import columns, rows
from .definition import Definition

if TYPE_CHECKING:
    from .rows import Row, Viewer

PAGE, LARGEST_PAGE = 50, 200
LEAST_INTERVAL = 1000  # milliseconds
_LOOKS = ("hover", "striped", "bordered", "condensed")
_ATTRIBUTE = re.compile(r"[a-z][a-z0-9-]*")
_REFUSED = {"style", "srcdoc", "class", "id"}


class JobsTable:
    def __init__(
        self,
        jobs: Iterable[Job],
        column_fields: Sequence[str | Sequence[str]] = ("id", "name", "creation_time"),
        show_status: bool = True,
        show_actions: bool = True,
        monitor_url: str = "",
        results_url: str = "",
        hover: bool = False,
        striped: bool = False,
        bordered: bool = False,
        condensed: bool = False,
        attributes: Mapping[str, Any] | str | None = None,
        classes: str = "",
        refresh_interval: int = 5000,
        delay_loading_status: bool = True,
        show_detailed_status: bool = False,
        actions: Sequence[Any] | None = None,
        enable_data_table: bool = False,
        data_table_options: Mapping[str, Any] | None = None,
        sort: bool | Callable[[Job], Any] = True,
        reverse_sort: bool = False,
        *,
        filters: Sequence[str | Sequence[str]] | None = None,
        status_actions: bool = True,
        run_btn: bool = True,
        delete_btn: bool = True,
        page_size: int = PAGE,
        empty: str = "There are no jobs here yet.",
    ) -> None:
        self.jobs = jobs
        self.looks = [
            name for name, wanted in zip(_LOOKS, (hover, striped, bordered, condensed), strict=True) if wanted
        ]
        self.classes = classes
        self.attributes = _attributes(attributes)
        self.refresh_interval = max(LEAST_INTERVAL, int(refresh_interval))
        self.delay_loading_status = delay_loading_status
        self.data_table = dict(data_table_options or {}) if enable_data_table else None
        self.sort, self.reverse_sort = sort, reverse_sort
        self.page_size = min(max(1, int(page_size)), LARGEST_PAGE)
        self.empty = empty
        fields = columns.columns(column_fields if filters is None else filters)
        left_out = [name for name, wanted in (("run", run_btn), ("delete", delete_btn)) if not wanted]
        offered = [each for each in (menu.DEFAULT if actions is None else actions) if each not in left_out]
        self.definition = Definition(
            columns=fields,
            actions=tuple(menu.kept(offered)) if show_actions and status_actions else (),
            show_status=show_status and status_actions and not any(each.kind == "state" for each in fields),
            detailed=show_detailed_status,
            results_url=results_url,
            monitor_url=monitor_url,
        )

    def page(self, viewer: Viewer, name: str, start: int) -> Page:
        """`start`: the number of the last job of the page before, or of how many jobs came before."""
        definition = replace(self.definition, name=name)
        jobs, after = self._jobs(viewer, start)
        return Page(definition, rows.rows(jobs, definition, viewer), after)

    def _jobs(self, viewer: Viewer, start: int) -> tuple[list[Job], int]:
        """Those of a page, and where the next one starts; 0: nowhere."""
        if isinstance(self.jobs, QuerySet) and not self.jobs.query.is_sliced and not callable(self.sort):
            return self._found(rows.readable(self.jobs, viewer), start)
        listed = self._sorted(self.jobs)
        page = listed[start : start + self.page_size]
        return page, start + len(page) if len(listed) > start + len(page) else 0

    def _found(self, jobs: QuerySet[Job], start: int) -> tuple[list[Job], int]:
        if not self.sort:
            jobs = jobs.reverse() if self.reverse_sort else jobs
            page = list(jobs[start : start + self.page_size + 1])
            more = start + self.page_size
        else:
            beyond = "pk__lt" if self.reverse_sort else "pk__gt"
            jobs = jobs.filter(**{beyond: start}) if start else jobs
            page = list(jobs.order_by("-pk" if self.reverse_sort else "pk")[: self.page_size + 1])
            more = page[self.page_size - 1].pk if len(page) > self.page_size else 0
        return page[: self.page_size], more if len(page) > self.page_size else 0

    def _sorted(self, jobs: Iterable[Job]) -> list[Job]:
        listed = list(jobs)
        if not self.sort:
            return listed[::-1] if self.reverse_sort else listed
        key = self.sort if callable(self.sort) else _created
        return sorted(listed, key=key, reverse=self.reverse_sort)


@dataclass(frozen=True)
class Page:
    definition: Definition
    rows: list[Row]
    after: int

    @property
    def ids(self) -> list[int]:
        return [row.job.pk for row in self.rows]

    @property
    def active(self) -> bool:
        return any(row.job.state.active for row in self.rows)


def _created(job: Job) -> Any:
    return (job.creation_time is None, job.creation_time, job.pk)


def _attributes(given: Mapping[str, Any] | str | None) -> dict[str, str]:
    """Of the table's element: a mapping, or as in HTML."""
    pairs = _read_attributes(given) if isinstance(given, str) else dict(given or {})
    for name in pairs:
        if not _ATTRIBUTE.fullmatch(name) or name in _REFUSED or name.startswith("on"):
            raise Invalid(
                f"attributes: {name!r} cannot be an attribute of the table. Use data-..., aria-..., "
                "lang, title; for classes there is `classes`."
            )
    return {name: str(value) for name, value in pairs.items()}


def _read_attributes(text: str) -> dict[str, str]:
    found: dict[str, str] = {}

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
            found.update((name, value or "") for name, value in attrs)

    Reader().feed(f"<table {text}>")
    return found
