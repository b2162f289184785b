"""The name of every file on the access point, in one place. All lie below the scheduler's remote root.

node/<hash>/            what runs on nodes: the start script, the wrapper, the runner's zip;
                        and what stands beside DAGMan
files/<sha256>          contents of inputs, each sent once (".x": executable)
attempts/<token>/       one attempt: HTCondor's initialdir
    batch               the token of the sending that brought it
    in/                 what each slice finds in its folder
    out/                what came back: <part>.tar, <part>.json; and <part>.log, what it printed
batches/<token>.<e>/    a sending as composed in epoch e: plan.json; for each cluster <n>.sub, <n>.rows;
                        for each DAG <n>.dag, and what DAGMan and the scripts beside it keep
sent/<token>/           how far it has come: lock, epoch, <e>.<n>.tried, <e>.<n>.done, <e>.<n>.refused
segments/<name>         event logs
incoming/               uploads that are not complete
"""

from __future__ import annotations

import re

from ..base import Refused

_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}")


def checked(name: str, what: str) -> str:
    """`name`, if it can be a file's name and nothing else."""
    if not _NAME.fullmatch(name):
        raise Refused(f"{name!r} cannot name a {what}. Use letters, digits, '-', '_' and '.'.")
    return name


class Names:
    def __init__(self, root: str) -> None:
        self.root = root

    def segment(self, name: str) -> str:
        return f"{self.root}/segments/{checked(name, 'segment')}"

    def attempt(self, token: str) -> str:
        return f"{self.root}/attempts/{checked(token, 'attempt')}"

    def node(self, version: str) -> str:
        return f"{self.root}/node/{checked(version, 'version')}"
