from __future__ import annotations

from django.contrib.auth.models import Group, Permission
from django.utils.html import escape

from jobs_app.web import job_list


def names(response) -> list[str]:
    return [row.job.name for row in response.context["rows"]]


def test_a_visitor_is_asked_to_sign_in(client, db):
    response = client.get("/jobs/")
    assert response.status_code == 302
    assert response.url == "/sign-in/?next=/jobs/"


def test_alice_sees_her_own_jobs_newest_first(page_of, alice, make_job):
    make_job("first")
    make_job("second")
    assert names(page_of(alice).get("/jobs/")) == ["second", "first"]


def test_charlie_does_not_see_them(page_of, charlie, make_job):
    make_job("secret")
    response = page_of(charlie).get("/jobs/")
    assert names(response) == []
    assert b"secret" not in response.content


def test_bob_sees_a_job_that_is_shared_with_his_group_once(page_of, bob, make_job):
    shared = make_job("shared")
    make_job("private")
    shared.groups.add(*Group.objects.all(), Group.objects.create(name="another"))
    bob.groups.add(Group.objects.get(name="another"))
    assert names(page_of(bob).get("/jobs/")) == ["shared"]


def test_the_job_of_a_number_is_found_also_where_it_comes_late(
    page_of, alice, charlie, make_job, monkeypatch
):
    monkeypatch.setattr(job_list, "PAGE", 2)
    first = make_job("<first>")
    like = [make_job(f"{first.pk} again") for _ in range(3)]
    address = f"/jobs/?text={first.pk}"
    response = page_of(alice).get(address)
    assert len(names(response)) == 2
    assert f'<a href="/jobs/{first.pk}/">&lt;first&gt;</a>' in response.content.decode()
    assert "comes later" not in page_of(alice).get(response.context["older"]).content.decode()
    assert "comes later" not in page_of(alice).get(f"/jobs/?text={like[-1].pk}").content.decode()
    assert "comes later" not in page_of(alice).get(f"{address}&status=ERR").content.decode()
    assert "comes later" not in page_of(charlie).get(address).content.decode()


def test_who_has_no_jobs_is_shown_where_to_make_one(page_of, alice, settings):
    link = '<a href="/new/">New job</a> makes one here'
    assert link in page_of(alice).get("/jobs/").content.decode()
    assert link not in page_of(alice).get("/jobs/?text=nothing").content.decode()
    settings.ROOST_TEMPLATE_USERS = {app: ["nobody"] for app in settings.INSTALLED_APPS}
    said = page_of(alice).get("/jobs/").content.decode()
    assert link not in said
    assert "make demo" in said


def test_staff_sees_everybodys_jobs_or_only_its_own(page_of, charlie, make_job):
    make_job("hers")
    make_job("his", user=charlie)
    charlie.is_staff = True
    charlie.save()
    assert names(page_of(charlie).get("/jobs/")) == ["his", "hers"]
    assert names(page_of(charlie).get("/jobs/?mine=1")) == ["his"]


def test_the_permission_on_the_jobs_table_shows_everybodys_jobs(page_of, charlie, make_job):
    make_job("hers")
    charlie.user_permissions.add(Permission.objects.get(codename="jobs_table_actions"))
    assert names(page_of(charlie).get("/jobs/")) == ["hers"]


def test_pages_lead_from_one_to_the_next_without_gap_or_repetition(page_of, alice, make_job, monkeypatch):
    monkeypatch.setattr(job_list, "PAGE", 3)
    for number in range(7):
        make_job(f"job {number}")
    seen, address = [], "/jobs/"
    while address:
        response = page_of(alice).get(address)
        seen += names(response)
        address = response.context["older"]
    assert seen == [f"job {number}" for number in reversed(range(7))]


def test_the_state_filters_and_stays_chosen_on_the_next_page(page_of, alice, make_job, monkeypatch):
    monkeypatch.setattr(job_list, "PAGE", 1)
    for name, status in (("a", "COM"), ("b", "ERR"), ("c", "COM")):
        make_job(name, _status=status)
    response = page_of(alice).get("/jobs/?status=COM")
    assert names(response) == ["c"]
    assert names(page_of(alice).get(response.context["older"])) == ["a"]


def test_nonsense_in_the_address_is_passed_over(page_of, alice, make_job):
    make_job("one")
    client = page_of(alice)
    for query in ("status=%00", "after=x", "after=" + "9" * 40, "after=-1", "status=active'--"):
        assert names(client.get(f"/jobs/?{query}")) == ["one"]


def test_a_name_with_markup_is_shown_as_text(page_of, alice, make_job):
    make_job("<script>alert(1)<script>")
    content = page_of(alice).get("/jobs/").content.decode()
    assert "<script>alert" not in content
    assert escape("<script>alert(1)") in content


def test_the_page_allows_no_script_but_its_own(page_of, alice):
    policy = page_of(alice).get("/jobs/").headers["Content-Security-Policy"]
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_number_of_queries_does_not_grow_with_the_jobs(
    page_of, alice, make_job, django_assert_max_num_queries
):
    for number in range(20):
        make_job(f"job {number}")
    client = page_of(alice)
    with django_assert_max_num_queries(17):
        client.get("/jobs/")
