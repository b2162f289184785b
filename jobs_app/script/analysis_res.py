"""What the slices of analysis returned, in their order, for synthesis: one pass, or one merge.

`merge_auto()` makes one value of all, by their type:

    numbers          the sum (of True and False: how many are True)
    lists            one list, in the order of the slices
    sets             the union
    Counters         added
    dicts            one dict; dicts, sets and Counters in it are merged likewise, at any depth. Any other
                     value that two slices give for the same key is an error, unless allow_overwrite=True:
                     the later one wins. allow_overwrite=False forbids even what sets and Counters would merge
    tuples           merged position by position; gives an iterator over the merged ones
    None             None
    anything else    an error that says what to do

Empty ones are passed over, whatever their type; where all are empty, the result is empty.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any, Callable, Optional

from jobs_app.errors import Invalid
from jobs_app.jobdir.files import show


class MergeError(Invalid):
    """Results that merge_auto cannot make one of."""


class AnalysisRes:
    def __init__(self, slices: int, load: Callable[[int], Any]) -> None:
        self._slices = slices
        self._load = load
        self._next: Optional[int] = None
        self._merged = False

    def __iter__(self) -> Iterator[Any]:
        if self._next is not None or self._merged:
            raise MergeError(
                "analysis_res is an iterator, don't re-use it. Keep what you need: all = list(analysis_res)."
            )
        self._next = 0
        return self

    def __next__(self) -> Any:
        if self._merged:
            raise MergeError("analysis_res is an iterator, don't re-use it: it is merged already.")
        self._next = sliceno = self._next or 0
        if sliceno >= self._slices:
            raise StopIteration
        self._next += 1
        return self._load(sliceno)

    def merge_auto(self, allow_overwrite: Optional[bool] = None) -> Any:
        """One value made of those of all slices; this module's docstring tells how."""
        if self._next is not None or self._merged:
            raise MergeError(
                "analysis_res is an iterator, don't re-use it: merge_auto comes first or not at all."
            )
        results = [self._load(sliceno) for sliceno in range(self._slices)]
        self._merged = True
        return merge(results, allow_overwrite)


def merge(results: list[Any], allow_overwrite: Optional[bool] = None) -> Any:
    if not results:
        return None
    full = [result for result in results if not _is_empty(result)]
    if not full:
        return results[0]
    family = _family(full[0])
    for sliceno, result in enumerate(results):
        if not _is_empty(result) and _family(result) is not family:
            raise MergeError(
                f"The slices return different types: {type(full[0]).__name__} and, in slice {sliceno}, "
                f"{type(result).__name__}. Return one type from all of them, or loop over analysis_res."
            )
    return family(full, allow_overwrite)


def _is_empty(value: Any) -> bool:
    return isinstance(value, (list, dict, set)) and not value


def _family(value: Any) -> Callable[[list[Any], Optional[bool]], Any]:
    for types, merger in _FAMILIES:
        if isinstance(value, types):
            return merger
    raise MergeError(
        f"merge_auto cannot merge {show(value)}, of type {type(value).__name__}. Return numbers, lists, "
        "sets, Counters, dicts or tuples of them, or loop over analysis_res."
    )


def _sum(values: list[Any], _: Optional[bool]) -> Any:
    return sum(values)


def _concatenate(values: list[Any], _: Optional[bool]) -> Any:
    return [item for value in values for item in value]


def _unite(values: list[Any], allow_overwrite: Optional[bool]) -> Any:
    united = values[0]
    for value in values[1:]:
        _join_sets(united, value, allow_overwrite)
    return united


def _add(values: list[Any], allow_overwrite: Optional[bool]) -> Any:
    total = values[0]
    for value in values[1:]:
        _join_counters(total, value, allow_overwrite)
    return total


def _merge_dicts(values: list[Any], allow_overwrite: Optional[bool]) -> Any:
    merged = values[0]
    for value in values[1:]:
        _join_dicts(merged, value, allow_overwrite, ())
    return merged


def _merge_positions(values: list[Any], allow_overwrite: Optional[bool]) -> Any:
    lengths = {len(value) for value in values}
    if len(lengths) > 1:
        raise MergeError(
            f"The slices return tuples of different lengths: {sorted(lengths)}. Return one length."
        )
    return iter([merge(list(position), allow_overwrite) for position in zip(*values)])


def _nothing(_: list[Any], __: Optional[bool]) -> Any:
    return None


_FAMILIES = (
    ((int, float), _sum),
    ((list,), _concatenate),
    ((set,), _unite),
    ((Counter,), _add),
    ((dict,), _merge_dicts),
    ((tuple,), _merge_positions),
    ((type(None),), _nothing),
)


def _join_dicts(
    into: dict[Any, Any], other: dict[Any, Any], allow_overwrite: Optional[bool], path: Any
) -> None:
    for key, value in other.items():
        if key not in into:
            into[key] = value
            continue
        join = _joiner(into[key], value)
        if join is not None:
            join(into[key], value, allow_overwrite, (*path, key))
        elif allow_overwrite:
            into[key] = value
        else:
            raise _duplicate((*path, key))


def _joiner(one: Any, other: Any) -> Optional[Callable[..., None]]:
    for kind, join in ((set, _join_sets), (Counter, _join_counters)):
        if isinstance(one, kind) and isinstance(other, kind):
            return join
    both_dicts = isinstance(one, dict) and isinstance(other, dict)
    return (
        _join_dicts
        if both_dicts and not isinstance(one, Counter) and not isinstance(other, Counter)
        else None
    )


def _join_sets(into: Any, other: Any, allow_overwrite: Optional[bool], path: Any = ()) -> None:
    if allow_overwrite is False and into & other:
        raise _duplicate((*path, next(iter(into & other))))
    into.update(other)


def _join_counters(into: Any, other: Any, allow_overwrite: Optional[bool], path: Any = ()) -> None:
    if allow_overwrite is False and into.keys() & other.keys():
        raise _duplicate((*path, next(iter(into.keys() & other.keys()))))
    into.update(other)


def _duplicate(path: Any) -> MergeError:
    where = f" (at {' -> '.join(map(repr, path))})" if len(path) > 1 else ""
    return MergeError(
        f"Duplicate key {path[-1]!r}{where}: two slices give it a value. Use "
        "merge_auto(allow_overwrite=True) to let the later one win, or Counters or sets, which are merged."
    )
