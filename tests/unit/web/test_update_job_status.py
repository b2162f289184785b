from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from jobs_app import callbacks
from jobs_app.lifecycle import hints, said
from jobs_app.lifecycle.heard import Call, Verdict, hear
from jobs_app.models import Attempt, AttemptPhase, Hint, Job, KeyVersion, Report, Scheduler, Throttle
from jobs_app.web import update_job_status

pytestmark = pytest.mark.django_db


@pytest.fixture
def sent_job(make_job) -> Job:
    job = make_job(_status="RUN", number_of_attempts=1)
    scheduler, _ = Scheduler.objects.get_or_create(name="embedded", defaults={"kind": "embedded"})
    long_ago = timezone.now() - timedelta(minutes=5)
    Attempt.objects.create(
        job=job, number=1, token="a" * 32, scheduler=scheduler, phase=AttemptPhase.SENT, sent=long_ago
    )
    return job


@pytest.fixture
def external_job(make_job) -> Job:
    job = make_job(type="EXTERNAL", _status="SUB", number_of_attempts=1)
    Attempt.objects.create(job=job, number=1, token="e" * 32, phase=AttemptPhase.SENT)
    return Job.objects.get(pk=job.pk)


def address(pk: int, key: str | None = None, more: str = "") -> str:
    return f"/update-job-status/{pk}/?key={callbacks.capability(pk) if key is None else key}{more}"


def status_of(job: Job) -> str:
    return Job.objects.values_list("_status", flat=True).get(pk=job.pk)


# --- hints ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_whoever_has_the_address_may_hasten_a_look(client, sent_job, method):
    assert getattr(client, method)(address(sent_job.pk)).json() == {"success": True}
    assert hints.take_due(Attempt.objects.get().scheduler_id) == ["a" * 32]


def test_only_what_decides_of_a_job_waits_for_the_disk_of_postgresql(sent_job, external_job):
    def asks_no_disk(*calls: Call) -> bool:
        with CaptureQueriesContext(connection) as asked:
            assert hear(calls)[0].verdict is Verdict.TAKEN
        return any("synchronous_commit" in each["sql"] for each in asked)

    hint = Call(sent_job.pk, "10.0.0.1")
    report = Call(external_job.pk, "10.0.0.1", version="1.0", nonce="n", said={"status": "COM"})
    assert asks_no_disk(hint) == (connection.vendor == "postgresql")
    assert not asks_no_disk(report, hint)


def test_a_call_changes_nothing_by_itself(client, sent_job):
    client.get(address(sent_job.pk) + "&status=COM")
    assert status_of(sent_job) == "RUN"


def test_many_calls_are_one_look_and_the_next_one_comes_some_seconds_later(client, sent_job):
    scheduler = Attempt.objects.get().scheduler_id
    for _ in range(20):
        client.get(address(sent_job.pk))
    assert Hint.objects.get().heard == 20
    assert len(hints.take_due(scheduler)) == 1
    client.get(address(sent_job.pk))
    assert hints.take_due(scheduler) == []
    assert len(hints.take_due(scheduler, timezone.now() + hints.AGAIN)) == 1


def test_a_delayed_look_is_written_down_and_comes_besides_the_one_at_once(client, sent_job):
    scheduler = Attempt.objects.get().scheduler_id
    client.get(address(sent_job.pk, more="&delay=600"))
    assert hints.take_due(scheduler) == []
    client.get(address(sent_job.pk))
    assert len(hints.take_due(scheduler)) == 1
    now = timezone.now()
    assert hints.take_due(scheduler, now + timedelta(seconds=590)) == []
    assert len(hints.take_due(scheduler, now + timedelta(seconds=610))) == 1
    assert hints.take_due(scheduler, now + timedelta(days=2)) == []


@pytest.mark.parametrize("delay", ["-1", "x", "86401", "1e9", "", "٣"])
def test_a_delay_without_sense_is_refused(client, sent_job, delay):
    assert client.get(address(sent_job.pk, more=f"&delay={delay}")).status_code == 400
    assert not Hint.objects.exists()


def test_a_wrong_signature_does_not_tell_whether_the_job_exists(client, sent_job, django_assert_num_queries):
    with django_assert_num_queries(0):
        answers = [
            client.get(address(pk, key))
            for pk in (sent_job.pk, 999_999, 0, 10**18 - 1)
            for key in ("", "x", "\x00", callbacks.capability(sent_job.pk + 1))
        ]
    assert {answer.status_code for answer in answers} == {403}
    assert len({answer.content for answer in answers}) == 1


def test_the_address_of_a_job_that_was_deleted_is_refused_in_the_same_words(client, sent_job):
    gone, wrong = client.get(address(999_999)), client.get(address(sent_job.pk, "x"))
    assert (gone.status_code, gone.content) == (wrong.status_code, wrong.content) == (403, wrong.content)


def test_the_address_is_good_until_a_while_after_the_end(client, sent_job, settings):
    settings.ROOST_CALLBACK_GRACE = 60
    for age, code in ((30, 200), (90, 403)):
        ended = timezone.now() - timedelta(seconds=age)
        Job.objects.filter(pk=sent_job.pk).update(_status="COM", completion_time=ended)
        assert client.get(address(sent_job.pk)).status_code == code


def test_a_key_of_before_a_rotation_is_good_while_the_setting_names_it(client, sent_job, settings):
    former = address(sent_job.pk)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "a new one", [settings.SECRET_KEY]
    assert client.get(former).status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    assert client.get(former).status_code == 403


def test_too_many_calls_about_a_job_are_told_when_to_come_again(client, sent_job, settings):
    settings.ROOST_CALLBACKS_A_JOB = 3
    answers = [client.get(address(sent_job.pk)) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1].headers["Retry-After"]) > 0
    Hint.objects.update(window=timezone.now())
    assert client.get(address(sent_job.pk)).status_code == 200


def test_too_many_calls_from_an_address_are_refused_whatever_they_are_about(client, make_job, settings):
    settings.ROOST_CALLBACKS_AN_ADDRESS = 3
    jobs = [make_job(str(number)) for number in range(5)]
    assert [client.get(address(job.pk)).status_code for job in jobs] == [200, 200, 200, 429, 429]
    assert client.get(address(jobs[0].pk), REMOTE_ADDR="10.1.2.3").status_code == 200


def test_calls_from_an_address_are_counted_over_all_processes(sent_job, settings):
    """Each has a row of its own, which nobody else waits for."""
    settings.ROOST_CALLBACKS_AN_ADDRESS, settings.ROOST_CALLBACKS_A_JOB = 5, 0
    call = Call(sent_job.pk, "10.0.0.1")
    verdicts = [hear([call], process)[0].verdict for process in (1, 2, 3, 1, 2, 3, 4)]
    assert verdicts == [Verdict.TAKEN] * 5 + [Verdict.TOO_MANY] * 2
    assert Throttle.objects.count() == 4
    assert hear([Call(sent_job.pk, "10.0.0.2")], 1)[0].verdict is Verdict.TAKEN
    Throttle.objects.update(until=timezone.now())
    assert hear([call], 1)[0].verdict is Verdict.TAKEN


def test_below_their_share_processes_do_not_ask_what_others_have_counted(sent_job, settings):
    settings.ROOST_CALLBACKS_AN_ADDRESS = 32
    hear([Call(sent_job.pk, "10.0.0.1")], 1)
    with CaptureQueriesContext(connection) as queries:
        hear([Call(sent_job.pk, "10.0.0.1")], 1)
        below = len(queries)
        hear([Call(sent_job.pk, "10.0.0.1")], 1)
    assert len(queries) - below == below + 1


def test_the_bare_form_is_for_closed_networks_only(client, sent_job, settings):
    bare = [f"/update-job-status/{pk}/" for pk in (sent_job.pk, 999_999)]
    assert [client.get(each).status_code for each in bare] == [403, 403]
    settings.ROOST_OPEN_CALLBACKS = True
    assert [client.get(each).json() for each in bare] == [{"success": True}] * 2
    assert client.get(address(sent_job.pk, "x")).status_code == 403
    assert len(hints.take_due(Attempt.objects.get().scheduler_id)) == 1


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_nothing_else_is_taken(client, sent_job, method):
    assert getattr(client, method)(address(sent_job.pk)).status_code == 405


# --- signed reports ---------------------------------------------------------------------------------------


def report(client: Any, job: Job, what: Any, **but: Any) -> Any:
    """A good one, but for what is said."""
    content = what if isinstance(what, bytes) else json.dumps(what).encode()
    version = but.get("version", callbacks.version_of(job.number_of_attempts))
    nonce, stamp = but.get("nonce", f"n{time.monotonic_ns()}"), str(int(but.get("at", time.time())))
    signature = callbacks.sign_report(but.get("key_of", job.pk), version, nonce, stamp, content)
    headers = {
        "X-Roost-Key": version,
        "X-Roost-Id": but.get("other_nonce", nonce),
        "X-Roost-Timestamp": stamp,
        "X-Roost-Signature": but.get("signature", signature),
    }
    body = but.get("body", content)
    return client.post(
        f"/update-job-status/{job.pk}/", body, content_type="application/json", headers=headers
    )


def test_an_external_job_is_as_its_report_says(client, external_job):
    assert report(client, external_job, {"status": "RUN", "message": "half way"}).json() == {"success": True}
    assert status_of(external_job) == "RUN"
    assert report(client, external_job, {"status": "COM", "exit_code": 0}).status_code == 200
    assert status_of(external_job) == "COM"


@pytest.mark.parametrize(
    "wrong",
    [
        {"key_of": 424242},
        {"body": b'{"status": "COM"}'},
        {"other_nonce": "another"},
        {"version": "2.0"},
        {"version": "1.1"},
        {"version": "1"},
        {"nonce": "a b"},
        {"nonce": "x" * 65},
        {"signature": ""},
        {"signature": "é"},
        {"at": 0},
    ],
)
def test_what_is_not_signed_as_it_must_be_is_refused_in_the_same_words(client, external_job, wrong):
    answer = report(client, external_job, {"status": "ERR"}, **wrong)
    assert answer.status_code == 403
    assert answer.content == client.get(address(external_job.pk, "x")).content
    assert status_of(external_job) == "SUB"


@pytest.mark.parametrize("age", [-callbacks.BELIEVED_SECONDS - 5, callbacks.BELIEVED_SECONDS + 5])
def test_a_report_of_another_time_is_not_believed(client, external_job, age):
    assert report(client, external_job, {"status": "COM"}, at=time.time() - age).status_code == 403


def test_a_report_is_taken_once(client, external_job):
    assert report(client, external_job, {"status": "RUN"}, nonce="once").status_code == 200
    assert report(client, external_job, {"status": "PAS"}, nonce="once").status_code == 409
    assert status_of(external_job) == "RUN"


def test_receipts_are_kept_as_long_as_a_report_is_believed_and_no_longer(client, external_job):
    report(client, external_job, {"status": "RUN"})
    hints.drop_old(timezone.now() + timedelta(seconds=2 * callbacks.BELIEVED_SECONDS))
    assert Report.objects.count() == 1
    hints.drop_old(timezone.now() + timedelta(hours=1))
    assert Report.objects.count() == 0


def test_a_key_that_was_replaced_is_good_no_more(client, external_job):
    KeyVersion.objects.create(job_id=external_job.pk, version=1)
    assert report(client, external_job, {"status": "RUN"}).status_code == 403
    assert report(client, external_job, {"status": "RUN"}, version="1.1").status_code == 200


def test_the_key_of_a_former_attempt_is_good_no_more(client, external_job):
    Job.objects.filter(pk=external_job.pk).update(number_of_attempts=2)
    assert report(client, external_job, {"status": "COM"}, version="1.0").status_code == 403


def test_a_job_that_has_a_pool_is_told_of_and_never_completed(client, sent_job):
    what = {"status": "COM", "message": "warming up", "progress": 40, "slice": 3, "run": "r1"}
    assert report(client, sent_job, what).json() == {"success": True}
    sent_job.refresh_from_db()
    assert (sent_job._status, sent_job.status_message) == ("RUN", "slice 3: warming up (40 %)")
    assert Report.objects.get().said == what
    assert len(hints.take_due(Attempt.objects.get().scheduler_id)) == 1


@pytest.mark.parametrize(
    "what",
    [
        [],
        {},
        {"status": 5},
        {"status": "RUN", "message": []},
        {"progress": 101},
        {"progress": True},
        {"progress": float("nan")},
        {"owner": "charlie"},
        b"{",
        b"\xff",
        b"[" * 10_000,
    ],
    ids=lambda what: str(what)[:20],
)
def test_a_report_without_sense_is_refused_with_the_form_it_should_have(client, external_job, what):
    assert report(client, external_job, what).status_code == 400
    assert not Report.objects.exists()


def test_progress_of_an_external_job_draws_its_bar_everywhere(client, external_job, alice):
    assert report(client, external_job, {"progress": 73.5}).status_code == 200
    client.force_login(alice)
    bar = '<title>73.5 %</title><rect class="done" x="0.0" width="73.5"'
    assert bar in client.get(f"/jobs/{external_job.pk}/").content.decode()
    assert bar in client.get("/jobs/").content.decode()
    assert client.get(f"/api/v1/jobs/{external_job.pk}").json()["progress"] == 73.5


def test_new_progress_is_news_to_who_has_the_page_open(client, external_job, alice):
    client.force_login(alice)
    page = f"/jobs/{external_job.pk}/"
    etag = client.get(page).headers["ETag"]
    assert client.get(page, headers={"If-None-Match": etag}).status_code == 304
    report(client, external_job, {"progress": 10})
    assert client.get(page, headers={"If-None-Match": etag}).status_code == 200


def test_the_bar_of_an_external_job_ends_with_it(client, external_job, alice):
    report(client, external_job, {"status": "RUN", "progress": 73.5})
    report(client, external_job, {"status": "COM", "progress": 99})
    client.force_login(alice)
    page = client.get(f"/jobs/{external_job.pk}/").content.decode()
    assert '<title>1 slice: 1 done</title><rect class="done" x="0.0" width="100.0"' in page
    assert client.get(f"/api/v1/jobs/{external_job.pk}").json()["progress"] is None


@pytest.mark.parametrize(
    ("what", "message", "progress"),
    [
        ({"slice": 2, "message": "warming up"}, "slice 2: warming up", None),
        ({"slice": 2, "message": "warming up", "progress": 40}, "slice 2: warming up (40 %)", None),
        ({"slice": 2, "progress": 40}, "slice 2 (40 %)", None),
        ({"slice": 0, "status": "RUN"}, "slice 0", None),
        ({"message": "warming up", "progress": 40}, "warming up", 40),
    ],
)
def test_what_is_said_of_a_slice_of_an_external_job_names_it(client, external_job, what, message, progress):
    assert report(client, external_job, what).status_code == 200
    external_job.refresh_from_db()
    assert (external_job.status_message, external_job.progress) == (message, progress)


def test_progress_leaves_the_message_as_it_is(client, external_job):
    report(client, external_job, {"message": "warming up"})
    report(client, external_job, {"progress": 40, "run": "RUNID-77"})
    external_job.refresh_from_db()
    assert external_job.status_message == "warming up"


def test_the_run_of_an_external_job_is_in_its_history_once_for_each_attempt(client, external_job, alice):
    for number in range(3):
        report(client, external_job, {"progress": number, "run": "RUNID-77"})
    assert [row.why for row in external_job.history.all()] == ["Its run is RUNID-77."]
    external_job.stop()
    external_job.directory.mkdir(parents=True)
    external_job.resubmit()
    external_job.refresh_from_db()
    report(client, external_job, {"run": "RUNID-77"})
    client.force_login(alice)
    assert client.get(f"/jobs/{external_job.pk}/").content.decode().count("Its run is RUNID-77.") == 2
    events = client.get(f"/api/v1/jobs/{external_job.pk}/events").json()["events"]
    assert [row["attempt"] for row in events if "RUNID" in row["why"]] == [1, 2]


@pytest.mark.parametrize("what", [{"progress": 50, "run": "late"}, {"run": "late"}, {"slice": 2}])
def test_nothing_is_reported_of_a_job_that_is_over(client, external_job, what):
    report(client, external_job, {"status": "COM"})
    answer = report(client, external_job, what)
    assert answer.status_code == 409
    assert "it is Complete" in answer.json()["error"]
    assert not external_job.history.filter(why__contains="late").exists()


def test_a_report_that_is_too_long_is_refused_before_it_is_read(client, external_job):
    assert report(client, external_job, {"message": "x" * update_job_status.LARGEST_BODY}).status_code == 413


def test_what_cannot_follow_is_said(client, external_job):
    report(client, external_job, {"status": "COM"})
    answer = report(client, external_job, {"status": "RUN"})
    assert answer.status_code == 409
    assert "Complete" in answer.json()["error"]
    assert Report.objects.order_by("-id")[0].refused == answer.json()["error"]


def test_a_report_whose_process_died_is_acted_upon_by_the_sweeper(client, external_job, monkeypatch):
    monkeypatch.setattr(said, "act_upon", lambda *_: "")
    report(client, external_job, {"status": "RUN"})
    assert status_of(external_job) == "SUB"
    said.act_upon_the_rest()
    assert status_of(external_job) == "SUB"  # whoever took it may still be at it
    Report.objects.update(received=timezone.now() - timedelta(minutes=1))
    said.act_upon_the_rest()
    assert status_of(external_job) == "RUN"


def test_the_capability_alone_cannot_report(client, external_job):
    client.post(address(external_job.pk), json.dumps({"status": "COM"}), content_type="application/json")
    assert status_of(external_job) == "SUB"


def test_hostile_text_is_kept_as_text(client, sent_job):
    report(client, sent_job, {"message": "\x00<script>\ud800"})
    sent_job.refresh_from_db()
    assert sent_job.status_message == "\\x00<script>\\ud800"
