"""How a running part asks Roost for something (a subjob), and waits for the answer.

It talks to the daemon itself, and goes on asking the same thing under the same name when the daemon dies:
the request is recorded once, and the answer is kept until the part is over.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from typing import Any

from jobs_app.killpoints import reach

from .places import Places
from .wire import Lines, decode, encode
from .work import Part

_SECONDS_BETWEEN_TRIES = 0.05


class Asker:
    def __init__(self, places: Places, attempt: str, part: Part, tries: int) -> None:
        self._places = places
        self._who = {"attempt": attempt, "step": part.step, "slice": part.slice, "tries": tries}
        self._name = f"{part.step}-{part.slice}-{tries}"
        self._numbers = itertools.count(1)

    def __call__(self, request: Mapping[str, Any]) -> dict[str, Any]:
        named = {**request, "id": f"{self._name}-{next(self._numbers)}", "step": self._who["step"]}
        message = encode({"verb": "ask", **self._who, "request": named})
        reach("part.before-asking")
        while (answer := self._try(message)) is None:
            time.sleep(_SECONDS_BETWEEN_TRIES)
        reach("part.answered")
        return answer

    def _try(self, message: bytes) -> dict[str, Any] | None:
        try:
            with self._places.connect() as connection:
                connection.sendall(message)
                lines = Lines()
                while data := connection.recv(65536):
                    for line in lines.feed(data):
                        return dict(decode(line)["answer"])
        except OSError:
            return None  # no daemon now; there will be one again
        return None
