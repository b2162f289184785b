"""A script's part that waits for a subjob gets its answer, and that job's directory, and goes on.

While it waits it holds no slot: it has ended, and its proc is held. See jobs_app/script/letters.py.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from jobs_app.script.letters import ANSWERS

from . import tar
from .inputs import Input, job_files, packed
from .names import checked
from .point import AccessPoint


def answer(point: AccessPoint, attempt: str, request: str, said: Mapping[str, Any]) -> None:
    """Answering twice, or somebody who is not there any more, is no error."""
    found = list(job_files(said["job"], Path(said["path"]))) if "path" in said else []
    contents = {each.content: each for each in found}
    asked = "".join(f"{name}\n" for name in contents).encode()
    missing = point.ask("have.sh", point.names.root, stdin=asked).text.split() if contents else []
    incoming = f"incoming/{secrets.token_hex(6)}"
    name = f"{incoming}/in/{ANSWERS}/{checked(request, 'request')}.json"
    stream = _stream(incoming, found, set(missing), name, json.dumps(dict(said)).encode())
    values = (point.names.root, checked(attempt, "attempt"), incoming)
    done = point.run("answer.sh", *values, stdin=tar.gathered(stream))
    if done.exit != 0:
        raise point.trouble("the answer to a subjob's request did not get through", done)


def _stream(
    incoming: str, found: Sequence[Input], missing: Collection[str], name: str, text: bytes
) -> Iterator[bytes]:
    new = {each.content: each for each in found if each.content in missing}
    for folder in ("", "/files", "/in", f"/in/{ANSWERS}"):
        yield from tar.folder(incoming + folder)
    for content, each in new.items():
        yield from packed(each, f"{incoming}/files/{content}")
    sums = "".join(f"{each.sha256}  {content}\n" for content, each in new.items())
    yield from tar.text(f"{incoming}/sums", sums.encode())
    for each in found:
        place = f"{incoming}/files" if each.content in new else "files"
        yield from tar.link(f"{incoming}/in/{each.name}", f"{place}/{each.content}")
    yield from tar.text(name, text)
    yield from tar.text(f"{incoming}/complete", b"")
    yield from tar.end()
