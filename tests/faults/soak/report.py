"""What a run of faults did and what came of it, as a page."""

from __future__ import annotations

from collections.abc import Iterator

from .run import Outcome


def report(outcome: Outcome) -> str:
    return "\n".join([*_summary(outcome), *_table(outcome), *_wrongs(outcome)]) + "\n"


def _summary(outcome: Outcome) -> Iterator[str]:
    verdict = outcome.verdict
    faults, jobs = sum(outcome.done.values()), sum(verdict.ends.values())
    yield (
        f"{faults} faults (seed {outcome.seed}) in {outcome.seconds / 60:.0f} minutes, with {jobs} jobs. "
        f"Workers died {outcome.deaths} times; {outcome.resumed} times a person released a held job, "
        f"{outcome.forgotten} times stopped one of which its pool knew nothing any more. "
        f"All jobs had ended {outcome.ending:.0f} s after the last fault."
    )
    yield ""
    yield (
        f"**Submitted twice: {len(verdict.duplicates)}. Lost: {len(verdict.lost)}. "
        f"Results lost or mixed: {len(verdict.mixed)}. False ends: {len(verdict.false_ends)}.**"
    )
    yield ""
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(verdict.by_kind.items()))
    ends = ", ".join(f"{count} {end}" for end, count in verdict.ends.most_common())
    yield f"Jobs: {kinds}. Their ends: {ends}."
    yield ""


def _table(outcome: Outcome) -> Iterator[str]:
    yield "| fault | times | drawn, but without effect |"
    yield "|---|---|---|"
    for name, count in outcome.done.most_common():
        yield f"| {name} | {count} | {outcome.missed[name] or ''} |"
    for name in outcome.missed.keys() - outcome.done.keys():
        yield f"| {name} | 0 | {outcome.missed[name]} |"
    yield ""


def _wrongs(outcome: Outcome) -> Iterator[str]:
    verdict = outcome.verdict
    for wrongs in (verdict.duplicates, verdict.lost, verdict.mixed, verdict.false_ends):
        yield from (f"- {sentence}" for sentence in wrongs)
