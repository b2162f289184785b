"""In which form a job script runs: as one proc, as a part of a DAG for a batch of jobs, as a DAG of its own.

A proc that runs all of a script is there as soon as any job is, but has one slot. A DAG has as many as the
pool, and costs some seconds a step; one of many jobs costs them once.
"""

from __future__ import annotations

from .plan import ClusterPlan

ONE_PROC, BATCH_DAG, OWN_DAG = "one-proc", "batch-dag", "own-dag"


def forms_of(plan: ClusterPlan) -> dict[str, str]:
    """Of the attempts that a sending's cluster holds; those of executables have none."""
    if plan.lead:
        return dict.fromkeys(plan.lead, OWN_DAG if len(plan.lead) == 1 else BATCH_DAG)
    return {share.attempt: ONE_PROC for share in plan.shares if share.whole}
