"""Results on their way home: what a node sends is material to be checked."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import tarfile
import tracemalloc
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jobs_app.jobdir import facts
from jobs_app.jobdir.facts import Fact
from jobs_app.jobdir.layout import JobPaths
from jobs_app.pools.base import Garbled, Step, Task
from jobs_app.pools.condor import away, results
from jobs_app.pools.condor.received import Received
from jobs_app.states import SliceState

Files = dict[str, bytes]


def tar(files: Files, *special: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
        for member in special:
            archive.addfile(member)
    return buffer.getvalue()


def record(files: Files, **known: Any) -> bytes:
    listed = {
        name: {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()
    }
    ended = {
        "exit_code": 0,
        "signal": 0,
        "start": 10.0,
        "end": 12.0,
        "cpu_seconds": 1.5,
        "memory_bytes": 4096,
    }
    return json.dumps({**ended, "host": "node", "files": listed, **known}).encode()


def out(*slices: Files) -> Files:
    """The folder `out/` as it comes: record, files and log of each slice."""
    found: Files = {}
    for number, files in enumerate(slices):
        found[f"out/{number}.json"] = record(files)
        found[f"out/{number}.tar"] = tar(files)
        found[f"out/{number}.log"] = f"slice {number}\n".encode()
    return found


def a_task(job: Path, script: str = "", slices: int = 2) -> Task:
    return Task("a" * 32, 7, 1, str(job), (Step("run", slices),), script=script)


def unpack(job: Path, files: Files, script: str = "") -> None:
    results.unpack(io.BytesIO(tar(files)), a_task(job, script), job)


@pytest.fixture
def job(tmp_path: Path) -> Path:
    (tmp_path / "job").mkdir()
    return tmp_path / "job"


def tree(job: Path) -> dict[str, bytes]:
    files = (path for path in job.rglob("*") if path.is_file() and path.name != "facts")
    return {path.relative_to(job).as_posix(): path.read_bytes() for path in files}


def test_files_output_and_facts_come_to_their_places(job: Path) -> None:
    unpack(job, out({"a.txt": b"A"}, {"sub/b.txt": b"B"}))
    assert tree(job) == {"a.txt": b"A", "sub/b.txt": b"B", "OUTPUT/0": b"slice 0\n", "OUTPUT/1": b"slice 1\n"}
    fact = facts.read(JobPaths(job).attempt(1).facts, "run", 1)
    assert fact is not None
    assert (fact.state, fact.seconds, fact.memory_bytes, fact.output_bytes) == (SliceState.DONE, 2.0, 4096, 8)


def test_a_stream_without_a_byte_is_no_result(job: Path) -> None:
    with pytest.raises(Garbled, match="not a byte"):
        results.unpack(io.BytesIO(b""), a_task(job), job)


def test_what_ended_well_and_left_no_record_did_not_arrive(job: Path) -> None:
    came = out({"a": b"A"}, {"a": b"A"}, {"a": b"A"}, {"a": b"A"})
    task = replace(a_task(job, slices=4), well=(("run", 0, 1), ("run", 2, 2)))
    results.unpack(io.BytesIO(tar({name: came[name] for name in came if "/1." not in name})), task, job)
    with pytest.raises(Garbled, match=r"nothing came of slice 3, which ended well"):
        results.unpack(
            io.BytesIO(tar({name: came[name] for name in came if "/3.json" not in name})), task, job
        )


def test_bringing_them_again_changes_nothing(job: Path) -> None:
    for _ in range(2):
        unpack(job, out({"a.txt": b"A"}, {"b.txt": b"B"}))
    assert set(tree(job)) == {"a.txt", "b.txt", "OUTPUT/0", "OUTPUT/1"}


def test_the_same_name_with_other_content_overwrites_nothing(job: Path) -> None:
    unpack(job, out({"who": b"0", "same": b"="}, {"who": b"1", "same": b"="}))
    found = tree(job)
    assert (found["slices/0/who"], found["slices/1/who"], found["same"]) == (b"0", b"1", b"=")
    assert "who" not in found


@pytest.mark.parametrize(
    "name",
    ["signac_statepoint.json", "setup.json", "OUTPUT/0", ".roost/manifest.json", ".roost/attempts/1/facts"],
)
def test_a_program_cannot_replace_what_roost_keeps(job: Path, name: str) -> None:
    (job / name).parent.mkdir(parents=True, exist_ok=True)
    (job / name).write_bytes(b"ours")
    unpack(job, {"out/0.json": record({name: b"theirs"}), "out/0.tar": tar({name: b"theirs"})})
    assert tree(job).get(f"slices/0/{name}", (job / "slices/0" / name).read_bytes()) == b"theirs"
    assert (job / name).read_bytes() != b"theirs"


@pytest.mark.parametrize(
    "name", ["post.json", ".roost/manifest.json", ".roost/attempts/1/errors/3.json", "OUTPUT/3"]
)
def test_a_script_brings_what_its_runner_wrote(job: Path, name: str) -> None:
    unpack(job, {"out/0.json": record({name: b"x"}), "out/0.tar": tar({name: b"x"})}, script="a.py")
    assert (job / name).read_bytes() == b"x"


@pytest.mark.parametrize(
    "name",
    [
        "signac_statepoint.json",
        ".roost/source/a.py",
        ".roost/attempts/1/spec.json",
        ".roost/attempts/2/facts",
    ],
)
def test_a_script_cannot_replace_what_the_server_wrote(job: Path, name: str) -> None:
    unpack(job, {"out/0.json": record({name: b"x"}), "out/0.tar": tar({name: b"x"})}, script="a.py")
    assert not (job / name).exists()


@pytest.mark.parametrize("name", ["../evil", "/etc/evil", "a/../../evil", "a\nb", "x" * 300])
def test_a_name_that_leads_out_is_refused_and_nothing_is_delivered(job: Path, name: str) -> None:
    with pytest.raises(Garbled, match="Slice 0 sent a file that cannot be kept"):
        unpack(job, {"out/0.json": record({name: b"x"}), "out/0.tar": tar({name: b"x", "good": b"y"})})
    assert not (job / "good").exists()
    assert not (job.parent / "evil").exists()


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE]
)
def test_what_is_no_plain_file_is_refused(job: Path, kind: bytes) -> None:
    member = tarfile.TarInfo("link")
    member.type, member.linkname = kind, "/etc/passwd"
    with pytest.raises(Garbled, match=r"no plain file|cannot be read"):
        unpack(job, {"out/0.json": record({}), "out/0.tar": tar({}, member)})


def test_files_that_changed_on_the_way_are_named(job: Path) -> None:
    files = {"a.txt": b"A"}
    with pytest.raises(Garbled, match=r"job 7 did not arrive as they were made: slice 0: a\.txt"):
        unpack(job, {"out/0.json": record(files), "out/0.tar": tar({"a.txt": b"B"})})
    assert not (job / "a.txt").exists()


def test_files_that_are_missing_are_named(job: Path) -> None:
    with pytest.raises(Garbled, match=r"slice 0: a\.txt, b\.txt"):
        unpack(job, {"out/0.json": record({"a.txt": b"A", "b.txt": b""}), "out/0.tar": tar({})})


def test_a_slice_that_was_removed_may_have_brought_less_and_nothing_of_it_is_taken(job: Path) -> None:
    files = out({"a": b"1", "b": b"2"}, {"a": b"1"})
    files["out/0.tar"] = tar({"a": b"1"})
    task = replace(a_task(job), lost=(("run", 0, 1),))
    results.unpack(io.BytesIO(tar(files)), task, job)
    assert (job / "a").read_bytes() == b"1"
    assert not (job / "b").exists()
    assert (job / "OUTPUT" / "0").read_text() == "slice 0\n"
    assert facts.read(JobPaths(job).attempt(1).facts, "run", 0) is None


@pytest.mark.parametrize("lost", [(("prepare", 0, 1),), (("synthesis", 0, 1),), (("analysis", 1, 1),)])
@pytest.mark.parametrize("size", [10240, 2000, 100, 0])
@pytest.mark.parametrize("said", [b"", b"{}", b'{"exit_code": 0, "fi'])
def test_a_script_in_one_proc_that_was_removed_before_its_results_were_here_is_no_error(
    job: Path, lost: tuple[tuple[str, int, int], ...], said: bytes, size: int
) -> None:
    """Whatever it had told of its parts before."""
    task = replace(a_task(job, "a.py"), lost=lost)
    files = {"out/0.json": said, "out/0.tar": tar({"a": b"1" * 5000})[:size], "out/0.log": b"x"}
    results.unpack(io.BytesIO(tar(files)), task, job)
    assert tree(job) == {}


def test_half_a_script_s_results_are_an_error_if_nobody_removed_it(job: Path) -> None:
    with pytest.raises(Garbled, match="cannot be read"):
        unpack(job, {"out/0.json": b"{}", "out/0.tar": tar({"a": b"1" * 5000})[:2000]}, "a.py")


def test_a_part_of_a_script_does_not_lose_what_another_one_left(job: Path) -> None:
    task = replace(a_task(job, "a.py"), lost=(("analysis", 1, 1),))
    files = {"out/0.json": b"{}", "out/0.tar": tar({"a": b"1"}), "out/1.json": b"{}", "out/1.tar": b""}
    with pytest.raises(Garbled, match="slice 0: a"):
        results.unpack(io.BytesIO(tar(files)), task, job)


def test_half_an_archive_is_an_error(job: Path) -> None:
    files = {"a.txt": b"A" * 5000}
    with pytest.raises(Garbled, match=r"cannot be read|did not arrive"):
        unpack(job, {"out/0.json": record(files), "out/0.tar": tar(files)[:2000]})


def test_a_stream_that_breaks_off_is_an_error(job: Path) -> None:
    whole = tar(out({"a.txt": b"A" * 20000}))
    with pytest.raises(Garbled):
        results.unpack(io.BytesIO(whole[:9000]), a_task(job), job)
    assert not (job / "a.txt").exists()


def test_a_slice_that_was_killed_before_it_could_pack_leaves_its_output(job: Path) -> None:
    unpack(job, {"out/0.json": b"{}", "out/0.tar": b"", "out/0.log": b"so far\n"})
    assert tree(job) == {"OUTPUT/0": b"so far\n"}
    assert facts.read(JobPaths(job).attempt(1).facts, "run", 0) is None


def test_a_record_that_cannot_be_read_is_an_error(job: Path) -> None:
    with pytest.raises(Garbled, match="record of slice 0"):
        unpack(job, {"out/0.json": b"{", "out/0.tar": b""})


def test_a_signal_is_kept(job: Path) -> None:
    unpack(job, {"out/0.json": record({}, signal=9), "out/0.tar": tar({})})
    fact = facts.read(JobPaths(job).attempt(1).facts, "run", 0)
    assert fact is not None
    assert (fact.state, fact.signal) == (SliceState.FAILED, 9)


# --- slices that write archive and record themselves --------------------------------------------------------


def fact_of(**known: Any) -> bytes:
    good = {"exit_code": 0, "signal": 0, "start": 0, "end": 0, "cpu_seconds": 0, "memory_bytes": 0}
    return json.dumps({**good, **known}).encode()


@pytest.mark.parametrize(
    "text",
    [
        *(b"[1]", b"17", b"null", b"[" * 100_000, b'{"exit_code": 0}'),
        *(b'{"files": [1]}', b'{"files": {"a": 5}}', b'{"files": {"a": {}}}'),
        *(b'{"parts": ["a"]}', b'{"parts": {"0": 5}}', b'{"parts": {"0": "no base64"}}'),
        *(fact_of(start="x"), fact_of(exit_code=[]), fact_of(memory_bytes=None)),
    ],
)
def test_a_record_that_no_wrapper_writes_is_an_error_of_the_results(job: Path, text: bytes) -> None:
    """Not of ours, which would be tried again for ever."""
    with pytest.raises(Garbled, match="record of slice 0"):
        unpack(job, {"0.json": text})
    assert tree(job) == {}


@pytest.mark.parametrize(
    "known", [{"exit_code": 2**40}, {"signal": -(2**50)}, {"memory_bytes": 2**70}, {"cpu_seconds": 1e300}]
)
def test_numbers_that_no_slice_can_have_are_cut(job: Path, known: dict[str, Any]) -> None:
    unpack(job, {"0.json": fact_of(**known)})
    assert facts.read(JobPaths(job).attempt(1).facts, "run", 0) is not None


@pytest.mark.parametrize("name", ["\u00b2", "\u0663", "007", "-1", "9" * 10, "1" * 5000])
def test_what_is_no_number_of_a_slice_is_left_out(job: Path, name: str) -> None:
    unpack(job, {f"{name}.json": fact_of()})
    assert tree(job) == {}


def test_a_record_writes_no_other_slice_s_fact(job: Path) -> None:
    JobPaths(job).attempt(1).root.mkdir(parents=True)
    facts.write(JobPaths(job).attempt(1).facts, "analysis", 1, Fact(SliceState.FAILED))
    theirs = job.parent / "theirs"
    facts.write(theirs, "prepare", 0, Fact(SliceState.DONE))
    said = base64.b64encode(theirs.read_bytes()[: facts.SIZE]).decode()
    unpack(job, {"0.json": json.dumps({"parts": {"0": said, "1": said, "999999999": said}}).encode()}, "x.py")
    found = list(facts.read_range(JobPaths(job).attempt(1).facts, "analysis", 0, 2))
    assert [fact and fact.state for fact in found] == [SliceState.DONE, SliceState.FAILED]
    assert JobPaths(job).attempt(1).facts.stat().st_size == 4 * facts.SIZE


def test_a_file_where_another_slice_has_a_folder_is_an_error_of_the_results(job: Path) -> None:
    with pytest.raises(Garbled, match="cannot lie beside each other"):
        unpack(job, out({"a": b"file"}, {"a/b": b"in a folder"}))


def saying(kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo("x")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT) + bytes(1024)


def with_hole(size: int) -> bytes:
    member = tarfile.TarInfo("hole")
    member.pax_headers = {"GNU.sparse.size": str(size), "GNU.sparse.map": "0,0"}
    return member.tobuf(tarfile.PAX_FORMAT) + bytes(1024)


@pytest.mark.parametrize(
    "archive",
    [
        saying(tarfile.XHDTYPE, 1 << 40),
        saying(tarfile.XGLTYPE, 1 << 40),
        saying(tarfile.GNUTYPE_LONGNAME, 1 << 40),
        saying(tarfile.GNUTYPE_SPARSE, 0),
        with_hole(1 << 50),
    ],
    ids=["header", "header of all", "long name", "sparse", "sparse by header"],
)
def test_an_archive_cannot_ask_for_more_than_it_holds(job: Path, archive: bytes) -> None:
    with pytest.raises(Garbled, match=r"bytes|sparse"):
        unpack(job, {"0.tar": archive})
    assert not (JobPaths(job).attempt(1).root / "incoming").exists()


# --- links that an earlier attempt left ---------------------------------------------------------------------


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    (tmp_path / "elsewhere").mkdir()
    return tmp_path / "elsewhere"


@pytest.mark.parametrize(
    ("link", "name"),
    [("sub", "sub/a"), ("sub", "sub/deep/a"), ("a/b", "a/b/c"), ("OUTPUT", "a"), (".roost", "a")],
)
def test_results_are_not_put_behind_a_link_that_leads_out(
    job: Path, elsewhere: Path, link: str, name: str
) -> None:
    (job / link).parent.mkdir(exist_ok=True)
    (job / link).symlink_to(elsewhere)
    with pytest.raises(Garbled, match="a link on the way leads out"):
        unpack(job, out({name: b"x"}))
    assert list(elsewhere.iterdir()) == []


def test_a_link_in_the_place_of_a_result_is_replaced_and_one_that_stays_inside_is_followed(
    job: Path, elsewhere: Path
) -> None:
    (elsewhere / "theirs").write_bytes(b"theirs")
    (job / "a").symlink_to(elsewhere / "theirs")
    (job / "real").mkdir()
    (job / "sub").symlink_to("real")
    unpack(job, out({"a": b"1", "sub/b": b"2"}))
    assert (elsewhere / "theirs").read_bytes() == b"theirs"
    assert ((job / "a").read_bytes(), (job / "real" / "b").read_bytes()) == (b"1", b"2")
    assert not (job / "a").is_symlink()


def test_records_are_not_written_through_a_link(job: Path, elsewhere: Path) -> None:
    attempt = JobPaths(job).attempt(1)
    attempt.root.mkdir(parents=True)
    attempt.facts.symlink_to(elsewhere / "facts")
    with pytest.raises(Garbled, match="is a link"):
        unpack(job, out({"a": b"1"}))
    assert list(elsewhere.iterdir()) == []


# --- very many ----------------------------------------------------------------------------------------------


def test_what_parts_sent_is_not_gathered_in_memory() -> None:
    with closing(Received()) as received:
        tracemalloc.start()
        for number in range(20_000):
            part, listed = str(number), {f"part.{number}": (5, "f" * 64)}
            received.begin(part)
            received.keep_record(part, {"exit_code": 0, "parts": {}}, listed)
            received.keep_file(part, f"part.{number}", 5, "f" * 64)
        assert list(received.wrong()) == []
        received.compare()
        assert sum(1 for part, _ in received.parts() for _ in received.files(part)) == 20_000
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert most < 1 << 20


@pytest.mark.parametrize(
    "known",
    [
        *({"size": 2**70, "sha256": "0" * 64}, {"size": -1, "sha256": "0" * 64}),
        *({"size": 1, "sha256": "short"}, {"size": 1, "sha256": "\ud800" * 64}),
    ],
)
def test_files_that_cannot_be_are_an_error_of_the_results(job: Path, known: dict[str, Any]) -> None:
    with pytest.raises(Garbled, match="record of slice 0"):
        unpack(job, {"0.json": json.dumps({"files": {"a": known}}).encode()})


def test_half_a_character_in_a_name_is_an_error_of_the_results(job: Path) -> None:
    known = {"size": 1, "sha256": "0" * 64}
    with pytest.raises(Garbled, match="record of slice 0"):
        unpack(job, {"0.json": json.dumps({"files": {"\ud800": known}}).encode()})


# --- what stays on the pool ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a/../../../b", "a/./b", "a//b", "a/..", "x" * 300, "post.json", "-rf", "a*"]
)
def test_what_could_lead_elsewhere_does_not_stay_on_the_pool(job: Path, name: str) -> None:
    """Where it stays is written down, and what was brought of it is removed again to make room."""
    task = replace(a_task(job), remote_from=1)
    assert not away._stays(name, {"size": 5}, task)
    assert away._stays("sub/a.b", {"size": 5}, task)
