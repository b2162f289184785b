from __future__ import annotations

from pathlib import Path

from .conftest import ROOT, Machine

SCRIPT = """
from examples.ising.app import Ising

manager = Ising.get_job_manager()
job = manager.create_job(
    "by hand {id}", None, "ising",
    options={"size": 16, "sweeps": 100, "temperatures": 4, "tolerance": 5.0}, slices=2,
)
job.execute()
assert job.wait(timeout=50)
print(job.name, job.status, sorted(path.name for path in job.directory.glob("*.png")))

built = manager.build("ising", size=16, sweeps=100, temperatures=4, tolerance=5.0, slices=2)
print(built.load()["agrees"], sorted(built.files()))
"""


def test_a_script_run_by_python_creates_executes_and_waits_with_nothing_configured(
    machine: Machine, tmp_path: Path
) -> None:
    script = tmp_path / "mine.py"
    script.write_text(SCRIPT)
    machine.extra["PYTHONPATH"] = str(ROOT)
    machine.path = tmp_path / "another"  # not even a database
    done = machine.python(str(script), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    first, second = done.stdout.splitlines()
    assert first == "by hand 1 Complete ['magnet.png']"
    assert second == "True ['magnet.png', 'result.pickle', 'table.csv', 'table.json']"
