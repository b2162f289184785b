"""The markup of rows and of their cells. In Python, because a template would be most of what a page costs;
all that is not ours goes through `markup`, which escapes it."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.text import Truncator

from jobs_app.models import Job
from jobs_app.web.cells import Bar, spaced

if TYPE_CHECKING:
    from .columns import Cell
    from .rows import Item, Row

REASON = 140  # characters
NOTHING = SafeString("")


def markup(form: str, *values: object) -> SafeString:
    """As format_html of Django, which takes a fifth of the time of a page with 50 rows."""
    return SafeString(
        form.format(*[value if type(value) is SafeString else escape(str(value)) for value in values])
    )


def joined(parts: Iterable[SafeString]) -> SafeString:
    return mark_safe("".join(parts))  # noqa: S308 - each part is markup of ours already


def row(drawn: Row) -> SafeString:
    job, definition = drawn.job, drawn.definition
    url = reverse("job", args=[job.pk])
    cells = [pick(job)] if definition.select else []
    cells += [_cell(drawn, cell, url) for cell in drawn.cells]
    cells += [state_cell(drawn, "State")] if definition.show_status else []
    cells += [_menu(drawn)] if definition.actions else []
    active = SafeString(" data-active") if job.state.active else NOTHING
    return markup('<tr data-job="{}" tabindex="-1"{}>{}</tr>', job.pk, active, joined(cells))


def pick(job: Job) -> SafeString:
    return markup(
        '<td class="pick"><input type="checkbox" name="job" value="{}" aria-label="Choose job {}"></td>',
        job.pk,
        job.pk,
    )


def _cell(drawn: Row, cell: Cell, url: str) -> SafeString:
    kind, label = cell.kind, cell.column.header
    if kind == "name":
        return markup('<th scope="row" class="name"><a href="{}">{}</a></th>', url, cell.text)
    if kind == "state":
        return state_cell(drawn, label)
    if kind == "slices":
        return markup('<td class="slices" data-label="{}">{}</td>', label, _slices(drawn))
    if kind == "time":
        return markup('<td data-label="{}">{}</td>', label, time(cell.value))
    if kind == "duration":
        return _duration(cell, label)
    if kind == "number":
        text = markup('<a href="{}">{}</a>', url, cell.text) if cell.column.path == "id" else cell.text
        return markup('<td class="number" data-label="{}">{}</td>', label, text)
    return markup('<td data-label="{}">{}</td>', label, cell.text)


def time(moment: object) -> SafeString:
    local = timezone.localtime(moment)  # type: ignore[arg-type]  # a datetime, as its kind says
    exact, short = local.isoformat(timespec="seconds"), local.strftime("%Y-%m-%d %H:%M")
    return markup('<time datetime="{}">{}</time>', exact, short)


def _duration(cell: Cell, label: str) -> SafeString:
    since = markup(' data-since="{}"', cell.since.isoformat()) if cell.since else NOTHING
    return markup('<td class="number short" data-label="{}"{}>{}</td>', label, since, cell.text)


def _slices(drawn: Row) -> SafeString:
    job = drawn.job
    if drawn.bar is None or job.slices_total == 1 or job.progress is not None:
        return bar(drawn.bar)
    failed = markup(", {} failed", spaced(job.slices_failed)) if job.slices_failed else NOTHING
    done, total = spaced(job.slices_done), spaced(job.slices_total)
    return markup("{}<small>{} of {}{}</small>", bar(drawn.bar), done, total, failed)


# --- pieces that the job's page has too --------------------------------------------------------------------


def state(job: Job) -> SafeString:
    title = markup(' title="{}"', job.status_message) if job.status_message else NOTHING
    code = job.state.code.lower()
    return markup('<span class="state {}"{}>{}</span>', code, title, job.cached_status)


def bar(drawn: Bar | None) -> SafeString:
    if drawn is None:
        return NOTHING
    pieces = joined(
        markup('<rect class="{}" x="{}" width="{}" height="6"/>', piece.name, piece.start, piece.width)
        for piece in drawn.pieces
        if piece.width
    )
    return markup(
        '<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" role="img" aria-label="{}">'
        "<title>{}</title>{}</svg>",
        drawn.label,
        drawn.label,
        pieces,
    )


# --- state with its reason, menu --------------------------------------------------------------------------


def state_cell(drawn: Row, label: str) -> SafeString:
    job = drawn.job
    parts = [state(job)]
    if job.status_message:
        short = Truncator(job.status_message).chars(REASON)
        parts.append(markup('<span class="reason">{}</span>', short))
    if drawn.definition.detailed:
        parts += _details(drawn)
    return markup('<td class="state-cell" data-label="{}">{}</td>', label, joined(parts))


def _details(drawn: Row) -> list[SafeString]:
    found = [markup("{}<small>{}</small>", bar(drawn.bar), drawn.bar.label)] if drawn.bar else []
    if drawn.nodes:
        nodes = joined(
            markup('<li class="{}">{} <span class="unseen">{}</span></li>', state_, name, state_)
            for name, state_ in drawn.nodes
        )
        found.append(markup('<ul class="nodes">{}</ul>', nodes))
    return found


def _menu(drawn: Row) -> SafeString:
    items = drawn.menu
    if not items:
        return SafeString('<td class="do"></td>')
    pk, menu = drawn.job.pk, f"menu-{drawn.definition.name}-{drawn.job.pk}"
    return markup(
        '<td class="do"><button type="button" class="dots" popovertarget="{}" '
        'aria-label="Actions of job {}">⋯</button><div id="{}" popover class="menu">{}</div></td>',
        menu,
        pk,
        menu,
        joined(_item(item, pk) if item else SafeString("<hr>") for item in items),
    )


def _item(item: Item, pk: int) -> SafeString:
    action = item.action
    more = SafeString(" data-overlay") if action.overlay else NOTHING
    if item.url and item.enabled:
        more += SafeString(" data-modal") if action.modal else NOTHING
        return markup('<a href="{}"{}>{}</a>', item.url, more, action.word)
    more += SafeString(' class="danger"') if action.danger else NOTHING
    more += NOTHING if item.enabled else SafeString(" disabled")
    return markup('<button name="act" value="{}:{}"{}>{}</button>', item.number, pk, more, action.word)
