"""What HTCondor's commands answer, also when it makes no sense."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from jobs_app.pools.base import Garbled
from jobs_app.pools.condor import answers
from jobs_app.states import SliceState

HELLO = """\
root /home/alice/roost
now 1795213754
offset +0000
zone Etc/UTC
condor $CondorVersion: 23.9.6 $
node abc
node def
"""


def test_an_access_point_says_where_it_is_and_what_it_has() -> None:
    said = answers.hello(HELLO)
    assert (said.root, said.clock, said.nodes) == ("/home/alice/roost", 1795213754, {"abc", "def"})
    assert datetime(2026, 7, 1, tzinfo=said.zone).utcoffset() == timedelta(0)


@pytest.mark.parametrize(
    ("said", "account"),
    [("", ""), ("account alice\n", "alice"), ('account a" || true\n', ""), ("account\n", "")],
)
def test_an_access_point_says_who_we_are_there(said: str, account: str) -> None:
    """It becomes a part of what is asked for."""
    assert answers.hello(HELLO + said).account == account


@pytest.mark.parametrize(("offset", "minutes"), [("+0530", 330), ("-0930", -570), ("+1300", 780)])
def test_a_zone_without_a_name_is_its_offset(offset: str, minutes: int) -> None:
    said = answers.hello(HELLO.replace("+0000", offset).replace("Etc/UTC", ""))
    assert datetime.now(said.zone).utcoffset() == timedelta(minutes=minutes)


def test_a_zone_whose_name_and_offset_disagree_is_its_offset() -> None:
    said = answers.hello(HELLO.replace("+0000", "+0530"))
    assert datetime.now(said.zone).utcoffset() == timedelta(minutes=330)
    assert answers.hello(HELLO.replace("Etc/UTC", "No/Where")).zone.utcoffset(datetime.now(UTC)) == timedelta(
        0
    )


@pytest.mark.parametrize(
    "text", ["", "bash: no such command", HELLO.replace("now 1", "now x"), "Welcome to ap!\n"]
)
def test_a_first_answer_that_cannot_be_read_is_shown(text: str) -> None:
    with pytest.raises(Garbled, match="cannot be read"):
        answers.hello(text)


def test_a_sendings_standing_is_read() -> None:
    said = answers.standing("done 0.0 12.0 - 12.99\ndone 1.1 13.0\nrefused 1.0 ERROR: no such thing \n")
    assert said.clusters == {(0, 0): 12, (1, 1): 13}
    assert said.refused == {(1, 0): "ERROR: no such thing "}
    assert (said.epoch, said.missing) == (0, False)
    assert answers.standing("missing\nepoch 3\n") == answers.Standing({}, {}, 3, missing=True)


@pytest.mark.parametrize(
    "text", ["done 0.0 ERROR", "done 0.0", "done 0 12.0", "done", "\n", "epoch x", "done a.b 1.0"]
)
def test_a_submits_answer_that_cannot_be_read_is_shown(text: str) -> None:
    with pytest.raises(Garbled, match="cannot be read"):
        answers.standing(text)


def test_no_jobs_are_no_text_or_an_empty_list() -> None:
    assert answers.ads(b"") == answers.ads(b"\n") == answers.ads(b"[\n]\n") == []


@pytest.mark.parametrize("text", [b"-- Failed to fetch ads", b"[{", b'{"ClusterId": 1}', b"\xff\xfe"])
def test_ads_that_cannot_be_read_are_an_error_and_never_no_jobs(text: bytes) -> None:
    with pytest.raises(Garbled):
        answers.ads(text)


@pytest.mark.parametrize(
    ("ad", "state"),
    [
        ({"JobStatus": 1}, SliceState.WAITING),
        ({"JobStatus": 2}, SliceState.RUNNING),
        ({"JobStatus": 3}, SliceState.REMOVED),
        ({"JobStatus": 4, "ExitCode": 0, "ExitBySignal": False}, SliceState.DONE),
        ({"JobStatus": 4, "ExitCode": 1, "ExitBySignal": False}, SliceState.FAILED),
        ({"JobStatus": 4, "ExitBySignal": True}, SliceState.FAILED),
        ({"JobStatus": 4}, SliceState.FAILED),
        ({"JobStatus": 5}, SliceState.HELD),
        ({"JobStatus": 6}, SliceState.RUNNING),
        ({"JobStatus": 7}, SliceState.SUSPENDED),
    ],
)
def test_a_jobs_status_is_a_slices_state(ad: dict[str, object], state: SliceState) -> None:
    assert answers.state(ad) == state


@pytest.mark.parametrize("status", [None, 0, 8, "2", "Idle"])
def test_a_status_that_means_nothing_is_an_error(status: object) -> None:
    with pytest.raises(Garbled, match="means nothing"):
        answers.state({"JobStatus": status})


def test_strings_in_expressions_are_tokens_only() -> None:
    assert answers.strings(["ab", "cd"]) == '"ab", "cd"'
