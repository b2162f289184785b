from __future__ import annotations

from pathlib import Path

import pytest

from jobs_app.pools.base import Event, EventKind, Refused
from jobs_app.pools.embedded.journal import Journal
from jobs_app.pools.embedded.places import Places

FULL = Path("/dev/full")


def event(number: int) -> Event:
    return Event(EventKind.STARTED, "a", 1.0, step="run", slice=number)


def read(journal: Journal, segment: str, offset: int) -> list[object]:
    return [record for _, record in journal.records(segment, offset)]


@pytest.fixture
def places(tmp_path: Path) -> Places:
    places = Places(tmp_path / "pool")
    places.make()
    return places


@pytest.fixture
def journal(places: Places) -> Journal:
    return Journal(places)


def test_what_is_flushed_can_be_read_from_an_offset_on(journal: Journal) -> None:
    journal.add("s", event(0))
    journal.flush()
    middle = journal.size("s")
    journal.add("s", event(1))
    journal.flush()
    assert read(journal, "s", 0) == [event(0), event(1)]
    assert read(journal, "s", middle) == [event(1)]


def test_while_the_disk_is_full_events_wait_and_none_is_lost(places: Places, journal: Journal) -> None:
    places.segment("s").symlink_to(FULL)
    for number in range(3):
        journal.add("s", event(number))
        assert journal.flush() == []
        assert journal.is_behind
        assert "No space left" in journal.trouble
    places.segment("s").unlink()
    assert journal.flush() == ["s"]
    assert not journal.is_behind
    assert journal.trouble == ""
    assert read(journal, "s", 0) == [event(0), event(1), event(2)]


def test_what_was_written_in_part_is_completed(
    places: Places, journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    whole = os.write
    monkeypatch.setattr("os.write", lambda handle, data: whole(handle, bytes(data[:10])))
    journal.add("s", event(7))
    journal.flush()
    assert journal.is_behind
    assert "10 bytes" in journal.trouble
    monkeypatch.setattr("os.write", whole)
    journal.flush()
    assert read(journal, "s", 0) == [event(7)]


def test_a_torn_line_is_closed_and_passed_over(places: Places, journal: Journal) -> None:
    journal.add("s", event(0))
    journal.flush()
    with places.segment("s").open("ab") as file:
        file.write(b'{"kind":"started","attempt":"a","at":1.0,"st')
    Journal(places).mend()
    journal.add("s", event(1))
    journal.flush()
    assert read(journal, "s", 0) == [event(0), event(1)]


def test_mending_leaves_whole_segments_alone(places: Places, journal: Journal) -> None:
    journal.add("s", event(0))
    journal.flush()
    places.segment("empty").touch()
    before = places.segment("s").read_bytes()
    journal.mend()
    assert places.segment("s").read_bytes() == before
    assert places.segment("empty").read_bytes() == b""


def test_a_batch_that_cannot_be_written_leaves_nothing(places: Places, journal: Journal) -> None:
    (places.batches / ".token.json").symlink_to(FULL)
    with pytest.raises(Refused, match="No space left"):
        journal.keep("token", {"x": 1})
    assert not journal.has("token")
    assert list(places.batches.iterdir()) == []


def test_a_batch_half_written_by_a_daemon_that_died_is_thrown_away(places: Places, journal: Journal) -> None:
    (places.batches / ".half.json").write_text('{"sen')
    journal.keep("whole", {"x": 1})
    assert list(journal.batches()) == [("whole", {"x": 1})]
    assert [path.name for path in places.batches.iterdir()] == ["whole.json"]


def test_batches_come_in_the_order_in_which_they_were_sent(journal: Journal) -> None:
    names = ["c", "a", "b"]
    for name in names:
        journal.keep(name, {})
    assert [token for token, _ in journal.batches()] == names


def test_each_record_comes_with_its_place(places: Places, journal: Journal) -> None:
    for number in range(3):
        journal.add("s", event(number))
    journal.flush()
    places_of_records = [place for place, _ in journal.records("s", 0)]
    assert [next(iter(journal.records("s", place)))[1] for place in places_of_records] == [
        event(0),
        event(1),
        event(2),
    ]


def test_a_checkpoint_says_up_to_where_it_holds(journal: Journal) -> None:
    journal.add("s", event(0))
    journal.flush()
    journal.keep_checkpoint({"a": {"x": 1}})
    assert journal.checkpoint() == ({"s": journal.size("s")}, {"a": {"x": 1}})


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"works": {}}', b"\xff"])
def test_a_damaged_checkpoint_is_none(places: Places, journal: Journal, content: bytes) -> None:
    places.checkpoint.write_bytes(content)
    assert journal.checkpoint() == ({}, {})


def test_without_room_there_is_no_checkpoint(places: Places, journal: Journal) -> None:
    (places.folder / ".checkpoint").symlink_to(FULL)
    journal.keep_checkpoint({"a": {}})
    assert journal.checkpoint() == ({}, {})


@pytest.mark.parametrize("content", [b"", b'{"sending": ', b"\xff"])
def test_a_damaged_batch_is_put_aside_and_the_others_go_on(
    journal: Journal, places: Places, content: bytes
) -> None:
    journal.keep("good", {"offset": 0})
    places.batch("bad").write_bytes(content)
    assert list(journal.batches()) == [("good", {"offset": 0})]
    assert list(journal.batches()) == [("good", {"offset": 0})]
    assert (places.batches / "bad.damaged").read_bytes() == content
