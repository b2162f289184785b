from __future__ import annotations

from jobs_app.pools.embedded.turns import Turns


def order(turns: Turns) -> list[str]:
    return [turns.pass_on() for _ in range(len(turns))]


def test_equals_go_in_the_order_they_came() -> None:
    turns = Turns()
    for name in ("a", "b", "c"):
        turns.add(name, 0)
    assert order(turns) == ["a", "b", "c"]
    assert turns.first() is None


def test_who_waits_already_keeps_its_place() -> None:
    turns = Turns()
    for name in ("a", "b", "a"):
        turns.add(name, 0)
    assert order(turns) == ["a", "b"]


def test_a_higher_priority_goes_first() -> None:
    turns = Turns()
    turns.add("low", -1)
    turns.add("high", 5)
    turns.add("middle", 0)
    assert order(turns) == ["high", "middle", "low"]


def test_who_comes_again_goes_to_the_end() -> None:
    turns = Turns()
    turns.add("huge", 0)
    turns.add("small", 0)
    turns.add(turns.pass_on(), 0)
    assert order(turns) == ["small", "huge"]
