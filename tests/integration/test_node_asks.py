"""What a workflow's node finds of earlier ones: the wrapper on the node unpacks what it was told to."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

from jobs_app.pools.condor import kit

WRAPPER = Path(kit.__file__).parent / "node" / "roost_node.py"


def archive(folder: Path, number: int, **files: str) -> None:
    with tarfile.open(folder / f"{number}.tar", "w") as made:
        for name, text in files.items():
            path = folder / "content"
            path.write_text(text)
            made.add(path, name.replace("__", "."))
            path.unlink()


def run(folder: Path, *asks: dict[str, Any]) -> subprocess.CompletedProcess[str]:
    task = {
        "job": 1,
        "attempt": "a",
        "executable": "ls",
        "sent": False,
        "arguments": ["-R"],
        "environment": {},
    }
    known = {**task, "slices": 1, "cpus": 1, "spec": "", "first": 5, "asks": list(asks)}
    (folder / ".roost_task.json").write_text(json.dumps(known))
    words = [sys.executable, "-I", "-S", str(WRAPPER), "5", "run"]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def ask(pattern: str, slices: int = 2) -> dict[str, Any]:
    return {"node": "first", "pattern": pattern, "first": 0, "slices": slices, "optional": "*" in pattern}


def test_what_slices_left_stands_side_by_side_and_what_differs_apart(tmp_path: Path) -> None:
    archive(tmp_path, 0, a__nc="same", b__nc="one", c__txt="not asked")
    archive(tmp_path, 1, a__nc="same", b__nc="two")
    done = run(tmp_path, ask("*.nc"))
    assert done.returncode == 0
    assert (tmp_path / "a.nc").read_text() == "same"
    assert (tmp_path / "slices" / "0" / "b.nc").read_text() == "one"
    assert (tmp_path / "slices" / "1" / "b.nc").read_text() == "two"
    assert not (tmp_path / "c.txt").exists()
    assert not (tmp_path / "0.tar").exists()
    assert json.loads((tmp_path / "roost_record.json").read_text())["files"] == {}


def test_nothing_is_unpacked_outside_of_the_folder(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    archive(inner, 0, **{"../out": "bad"})
    assert run(inner, ask("*", 1)).returncode == 0
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_missing_ends_the_slice_in_a_sentence(tmp_path: Path) -> None:
    archive(tmp_path, 0, a="x")
    done = run(tmp_path, ask("b", 1))
    assert done.returncode == 1
    assert "Node first left no file 'b'." in done.stderr
    assert json.loads((tmp_path / "roost_record.json").read_text())["exit_code"] == 1
