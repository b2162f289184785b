"""The same order at the same time, from several threads with connections of their own."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client

from jobs_app import inputs, orders
from jobs_app.models import History, Job
from tests.lab import Lab
from tests.unit.web.test_new_job import address, fields_of
from tests.unit.web.test_new_job import work as work

ORDER = orders.Order("examples.ising", [("a", {}), ("b", {})], "ising", parameters={"slices": 1})


@pytest.mark.django_db(transaction=True)
def test_equal_orders_at_the_same_time_make_their_jobs_once(alice: User) -> None:
    orders.create(alice, ORDER)  # its project and template are there
    Job.objects.all().delete()

    def ask(_: int) -> tuple[list[int], bool]:
        try:
            jobs, replayed = orders.create_once(alice, "k", ORDER)
            return [job.pk for job in jobs], replayed
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(ask, range(6)))
    assert Job.objects.count() == 2
    assert {tuple(pks) for pks, _ in answers} == {
        tuple(Job.objects.order_by("pk").values_list("pk", flat=True))
    }
    assert sorted(replayed for _, replayed in answers) == [False] + [True] * 5


# --- the form for new jobs --------------------------------------------------------------------------------


@pytest.fixture
def lab(transactional_db: None, work: Lab) -> Lab:
    return work


def file() -> BytesIO:
    made = BytesIO(b"x,y\n1,2\n" * 1000)
    made.name = "table.csv"
    return made


def send_at_once(alice: User, where: str, go: str, times: int, *, files: bool = False) -> list[int]:
    """The same form from several connections; the answers' states."""
    first = Client()
    first.force_login(alice)
    fields = {**fields_of(first.get(where).content.decode()), "form-go": go}
    cookies = first.cookies

    def send(_: int) -> int:
        client = Client(raise_request_exception=False)
        client.cookies = cookies
        try:
            given: dict[str, Any] = {**fields, "form-files": file()} if files else fields
            return client.post(where, given).status_code
        finally:
            connection.close()

    with ThreadPoolExecutor(times) as threads:
        return list(threads.map(send, range(times)))


def test_a_form_that_is_sent_many_times_at_once_makes_one_job(lab: Lab, alice: User) -> None:
    assert send_at_once(alice, address(lab, "small"), "save", 6) == [302] * 6
    assert Job.objects.count() == 1


def test_and_it_is_handed_over_once(lab: Lab, alice: User) -> None:
    assert send_at_once(alice, address(lab, "small"), "run", 4) == [302] * 4
    job = Job.objects.get()
    assert job.number_of_attempts == 1
    assert History.objects.filter(job=job, before="PEN", after="SUB").count() == 1


def test_with_its_files(lab: Lab, alice: User) -> None:
    assert send_at_once(alice, address(lab, "program"), "run", 4, files=True) == [302] * 4
    job = Job.objects.get()
    (path,) = job.remote_input_files
    assert Path(path).read_bytes() == file().getvalue()
    assert job.number_of_attempts == 1


def test_whose_first_sending_died_before_the_files_were_kept_gets_them_from_the_next(
    lab: Lab, alice: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, where = Client(raise_request_exception=False), address(lab, "program")
    client.force_login(alice)
    fields = {**fields_of(client.get(where).content.decode()), "form-go": "run"}
    keep = inputs.keep

    def die(*_: object) -> None:
        raise SystemExit

    monkeypatch.setattr(inputs, "keep", die)
    with pytest.raises(SystemExit):
        client.post(where, {**fields, "form-files": file()})
    assert Job.objects.get().cached_status == "Pending"
    monkeypatch.setattr(inputs, "keep", keep)
    assert client.post(where, {**fields, "form-files": file()}).status_code == 302
    (path,) = Job.objects.get().remote_input_files
    assert Path(path).read_bytes() == file().getvalue()
