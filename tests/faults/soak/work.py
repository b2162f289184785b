"""The jobs: what they do, and what must come of each. Their answers carry a word that no other job has."""

from __future__ import annotations

import json
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAM = """#!/bin/sh
# word, seconds, kilobytes of ballast, exit code
sleep "$2"
echo "$1 $ROOST_SLICE" > "answer.$ROOST_SLICE"
[ "$3" = 0 ] || head -c "${3}000" /dev/zero | tr '\\0' x > "ballast.$ROOST_SLICE"
[ ! -e question ] || cat question > "copy.$ROOST_SLICE"
exit "$4"
"""


@dataclass
class Order:
    """One job that was asked for."""

    name: str
    kind: str
    word: str
    slices: int
    expected: str  # the code of its state at the end
    parameters: Mapping[str, Any]
    answers: Callable[[Path, Order], list[str]]  # what is wrong with its results
    then: list[tuple[str, str]] = field(default_factory=list)  # once it is in this state, its user says that
    touched: list[str] = field(default_factory=list)  # what others did to it on the pool, behind Roost
    job: int = 0  # its row, once it is there


class Orders:
    """Draws jobs of all kinds."""

    def __init__(self, folder: Path, seed: int, kinds: str = "") -> None:
        self._chance = random.Random(seed)
        known: dict[str, tuple[Callable[[str, str], Order], int]] = {
            "single": (self._single, 6),
            "sweep": (self._sweep, 3),
            "heavy": (self._heavy, 2),
            "failing": (self._failing, 1),
            "script": (self._script, 2),
            "dag": (self._dag, 1),
            "stopped": (self._stopped, 1),
            "paused": (self._paused, 1),
        }
        self._kinds = [known[name] for name in (kinds.split("|") if kinds else known)]
        self._folder = folder
        self._program = folder / "program.sh"
        self._program.write_text(PROGRAM)
        self._program.chmod(0o755)
        self._number = 0

    def next(self) -> Order:
        self._number += 1
        kinds, weights = zip(*self._kinds, strict=True)
        draw: Callable[[str, str], Order] = self._chance.choices(kinds, weights)[0]
        return draw(f"{self._number:05d}", secrets.token_hex(12))

    def _executable(self, kind: str, number: str, word: str, slices: int = 1, **more: Any) -> Order:
        kilobytes, code = more.pop("kilobytes", 0), more.pop("code", 0)
        seconds = more.pop("seconds", self._chance.choice((0, 0, 1, 3)))
        then, expected = more.pop("then", ()), more.pop("expected", "COM")
        parameters = {
            "job_type": "CONDORJOB",
            "executable": str(self._program),
            "arguments": [word, str(seconds), str(kilobytes), str(code)],
            "num_jobs": slices,
            **more,
        }
        check = _wrong_files if expected == "COM" else _foreign_files
        return Order(f"{kind}-{number}", kind, word, slices, expected, parameters, check, list(then))

    def _single(self, number: str, word: str) -> Order:
        return self._executable("single", number, word)

    def _sweep(self, number: str, word: str) -> Order:
        return self._executable("sweep", number, word, slices=self._chance.randint(2, 5))

    def _heavy(self, number: str, word: str) -> Order:
        """Files that take a while on the link in both ways."""
        question = self._folder / f"question-{number}" / "question"
        question.parent.mkdir()
        question.write_text(f"{word}\n" + secrets.token_hex(60_000))
        return self._executable(
            "heavy",
            number,
            word,
            kilobytes=self._chance.choice((200, 900)),
            remote_input_files=[str(question)],
        )

    def _failing(self, number: str, word: str) -> Order:
        return self._executable("failing", number, word, code=3, expected="ERR")

    def _stopped(self, number: str, word: str) -> Order:
        then = (("RUN", "stop"),)
        return self._executable("stopped", number, word, seconds=3000, expected="ABT", then=then)

    def _paused(self, number: str, word: str) -> Order:
        then = (("RUN", "pause"), ("PAS", "resume"))
        return self._executable("paused", number, word, slices=2, seconds=4, then=then)

    def _script(self, number: str, word: str) -> Order:
        return self._words("script", number, word, self._chance.randint(1, 3))

    def _dag(self, number: str, word: str) -> Order:
        return self._words("dag", number, word, 10)

    def _words(self, kind: str, number: str, word: str, slices: int) -> Order:
        options = {"word": word, "seconds": self._chance.choice((0.0, 0.5))}
        parameters = {"job_type": "SCRIPT", "method": "words", "slices": slices, "options": options}
        return Order(f"{kind}-{number}", kind, word, slices, "COM", parameters, _wrong_answers)


def _wrong_files(directory: Path, order: Order) -> list[str]:
    wrong = []
    for number in range(order.slices):
        name = f"answer.{number}"
        wrong += _differs(directory / name, f"{order.word} {number}\n")
        if order.kind == "heavy":
            wrong += _differs(directory / f"copy.{number}", _question(order))
            size = int(order.parameters["arguments"][2]) * 1000
            wrong += _differs(directory / f"ballast.{number}", "x" * size)
    return wrong


def _question(order: Order) -> str:
    return Path(order.parameters["remote_input_files"][0]).read_text()


def _foreign_files(directory: Path, order: Order) -> list[str]:
    """A job that did not end well may have brought less, but nothing of others."""
    found = directory.glob("answer.*")
    return [f"{path} is another job's" for path in found if not path.read_text().startswith(order.word)]


def _wrong_answers(directory: Path, order: Order) -> list[str]:
    expected = [f"{order.word} {number}" for number in range(order.slices)]
    return _differs(directory / "answers.json", expected, json.loads)


def _differs(path: Path, expected: object, read: Callable[[str], object] = str) -> list[str]:
    try:
        found = read(path.read_text())
    except (OSError, ValueError) as error:
        return [f"{path}: {error}"]
    return [] if found == expected else [f"{path} has {str(found)[:60]!r}, not {str(expected)[:60]!r}"]
