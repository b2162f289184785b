from __future__ import annotations

from jobs_app.models import Attempt, Job, JobDependency, JobUse
from jobs_app.web import relations
from jobs_app.web.layering import layout


def test_who_stands_before_stands_further_left():
    found = layout({"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"]})
    x = {key: spot.x for key, spot in found.spots.items()}
    assert x["a"] < x["b"] == x["c"] < x["d"]
    assert len({(spot.x, spot.y) for spot in found.spots.values()}) == 4


def test_a_circle_and_a_node_before_itself_are_drawn_all_the_same():
    assert len(layout({"a": ["b"], "b": ["a"], "c": ["c", "unknown"]}).spots) == 3


def test_chain_parent_and_uses_are_drawn_and_listed(page_of, alice, make_job):
    first, job, last = (make_job(name) for name in ("first", "<b>middle", "last"))
    JobUse.objects.create(job=job, used=first, role="previous")
    JobUse.objects.create(job=last, used=job, role="thefile")
    JobDependency.objects.create(job=last, before=job)
    Job.objects.filter(pk=job.pk).update(parent=first)
    Attempt.objects.create(job=job, number=1, token="a" * 32, reason="<i>why</i>")
    page = page_of(alice).get(f"/jobs/{job.pk}/relations/")
    content = page.content.decode()
    assert [title for title, _ in page.context["lists"]] == [
        "Previous in its chain", "Built by", "Read by", "Waited for by",
    ]  # fmt: skip
    assert len(page.context["graph"].boxes) == 3
    assert f'href="/jobs/{first.pk}/relations/"' in content
    assert "<b>middle" not in content
    assert "<i>why" not in content


def test_jobs_that_one_may_not_see_have_neither_name_nor_box(page_of, alice, charlie, make_job):
    theirs, mine = make_job("SECRET", user=charlie), make_job("mine")
    JobUse.objects.create(job=mine, used=theirs, role="previous")
    page = page_of(alice).get(f"/jobs/{mine.pk}/relations/")
    assert page.context["graph"] is None
    assert b"SECRET" not in page.content


def test_what_lies_behind_a_job_that_one_may_not_see_is_not_drawn(page_of, bob, alice, make_job):
    """Else a lonely box would tell that something joins the two."""
    hidden, job, other, sibling = (make_job(name) for name in ("SECRET", "job", "other", "sibling"))
    Job.objects.filter(pk__in=[job.pk, sibling.pk]).update(parent=hidden)
    JobUse.objects.create(job=other, used=job, role="thefile")
    for each in (job, other, sibling):
        each.groups.add(bob.groups.get())
    assert len(relations.graph_of_jobs(alice, job).boxes) == 4
    assert len(relations.graph_of_jobs(bob, job).boxes) == 2
    page = page_of(bob).get(f"/jobs/{job.pk}/relations/")
    assert [title for title, _ in page.context["lists"]] == ["Read by"]
    assert b"SECRET" not in page.content
    assert b"sibling" not in page.content


def test_a_job_with_very_many_subjobs_has_a_bounded_graph(page_of, alice, make_job):
    parent = make_job("parent")
    for number in range(200):
        make_job(f"child {number}", parent=parent)
    graph = relations.graph_of_jobs(alice, parent)
    assert len(graph.boxes) <= relations.MOST_NODES
