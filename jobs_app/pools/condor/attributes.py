"""Users' submit attributes: what may be said, and how it is written.

HTCondor's own parser runs commands (`include : command |`) and reads the environment (`$ENV(X)`), so nothing
that a user wrote reaches it before it went through here: known keys, one line a value, known macros.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..base import Refused

ALLOWED = frozenset(
    """
    accounting_group accounting_group_user allowed_execute_duration allowed_job_duration batch_name
    concurrency_limits container_image cuda_version deferral_time docker_image docker_network_type
    gpus_minimum_capability gpus_minimum_memory job_lease_duration job_machine_attrs job_max_vacate_time
    keep_claim_idle kill_sig max_idle max_materialize max_retries next_job_start_delay nice_user on_exit_hold
    on_exit_hold_reason on_exit_remove periodic_hold periodic_hold_reason periodic_release periodic_remove
    periodic_vacate preserve_relative_paths priority rank request_cpus request_disk request_gpus
    request_memory require_gpus requirements retry_until stack_size success_exit_code universe
    want_graceful_removal
    """.split()  # noqa: SIM905
)
UNIVERSES = frozenset({"vanilla", "container", "docker"})

# Ours; those by which HTCondor knows whose a job is and what it runs; and those that open a way from inside a
# job to the access point's files or logs.
_KEPT = """
    roost.* owner user cmd args? arguments iwd env environment in out err clusterid procid globaljobid x509.*
    ntdomain osuser remote.* leavejobinqueue job(status|universe|ad.*|checkpoint.*) want(io|remote|delayed).*
    dagman.* (pre|post)(cmd|command|arg).* checkpoint.* public.* stream.* spool.* sandbox.* cred.* oauth.*
    .*token.* .*(transfer|input|output|file|log).* .*image
"""
_PROTECTED = re.compile("|".join(_KEPT.split()), re.IGNORECASE)
_CUSTOM = re.compile(r"(?:\+|MY\.)([A-Za-z_][A-Za-z0-9_]*)", re.IGNORECASE)
_MACRO = re.compile(r"\$+(?:\([^()]*\)|[A-Za-z_]*\([^()]*\))?")
_KNOWN_MACRO = re.compile(
    r"\$\((?:cluster|clusterid|process|procid|slice)\)|\$\$\([A-Za-z_][A-Za-z0-9_]*\)", re.IGNORECASE
)


def lines(attributes: Mapping[str, Any]) -> list[str]:
    """One line of submit language for each attribute; Refused names the first that may not be."""
    return [f"{_key(name)} = {_value(name, value)}" for name, value in attributes.items()]


def _key(name: str) -> str:
    custom = _CUSTOM.fullmatch(name)
    if custom:
        if _PROTECTED.fullmatch(custom[1]):
            raise Refused(f"The attribute {name!r} is kept by HTCondor or Roost. Choose another name.")
        return f"MY.{custom[1]}"
    key = name.lower()
    if key not in ALLOWED:
        raise Refused(
            f"The submit attribute {name!r} is not one that a job may set. Those are custom ones (+Name) and "
            f"{', '.join(sorted(ALLOWED))}. An administrator's template in condor_templates/ may say more."
        )
    return key


def _value(name: str, value: Any) -> str:
    text = _text(name, value)
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise Refused(f"The attribute {name!r} contains a line break or another control character: {text!r}.")
    if text.rstrip().endswith("\\"):
        raise Refused(f"The attribute {name!r} ends with a backslash, which would join it to the next line.")
    for macro in _MACRO.findall(text):
        if not _KNOWN_MACRO.fullmatch(macro):
            raise Refused(
                f"The attribute {name!r} uses {macro!r}; $(Cluster), $(Process) and $(slice) may be used."
            )
    if name.lower() == "container_image" and (text.lstrip().startswith("/") or ".." in text):
        raise Refused(
            f"The image {text!r} is a path on the access point. Name one of a registry, or an input file."
        )
    if name.lower() == "universe" and text.strip().lower() not in UNIVERSES:
        raise Refused(f"The universe {text!r} is not one of {', '.join(sorted(UNIVERSES))}.")
    return text


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, tuple)):
        return ", ".join(_text(name, each) for each in value)
    if isinstance(value, (int, float, str)):
        return str(value)
    raise Refused(
        f"The attribute {name!r} is a {type(value).__name__}; give text, a number, true/false or a list."
    )
