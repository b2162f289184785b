from __future__ import annotations

from datetime import timedelta
from operator import attrgetter

import pytest
from django.contrib.auth.models import Group, User
from django.utils import timezone

from jobs_app import listing, permissions, ways
from jobs_app.errors import Invalid
from jobs_app.listing import Wanted
from jobs_app.models import Job, Scheduler, Template
from jobs_app.wanted import Known


def names(person, **wanted):
    return [job.name for job in listing.fetch(person, Wanted(**{"sort": "created", **wanted})).jobs]


@pytest.fixture
def staff(db):
    return User.objects.create_user("sam", is_staff=True)


@pytest.fixture
def jobs(make_job, alice, bob):
    now = timezone.now()
    template = Template.objects.create(app="weather", name="model", type="CONDORJOB", digest="x")
    pool = Scheduler.objects.create(name="ruby")
    make_job("a", _status="COM", completion_time=now - timedelta(days=3), statepoint={"a": 1, "b": {"c": 2}})
    make_job("b", _status="ERR", completion_time=now - timedelta(days=1), description="Gone wrong", user=bob)
    make_job("c", _status="RUN", app="weather", template=template, scheduler=pool, method="m")
    make_job("d", _status="HLD", app="weather", user=None, parent=Job.objects.get(name="a"))


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({}, "abcd"),
        ({"status": ("ERR", "held")}, "bd"),
        ({"status": ("active",)}, "cd"),
        ({"status": ("final",)}, "ab"),
        ({"app": "weather"}, "cd"),
        ({"template": "model"}, "c"),
        ({"template": "none"}, ""),
        ({"type": "SCRIPT", "app": "weather"}, "cd"),
        ({"method": "m"}, "c"),
        ({"user": "bob"}, "b"),
        ({"user": "nobody"}, ""),
        ({"scheduler": "ruby"}, "c"),
        ({"statepoint": {"a": 1}}, "a"),
        ({"statepoint": {"b.c": {"$gt": 2}}}, ""),
        ({"text": "GONE"}, "b"),
        ({"text": "100%_"}, ""),
        ({"app": "weather", "status": ("HLD",), "text": "d"}, "d"),
        ({"sort": "-created"}, "dcba"),
        ({"sort": "-name"}, "dcba"),
        ({"sort": "ended"}, "ab"),
        ({"sort": "-ended"}, "ba"),
        ({"sort": "-ended", "status": ("COM",)}, "a"),
    ],
)
def test_each_filter_and_order(staff, jobs, wanted, expected):
    assert names(staff, **wanted) == list(expected)


def test_a_number_also_finds_the_job_of_that_number(staff, charlie, make_job):
    found, named = make_job("found"), make_job("other")
    Job.objects.filter(pk=named.pk).update(name=f"like {found.pk}0")
    assert names(staff, text=f"{found.pk}") == ["found", f"like {found.pk}0"]
    assert names(staff, text=f"{found.pk}", status=("ERR",)) == []
    assert names(staff, text=f" {found.pk} ") == []
    assert names(staff, text="9" * 200) == []
    assert names(charlie, text=f"{found.pk}") == []


def test_dates(staff, jobs):
    now = timezone.now()
    Job.objects.filter(name="a").update(creation_time=now - timedelta(days=4))
    assert names(staff, created_after=now - timedelta(days=1)) == ["b", "c", "d"]
    assert names(staff, created_before=now - timedelta(days=1)) == ["a"]
    assert names(staff, ended_after=now - timedelta(days=2)) == ["b"]
    assert names(staff, ended_before=now - timedelta(days=2)) == ["a"]


def test_one_sees_ones_own_and_what_is_shared_each_once(alice, bob, charlie, jobs):
    group = Group.objects.create(name="hydrology")
    bob.groups.add(group)
    for job in Job.objects.filter(name__in="ab"):
        job.groups.add(group)
    assert names(alice) == ["a", "c"]
    assert names(bob) == ["a", "b"]
    assert names(charlie) == []
    assert listing.count(bob, Wanted()) == listing.Count(2, exact=True)


@pytest.mark.parametrize("sort", ["created", "-created", "name", "-name", "ended", "-ended"])
@pytest.mark.parametrize("window", [1, 3, 1000])
def test_pages_show_every_job_once_in_order_whatever_the_windows(
    alice, bob, make_job, monkeypatch, sort, window
):
    monkeypatch.setattr(listing, "WINDOW", window)
    now, group = timezone.now(), Group.objects.create(name="hydrology")
    alice.groups.add(group)
    for number in range(12):
        ended = now - timedelta(seconds=number * 7 % 5)  # some at the same moment
        job = make_job(f"n{number * 5 % 7}", completion_time=ended, user=alice if number % 3 else bob)
        job.groups.add(group)
    found, cursor = [], ""
    while True:
        page = listing.fetch(alice, Wanted(sort=sort), 5, cursor, budget=5)
        found += [job.pk for job in page.jobs]
        if not page.next:
            break
        cursor = page.next
    column = {"created": "pk", "name": "name", "ended": "completion_time"}[sort.removeprefix("-")]
    sign = "-" if sort.startswith("-") else ""
    assert found == list(Job.objects.order_by(f"{sign}{column}", f"{sign}pk").values_list("pk", flat=True))


@pytest.mark.parametrize("sort", ["created", "-created", "name", "-name"])
def test_when_time_is_up_a_page_ends_early_and_the_cursor_goes_on(alice, make_job, monkeypatch, sort):
    monkeypatch.setattr(listing, "COSTLY_WINDOW", 3)
    monkeypatch.setattr(listing, "FEW", 0)
    for number in range(10):
        make_job("needle" if number in (1, 8) else f"hay{number}")
    found, cursor, pages = [], "", 0
    while pages == 0 or cursor:
        page = listing.fetch(alice, Wanted(text="needle", sort=sort), 5, cursor, budget=0)
        assert page.complete == (not page.next)
        found += [job.name for job in page.jobs]
        cursor, pages = page.next, pages + 1
    assert found == ["needle", "needle"]
    assert pages > 2


def test_counts_end_at_ten_thousand_and_say_so(alice, make_job, monkeypatch):
    for _ in range(4):
        make_job()
    monkeypatch.setattr(listing, "COUNTED", 3)
    assert str(listing.count(alice, Wanted())) == "3+"
    monkeypatch.setattr(listing, "COUNTED", 4)
    assert str(listing.count(alice, Wanted())) == "4"


@pytest.mark.parametrize(
    "cursor", ["x", "W10", "é", "WyItY3JlYXRlZCIsMSwxXQ" * 50, "WyJuYW1lIiwiXHUwMDAwIiwxXQ"]
)
def test_a_cursor_of_something_else_is_refused(alice, jobs, cursor):
    with pytest.raises(Invalid, match="cursor"):
        listing.fetch(alice, Wanted(), cursor=cursor)


def test_a_cursor_holds_for_its_own_order_only(alice, make_job):
    make_job()
    make_job()
    cursor = listing.fetch(alice, Wanted(), 1).next
    with pytest.raises(Invalid, match="cursor"):
        listing.fetch(alice, Wanted(sort="name"), 1, cursor)


def test_what_is_misspelt_is_said(alice):
    with pytest.raises(Invalid, match="is not a status"):
        names(alice, status=("RUNS",))
    with pytest.raises(Invalid, match="is not an order"):
        Wanted(sort="size")


def test_ones_own_list_is_full_at_once_however_much_others_have_done_since(make_job, alice, bob, monkeypatch):
    monkeypatch.setattr(listing, "WINDOW", 2)
    mine = make_job("mine")
    for _ in range(6):
        make_job("theirs", user=bob)
    page = listing.fetch(alice, Wanted(), budget=0.0)
    assert ([job.pk for job in page.jobs], page.complete) == ([mine.pk], True)


@pytest.mark.parametrize("sort", ["created", "-created", "name", "-status", "app"])
def test_what_groups_share_is_found_at_once_however_much_others_have_done_since(
    make_job, alice, bob, monkeypatch, sort
):
    monkeypatch.setattr(listing, "WINDOW", 2)
    monkeypatch.setattr(listing, "COSTLY_WINDOW", 2)
    monkeypatch.setattr(permissions, "FEW", 1)  # so these are many
    groups = [Group.objects.create(name=name) for name in ("hydrology", "ice")]
    alice.groups.set(groups)
    shared = [make_job(f"shared {number}", user=bob) for number in range(3)]
    for number, job in enumerate(shared):
        job.groups.set(groups[: 1 + number % 2])
    mine = make_job("mine")
    for _ in range(9):
        make_job("theirs", user=bob)
    page = listing.fetch(alice, Wanted(sort=sort), budget=0.0)
    assert {job.pk for job in page.jobs} == {mine.pk, *(job.pk for job in shared)}
    assert page.complete
    assert listing.count(alice, Wanted(), budget=60) == listing.Count(4, exact=True)


@pytest.mark.parametrize(
    ("wanted", "way", "exact"),
    [
        ({}, {}, True),
        ({"text": "x"}, {}, False),
        ({"app": "weather"}, {"app": "weather"}, True),
        ({"status": ("COM",), "app": "weather"}, {"app": "weather", "stage": "COM"}, True),
        ({"status": ("HLD",)}, {"stage": "ACT"}, False),
        ({"status": ("active",), "user": "alice"}, {"user": "alice", "stage": "ACT"}, True),
        ({"status": ("final",), "user": "alice"}, {"user": "alice"}, False),
        ({"app": "weather", "user": "alice", "method": "m"}, {"app": "weather", "user": "alice"}, False),
        ({"type": "SCRIPT"}, {}, False),
    ],
)
def test_the_way_with_the_fewest_rows_is_taken(staff, alice, jobs, wanted, way, exact):
    found = ways.best(Known.of(Wanted(**wanted)), permissions.reasons(staff)[0])
    expected = {name: alice.pk if value == "alice" else value for name, value in way.items()}
    assert (found.equal, found.exact) == (expected, exact)


SORTED_BY = {
    "name": attrgetter("name"),
    "ended": attrgetter("completion_time"),
    "status": attrgetter("_status"),
    "app": attrgetter("app"),
}


@pytest.mark.parametrize("sort", ["name", "-name", "ended", "-ended", "status", "-app"])
@pytest.mark.parametrize("few", [0, 2_000])
def test_few_rows_and_many_come_in_the_same_order(staff, make_job, monkeypatch, sort, few):
    """Few are found first and sorted then, many are read in the order's index."""
    now = timezone.now()
    for number, name in enumerate(["b", "Z", "ä", "a", "B", "_", "b", "zz"]):
        ended = now - timedelta(days=number * 5 % 8) if number % 4 else None
        make_job(name, app=f"app{number % 3}", _status="COM" if ended else "RUN", completion_time=ended)
    monkeypatch.setattr(listing, "FEW", few)
    found, cursor = [], ""
    while not found or cursor:
        page = listing.fetch(staff, Wanted(sort=sort), 3, cursor, budget=60)
        found += [SORTED_BY[sort.lstrip("-")](job) for job in page.jobs]
        cursor = page.next
    assert found == sorted(found, reverse=sort.startswith("-"))
    assert len(found) == (6 if sort.endswith("ended") else 8)
