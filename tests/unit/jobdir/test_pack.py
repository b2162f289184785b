from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs_app.errors import Damaged
from jobs_app.jobdir.output import Output
from jobs_app.jobdir.pack import LARGEST, Pack
from tests.unit.jobdir import names_in


def test_pieces_are_found_by_number_whatever_their_order(tmp_path: Path) -> None:
    pack = Pack(tmp_path / "results")
    for number in (7, 0, 1_000_000):
        pack.add(number, b"piece %d" % number)
    assert pack.get(7) == b"piece 7"
    assert pack.get(1_000_000) == b"piece 1000000"
    assert pack.get(8) is None
    assert list(pack.numbers()) == [0, 7, 1_000_000]
    assert names_in(tmp_path / "results") == ["index", "pack"]


def test_nothing_is_found_where_nothing_was_packed(tmp_path: Path) -> None:
    assert Pack(tmp_path).get(0) is None
    assert list(Pack(tmp_path).numbers()) == []
    Pack(tmp_path).remove(0)
    assert names_in(tmp_path) == []


@given(st.lists(st.tuples(st.integers(0, 5), st.none() | st.binary(min_size=1, max_size=9)), max_size=20))
def test_the_last_word_on_a_number_counts(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[int, bytes | None]]
) -> None:
    pack, wanted = Pack(tmp_path_factory.mktemp("pack")), {}
    for number, piece in steps:
        if piece is None:
            pack.remove(number)
            wanted.pop(number, None)
        else:
            pack.add(number, piece)
            wanted[number] = piece
    assert {number: pack.get(number) for number in pack.numbers()} == wanted


def test_many_may_add_at_once(tmp_path: Path) -> None:
    def add(first: int) -> None:
        for number in range(first, 400, 4):
            Pack(tmp_path).add(number, b"x" * number + b"end")

    threads = [threading.Thread(target=add, args=(first,)) for first in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [Pack(tmp_path).get(number) for number in range(400)] == [b"x" * n + b"end" for n in range(400)]


def test_killed_before_its_place_is_written_a_piece_is_not_there_and_the_old_one_still_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pack = Pack(tmp_path)
    pack.add(1, b"old")

    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Pack, "_put", die)
        with pytest.raises(KeyboardInterrupt):
            pack.add(1, b"new")
        with pytest.raises(KeyboardInterrupt):
            pack.add(2, b"another")
    assert (pack.get(1), pack.get(2)) == (b"old", None)
    pack.add(3, b"after")
    assert pack.get(3) == b"after"


def test_a_piece_that_is_not_as_it_was_written_is_damage(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    pack.add(0, b"piece")
    pack.pack.write_bytes(b"peace")
    with pytest.raises(Damaged, match="piece 0 is not as it was written"):
        pack.get(0)


def test_half_a_place_is_none(tmp_path: Path) -> None:
    pack = Pack(tmp_path)
    pack.add(0, b"piece")
    os.truncate(pack.index, 10)
    assert pack.get(0) is None


# --- output -------------------------------------------------------------------------------------------------


@pytest.fixture
def output(tmp_path: Path) -> Output:
    for name in ("prepare", "0", "3"):
        (tmp_path / name).write_text(f"of {name}\n")
    return Output(tmp_path)


def test_packed_output_reads_like_any_other(output: Output) -> None:
    output.pack(3)
    assert names_in(output.folder) == ["0", "index", "pack", "prepare"]
    assert output.names() == ["prepare", 0, 3]
    assert output.parts() == {"prepare": "of prepare\n", 0: "of 0\n", 3: "of 3\n"}
    assert (output.size(3), output.size("3"), output.size(0), output.size(9)) == (5, 5, 5, 0)
    assert output.read(3, 3) == b"3\n"
    assert output.read(3, 1, 2) == b"f "
    assert output.read(0, 1, 2) == b"f "
    assert output.read(3, 99) == b""


def test_a_new_try_that_prints_is_read_from_its_file_and_then_packed(output: Output) -> None:
    output.pack(3)
    (output.folder / "3").write_text("again")
    assert output.text(3) == "again"
    output.pack(3)
    assert output.text(3) == "again"
    assert names_in(output.folder) == ["0", "index", "pack", "prepare"]


def test_a_new_try_that_prints_nothing_has_no_old_output(output: Output) -> None:
    output.pack(3)
    output.pack(3)  # it left no file
    assert output.text(3) == ""
    assert output.names() == ["prepare", 0]


def test_long_output_keeps_its_file(output: Output) -> None:
    (output.folder / "0").write_bytes(b"x" * (LARGEST + 1))
    output.pack(0)
    assert names_in(output.folder) == ["0", "3", "prepare"]


@pytest.mark.parametrize("part", ["../0", "a/b", "pack2", "unheard-of"])
def test_a_part_that_is_none_has_no_output(output: Output, part: str) -> None:
    (output.folder.parent / "0").write_text("outside")
    if ".." in part:
        with pytest.raises(ValueError, match="leads out"):
            output.read(part)
    else:
        assert output.read(part) == b""
