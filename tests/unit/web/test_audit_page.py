from __future__ import annotations

import pytest

from jobs_app import audit
from jobs_app.models import AuditEntry


@pytest.fixture
def client_of_staff(page_of, alice):
    alice.is_staff = True
    alice.save()
    return page_of(alice)


def test_it_is_for_the_staff_filtered_and_paged(client_of_staff):
    for number in range(150):
        audit.write("<bob>", None, f"Stopped {number}.", job_id=number % 2, job_name="<i>")
    said = client_of_staff.get("/audit/").content.decode()
    assert said.count("&lt;bob&gt;") == 100
    assert "Stopped 149." in said
    older = AuditEntry.objects.order_by("-id")[99].pk
    assert f"?before={older}&amp;" in said
    assert "Stopped 49." in client_of_staff.get(f"/audit/?before={older}").content.decode()
    assert client_of_staff.get("/audit/?job=1").content.decode().count("&lt;bob&gt;") == 75
    assert "Nobody has done" in client_of_staff.get("/audit/?who=charlie").content.decode()


def test_who_is_not_of_the_staff_is_told_so(page_of, bob):
    answer = page_of(bob).get("/audit/")
    assert answer.status_code == 403
    assert b"The audit trail is for the staff." in answer.content
    assert b"this job" not in answer.content


@pytest.mark.parametrize("query", ["job=x", "before=-1", "who=%00", "job=99999999999999999999", "job=%D9%A3"])
def test_no_question_breaks_it(client_of_staff, query):
    assert client_of_staff.get(f"/audit/?{query}").status_code == 200
