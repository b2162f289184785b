"""python -m jobs_app.previews.reader parquet|hdf5 FILE: the structure and the first rows, as JSON.
Run by apart.py."""

from __future__ import annotations

import importlib
import json
import sys
from dataclasses import asdict
from typing import Any

from .apart import limit_this_process
from .values import Structure, Unreadable

_MODULES = {"parquet": ("pyarrow", "parquet"), "hdf5": ("h5py", "hdf5")}


def main(kind: str, path: str) -> dict[str, Any]:
    package, module = _MODULES[kind]
    try:
        reader = importlib.import_module(f"jobs_app.previews.{module}")
    except ImportError:
        return {"trouble": f"To look into it here, install {package} where Roost runs: pip install {package}"}
    limit_this_process()
    try:
        found: Structure = reader.read(path)
    except (Unreadable, MemoryError) as error:
        return {"trouble": str(error) or "It needs more memory than a preview may have. Download it."}
    except Exception as error:  # noqa: BLE001 - a file may raise anything; it is told, and this process ends
        return {"trouble": f"It cannot be read: {type(error).__name__}: {str(error)[:300]}"}
    return asdict(found)


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
