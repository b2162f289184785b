"""What a job has to do with others: drawn as a graph that one can walk, and listed. Only jobs that
the reader may see have names."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Q
from django.http import HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from jobs_app import inspection, permissions, states
from jobs_app.models import Job, JobDependency, JobUse

from . import current
from .layering import HIGH, WIDE, layout
from .security import Request, job_for
from .slices import colour

MOST_NODES = 150
MOST_EACH = 40  # of one relation
STEPS = 3  # from the job
LONGEST_WORD = 20


@dataclass(frozen=True)
class Box:
    x: int
    y: int
    title: str
    word: str
    state: str
    code: str
    url: str = ""
    here: bool = False


@dataclass(frozen=True)
class Graph:
    boxes: list[Box]
    arrows: list[str]  # as paths
    width: int
    height: int
    cut: bool = False
    wide: int = WIDE
    high: int = HIGH


@dataclass(frozen=True)
class Edge:
    before: int
    after: int
    word: str


# --- jobs -------------------------------------------------------------------------------------------------


def edges_of(pks: Iterable[int]) -> list[Edge]:
    """Of these jobs, to whomever: what they read, wait for, and built."""
    wanted = list(pks)
    either = Q(job__in=wanted) | Q(used__in=wanted)
    uses = JobUse.objects.filter(either).order_by("-pk").values_list("used_id", "job_id", "role")
    waits = JobDependency.objects.filter(Q(job__in=wanted) | Q(before__in=wanted))
    built = Job.objects.filter(Q(parent__in=wanted) | Q(pk__in=wanted, parent__isnull=False))
    return [
        *(Edge(*row) for row in uses[: MOST_EACH * 2]),
        *(
            Edge(before, after, "before")
            for before, after in waits.values_list("before_id", "job_id")[:MOST_EACH]
        ),
        *(
            Edge(parent, child, "built")
            for parent, child in built.order_by("-pk").values_list("parent_id", "pk")[:MOST_EACH]
        ),
    ]


def surroundings(user: User, job: Job) -> tuple[set[int], list[Edge], bool]:
    """The jobs within some steps, and what joins them; whether there are more. No way leads through a job
    that the reader may not see: what lies behind it would tell of it."""
    known, rim, edges = {job.pk}, {job.pk}, dict[Edge, None]()
    for _ in range(STEPS):
        found = edges_of(rim)
        edges.update(dict.fromkeys(found))
        rim = permissions.seen(user, {pk for edge in found for pk in (edge.before, edge.after)} - known)
        known |= set(sorted(rim)[: MOST_NODES - len(known)])
        if not rim or len(known) >= MOST_NODES:
            break
    inside = [edge for edge in edges if edge.before in known and edge.after in known]
    return known, inside, len(known) >= MOST_NODES


def graph_of_jobs(user: User, job: Job) -> Graph | None:
    """None for a job that stands alone."""
    known, edges, cut = surroundings(user, job)
    seen = Job.objects.select_related("project").in_bulk(known)
    edges = [edge for edge in edges if edge.before in seen and edge.after in seen]
    if not edges:
        return None
    parents: dict[str, list[str]] = {str(pk): [] for pk in sorted(seen)}
    for edge in edges:
        parents[str(edge.after)].append(str(edge.before))
    boxes = {str(pk): _box(each, here=pk == job.pk) for pk, each in seen.items()}
    return _graph(parents, boxes, cut)


def _box(job: Job, *, here: bool) -> dict[str, Any]:
    return {
        "title": f"{job.jobid}: {job.name}",
        "word": _short(job.name),
        "state": job.cached_status,
        "code": job.state.code.lower(),
        "url": reverse("job-relations", args=[job.pk]) if not here else "",
        "here": here,
    }


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_WORD else text[: LONGEST_WORD - 1] + "…"


# --- a workflow's nodes -----------------------------------------------------------------------------------


def graph_of_nodes(job: Job) -> Graph | None:
    """The first of them, where there are very many: parents come first."""
    nodes = inspection.nodes(job)
    if not nodes:
        return None
    shown = nodes[:MOST_NODES]
    parents = {node.name: list(node.parents) for node in shown}
    boxes = {node.name: _node(job, node) for node in shown}
    return _graph(parents, boxes, len(nodes) > len(shown))


def _node(job: Job, node: inspection.NodeView) -> dict[str, Any]:
    name = node.state.name.lower()
    count = node.slices.total
    said = f"{name}, {count} slices" if count > 1 else name
    url = reverse("job-slices", args=[job.pk]) + f"?first={node.first}&count={max(1, count)}"
    return {
        "title": node.name,
        "word": _short(node.name),
        "state": said,
        "code": colour(name),
        "url": url,
    }


def _graph(parents: Mapping[str, Sequence[str]], boxes: Mapping[str, dict[str, Any]], cut: bool) -> Graph:
    found = layout(parents)
    drawn = [Box(spot.x, spot.y, **boxes[key]) for key, spot in found.spots.items()]
    arrows = [
        _arrow(found.spots[before].x, found.spots[before].y, found.spots[after].x, found.spots[after].y)
        for after, earlier in parents.items()
        for before in dict.fromkeys(earlier)
        if before in found.spots
    ]
    return Graph(drawn, arrows, found.width, found.height, cut)


def _arrow(x: int, y: int, to_x: int, to_y: int) -> str:
    x, y, to_y = x + WIDE, y + HIGH // 2, to_y + HIGH // 2
    middle = (x + to_x) // 2
    return f"M{x} {y}C{middle} {y} {middle} {to_y} {to_x - 2} {to_y}"


# --- the page ---------------------------------------------------------------------------------------------


@require_safe
def relations_page(request: Request, pk: int) -> HttpResponse:
    job = job_for(request.user, pk)
    graph, nodes = graph_of_jobs(request.user, job), graph_of_nodes(job)
    etag = current.version(job, request, graph, nodes)
    if same := current.unchanged(request, etag):
        return same
    attempts = job.attempts.select_related("scheduler").order_by("-number")
    context = {
        "job": job,
        "here": "relations",
        "active": job.state.active or _is_any_active(graph),
        "graph": graph,
        "nodes": nodes,
        "rows": inspection.nodes(job)[:MOST_NODES],
        "lists": lists(request.user, job),
        "attempts": [(each, each.word) for each in attempts[:MOST_EACH]],
    }
    return current.page(request, "jobs/relations.html", etag, context)


def _is_any_active(graph: Graph | None) -> bool:
    return graph is not None and any(box.code.upper() in states.ACTIVE for box in graph.boxes)


def lists(user: User, job: Job) -> list[tuple[str, list[tuple[Job, str]]]]:
    """The next of each kind, for who reads rather than looks."""
    uses = JobUse.objects.filter(job=job).select_related("used__project")[:MOST_EACH]
    used_by = JobUse.objects.filter(used=job).select_related("job__project").order_by("-pk")[:MOST_EACH]
    before = JobDependency.objects.filter(job=job).select_related("before__project")[:MOST_EACH]
    after = (
        JobDependency.objects.filter(before=job).select_related("job__project").order_by("-pk")[:MOST_EACH]
    )
    previous = [use.used for use in uses if use.role == "previous"]
    following = [use.job for use in used_by if use.role == "previous"]
    found = [
        ("Previous in its chain", [(each, "") for each in previous]),
        ("Next in its chain", [(each, "") for each in following]),
        ("Built by", [(job.parent, "")] if job.parent else []),
        (
            "Built by it",
            [(each, "") for each in job.subjobs.select_related("project").order_by("-pk")[:MOST_EACH]],
        ),
        ("Reads from", [(use.used, use.role) for use in uses if use.role != "previous"]),
        ("Read by", [(use.job, use.role) for use in used_by if use.role != "previous"]),
        ("Waits for", [(each.before, "") for each in before]),
        ("Waited for by", [(each.job, "") for each in after]),
    ]
    visible = [
        (title, [pair for pair in pairs if permissions.may_read(user, pair[0])]) for title, pairs in found
    ]
    return [(title, pairs) for title, pairs in visible if pairs]
