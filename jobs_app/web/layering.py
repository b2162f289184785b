"""A small layout for graphs without circles: who stands before whom stands further left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDE, HIGH, ACROSS, DOWN, EDGE = 168, 40, 56, 14, 6
ROUNDS = 4


@dataclass(frozen=True)
class Spot:
    x: int
    y: int


@dataclass(frozen=True)
class Layout:
    spots: dict[str, Spot]
    width: int
    height: int


def layout(parents: Mapping[str, Sequence[str]]) -> Layout:
    """`parents`: of each node those that stand before it. A circle is cut where it closes."""
    layers = _ordered(parents, _layers(parents))
    tallest = max((len(layer) for layer in layers), default=1)
    spots: dict[str, Spot] = {}
    for column, layer in enumerate(layers):
        top = EDGE + (tallest - len(layer)) * (HIGH + DOWN) // 2
        for row, key in enumerate(layer):
            spots[key] = Spot(EDGE + column * (WIDE + ACROSS), top + row * (HIGH + DOWN))
    width = len(layers) * (WIDE + ACROSS) - ACROSS + 2 * EDGE
    return Layout(spots, max(width, WIDE), tallest * (HIGH + DOWN) - DOWN + 2 * EDGE)


def _layers(parents: Mapping[str, Sequence[str]]) -> list[list[str]]:
    depth: dict[str, int] = {}
    waiting = {
        key: {each for each in before if each in parents and each != key} for key, before in parents.items()
    }
    while waiting:
        ready = [key for key, before in waiting.items() if not before & waiting.keys()] or [
            next(iter(waiting))
        ]
        for key in ready:
            depth[key] = 1 + max((depth.get(each, -1) for each in waiting[key]), default=-1)
        for key in ready:
            del waiting[key]
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in parents:
        layers[depth[key]].append(key)
    return layers


def _ordered(parents: Mapping[str, Sequence[str]], layers: list[list[str]]) -> list[list[str]]:
    """Near to what they are joined with, so that few lines cross."""
    children: dict[str, list[str]] = {key: [] for key in parents}
    for key, before in parents.items():
        for each in before:
            if each in children:
                children[each].append(key)
    for turn in range(ROUNDS):
        near = parents if turn % 2 == 0 else children
        place = {key: row for layer in layers for row, key in enumerate(layer)}
        layers = [sorted(layer, key=lambda key: _middle(near[key], place, place[key])) for layer in layers]
    return layers


def _middle(near: Sequence[str], place: Mapping[str, int], own: int) -> float:
    places = [place[key] for key in near if key in place]
    return sum(places) / len(places) if places else float(own)
