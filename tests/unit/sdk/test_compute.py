from __future__ import annotations

from typing import Any

import pytest

from jobs_app.compute import default_scheduler
from jobs_app.errors import BadParameter, UnknownScheduler
from jobs_app.models import Scheduler
from jobs_app.sdk.compute import create_scheduler, get_scheduler, list_schedulers

pytestmark = pytest.mark.django_db


def test_the_embedded_one_is_always_there_and_first() -> None:
    create_scheduler("ruby", "ruby.example").save()
    assert [scheduler.name for scheduler in list_schedulers()] == ["embedded", "ruby"]
    assert list_schedulers()[0].kind == Scheduler.EMBEDDED
    assert Scheduler.objects.count() == 2


def test_a_scheduler_is_got_by_its_name() -> None:
    create_scheduler("ruby", "ruby.example", username="alice", private_key_path="/keys/a", port=2222).save()
    ruby = get_scheduler("ruby")
    assert ruby is not None
    assert (ruby.host, ruby.username, ruby.private_key_path, ruby.port) == (
        *("ruby.example", "alice", "/keys/a"),
        2222,
    )
    assert get_scheduler("embedded") == list_schedulers()[0]
    assert get_scheduler("nope") is None


def test_a_new_scheduler_is_not_saved_until_its_caller_saves_it() -> None:
    scheduler = create_scheduler("ruby", "ruby.example")
    assert scheduler.pk is None
    assert not Scheduler.objects.filter(name="ruby").exists()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"passwort": "secret"}, "'passwort' is not a field of a scheduler. Did you mean 'password'?"),
        ({"prot": 22}, "'prot' is not a field of a scheduler. Did you mean 'port'?"),
        ({"scheduler_type": "dask"}, "'dask' is not a type of a scheduler"),
    ],
)
def test_what_a_scheduler_does_not_have_is_refused(given: Any, message: str) -> None:
    with pytest.raises(BadParameter) as caught:
        create_scheduler("ruby", "ruby.example", **given)
    assert message in str(caught.value)
    assert "secret'" not in str(caught.value)


def test_a_job_that_names_none_goes_where_the_setting_says_else_to_the_embedded(settings: Any) -> None:
    create_scheduler("ruby", "ruby.example").save()
    assert default_scheduler().name == "embedded"
    settings.ROOST_SCHEDULER = "ruby"
    assert default_scheduler().name == "ruby"
    settings.ROOST_SCHEDULER = "rubin"
    with pytest.raises(UnknownScheduler, match="Did you mean 'ruby'"):
        default_scheduler()


def test_a_schedd_on_this_machine_goes_before_the_embedded(monkeypatch: pytest.MonkeyPatch) -> None:
    create_scheduler("here").save()
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    assert default_scheduler().name == "here"
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert default_scheduler().name == "embedded"
