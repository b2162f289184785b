"""The settings that Roost reads, each with its default. None has to be set to start.

They are read when they are used, so a test may override any of them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any


def _setting(name: str, default: Any) -> Any:
    from django.conf import settings

    value = getattr(settings, name, None)
    return default if value is None else value


def home() -> Path:
    """ROOST_HOME: everything that Roost keeps lies below this folder."""
    return Path(_setting("ROOST_HOME", Path.cwd() / ".roost"))


def projects() -> Path:
    return home() / "projects"


def workspaces() -> Path:
    return home() / "workspaces"


def workspace_roots() -> list[Path]:
    """ROOST_WORKSPACE_ROOTS: the folders in which a template may place a job's workspace."""
    roots = _setting("ROOST_WORKSPACE_ROOTS", [])
    return [workspaces(), projects(), *(Path(root) for root in roots)]


def slices() -> int:
    """ROOST_SLICES: how many slices a script job has when nobody says it."""
    return int(_setting("ROOST_SLICES", os.cpu_count() or 1))


def slots() -> int:
    """ROOST_SLOTS: how many slices the embedded pool runs at once."""
    return int(_setting("ROOST_SLOTS", os.cpu_count() or 1))


def submit_folders() -> list[Path]:
    """Where submit descriptions are looked for: the project's, each app's own, then Roost's."""
    from django.apps import apps

    ours = Path(__file__).resolve().parents[1]
    places = [Path(_setting("BASE_DIR", ours)), *(Path(app.path) for app in apps.get_app_configs()), ours]
    return [place / "condor_templates" for place in dict.fromkeys(places)]


def scheduler() -> str:
    """ROOST_SCHEDULER: for jobs that name none. Empty: a schedd on this machine, else the embedded pool."""
    return str(_setting("ROOST_SCHEDULER", ""))


def secrets_key() -> str:
    """ROOST_SECRETS_KEY: seals passwords and keys in the database; several, newest first, while one replaces
    another. Empty: the file ROOST_HOME/secrets_key."""
    return str(_setting("ROOST_SECRETS_KEY", ""))


def ssh_seconds() -> dict[str, float]:
    """ROOST_SSH_SECONDS: how long is waited for what, see docs/settings.md."""
    return dict(_setting("ROOST_SSH_SECONDS", {}))


def results() -> str:
    """ROOST_RESULTS: what stays on a pool when results are here: "at once" (nothing), "on success",
    "after 30 days" or "keep"."""
    return str(_setting("ROOST_RESULTS", "at once"))


def remote_from_mb() -> int:
    """ROOST_REMOTE_FROM_MB: result files of so many megabytes or more stay on their pool until somebody reads
    them. 0: all are fetched."""
    return int(_setting("ROOST_REMOTE_FROM_MB", 0))


def remote_cache_mb() -> int:
    """ROOST_REMOTE_CACHE_MB: how much of a job's files that stayed on a pool is kept here once read."""
    return int(_setting("ROOST_REMOTE_CACHE_MB", 20_000))


def public_url() -> str:
    """ROOST_PUBLIC_URL: where nodes and other people's schedulers reach this server ("https://roost.example")."""
    return str(_setting("ROOST_PUBLIC_URL", "")).rstrip("/")


def background() -> str:
    """ROOST_BACKGROUND: "threads" (inside serve, or a plain script itself) or "celery"."""
    return str(_setting("ROOST_BACKGROUND", "threads"))


def anonymous_jobs() -> bool:
    """ROOST_ANONYMOUS_JOBS: whether visitors who have not signed in may own jobs (one shared user)."""
    return bool(_setting("ROOST_ANONYMOUS_JOBS", False))


def proxies() -> int:
    """ROOST_PROXIES: how many proxies of one's own stand before the server, each adding an address."""
    return int(_setting("ROOST_PROXIES", 0))


def largest_upload() -> int:
    """ROOST_LARGEST_UPLOAD: bytes of one input file that is uploaded."""
    return int(_setting("ROOST_LARGEST_UPLOAD", 1 << 30))


def user_uploads() -> int:
    """ROOST_USER_UPLOADS: bytes of all uploaded inputs of one user in one app."""
    return int(_setting("ROOST_USER_UPLOADS", 10 << 30))


def materialize_from() -> int:
    """ROOST_MATERIALIZE_FROM: procs of a job with more slices than this are made little by little."""
    return int(_setting("ROOST_MATERIALIZE_FROM", 5_000))


def materialize_at_once() -> int:
    """ROOST_MATERIALIZE_AT_ONCE: how many procs of such a job there are at once, waiting or running."""
    return int(_setting("ROOST_MATERIALIZE_AT_ONCE", 2_000))


def one_proc_slices() -> int:
    """ROOST_ONE_PROC_SLICES: a script job with at most so many slices a core runs in one slot of HTCondor."""
    return int(_setting("ROOST_ONE_PROC_SLICES", 8))


def batch_dag_slices() -> int:
    """ROOST_BATCH_DAG_SLICES: larger ones that are sent together share a DAG, up to so many slices each."""
    return int(_setting("ROOST_BATCH_DAG_SLICES", 200))


def accounting_groups() -> dict[str, list[str]] | None:
    """ROOST_ACCOUNTING_GROUPS: who may name an accounting group: users' and groups' names by its name, "*"
    for everybody. None: every group may be named."""
    groups = _setting("ROOST_ACCOUNTING_GROUPS", None)
    return None if groups is None else {str(name).lower(): list(who) for name, who in groups.items()}


def template_users() -> dict[str, list[str]]:
    """ROOST_TEMPLATE_USERS: who may use a template ("app/template") or an app's templates ("app"): users' and
    groups' names. What is not named is for everybody who has signed in."""
    named = dict(_setting("ROOST_TEMPLATE_USERS", {}))
    return {str(name): list(who) for name, who in named.items()}


def open_parameters() -> list[str]:
    """ROOST_OPEN_PARAMETERS: what everybody may give for a template's job over the API, besides the usual."""
    return list(_setting("ROOST_OPEN_PARAMETERS", []))


def open_callbacks() -> bool:
    """ROOST_OPEN_CALLBACKS: whether everybody may hasten a look at any job. For closed networks only."""
    return bool(_setting("ROOST_OPEN_CALLBACKS", False))


def callback_grace() -> int:
    """ROOST_CALLBACK_GRACE: seconds after its end for which a job's callback address and key are good."""
    return int(_setting("ROOST_CALLBACK_GRACE", 3600))


def callbacks_a_job() -> int:
    """ROOST_CALLBACKS_A_JOB: calls a minute about one job; 0: any number."""
    return int(_setting("ROOST_CALLBACKS_A_JOB", 120))


def callbacks_an_address() -> int:
    """ROOST_CALLBACKS_AN_ADDRESS: calls a minute from one address, which may be that of a whole cluster."""
    return int(_setting("ROOST_CALLBACKS_AN_ADDRESS", 120_000))


def node_reports() -> bool:
    """ROOST_NODE_REPORTS: whether jobs report by themselves how they are. It takes ROOST_PUBLIC_URL."""
    return bool(_setting("ROOST_NODE_REPORTS", True)) and bool(public_url())


def metrics_token() -> str:
    """ROOST_METRICS_TOKEN: what Prometheus shows to read /metrics, as "Authorization: Bearer ..."."""
    return str(_setting("ROOST_METRICS_TOKEN", ""))


def metrics_from() -> list[str]:
    """ROOST_METRICS_FROM: addresses and networks that may read /metrics without a token."""
    return list(_setting("ROOST_METRICS_FROM", ["127.0.0.1", "::1"]))


def audit_days() -> int:
    """ROOST_AUDIT_DAYS: how long the audit trail is kept; 0: for ever."""
    return int(_setting("ROOST_AUDIT_DAYS", 0))


def private_webhooks() -> bool:
    """ROOST_PRIVATE_WEBHOOKS: whether webhooks may go to addresses that are not public."""
    return bool(_setting("ROOST_PRIVATE_WEBHOOKS", False))
