"""A Roost of its own for a measurement: a fresh home, and processes that measure inside it."""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

from jobs_app.pools.embedded.client import EmbeddedPool
from tests.pool.pool import ACCESS, TestPool

ROOT = Path(__file__).resolve().parents[1]


class Home:
    def __init__(self, folder: Path, **settings: str) -> None:
        """`settings` by their names in the environment."""
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("ROOST_")}
        own = {"ROOST_HOME": str(folder), "ROOST_APPS": "benchmarks.work"}
        self.environment = {**kept, **own, **settings}

    def __enter__(self) -> Home:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.manage("migrate", "--verbosity", "0")
        return self

    def __exit__(self, *_: object) -> None:
        EmbeddedPool(self.folder / "pool").stop()

    def enrol(self, pool: TestPool, *, port: int = 0) -> Path:
        """The pool becomes this home's scheduler, by a port of this machine (a relay's) if one is given.
        Returns what is ours on the access point, as it is seen from here."""
        folder = f"roost-{secrets.token_hex(4)}"
        way = {"host": "127.0.0.1", "port": port} if port else {"host": pool.host, "port": pool.port}
        account = {"username": pool.user, "private_key_path": str(pool.key), "host_key": pool.host_key}
        self.call("on_pool:enrol", **way, **account, remote_root=folder)
        return Path(f"/proc/{pool.hosts[ACCESS].pid}/root/home/{pool.user}/{folder}")

    def manage(self, *arguments: str) -> None:
        subprocess.run(self.command(*arguments), cwd=ROOT, env=self.environment, check=True)

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "manage.py", *arguments]

    def call(self, function: str, **arguments: Any) -> Any:
        """What `benchmarks.inside.<function>` answers in a new process of this home: a plain script.

        A function of another module is named as "module:function".
        """
        into = self.folder / "answer.json"
        run = [sys.executable, "-m", "benchmarks.inside", function, json.dumps(arguments), str(into)]
        subprocess.run(run, cwd=ROOT, env=self.environment, check=True)
        return json.loads(into.read_text())
