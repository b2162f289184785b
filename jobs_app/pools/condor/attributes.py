"""Users' submit attributes: what may be said, and how it is written.

HTCondor's own parser runs commands (`include : command |`) and reads the environment (`$ENV(X)`), so nothing
that a user wrote reaches it before it went through here: known keys, one line a value, known macros.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from ..base import Refused
from .own_names import OWN_NAMES

ALLOWED = frozenset(
    """
    accounting_group accounting_group_user allowed_execute_duration allowed_job_duration batch_name
    concurrency_limits concurrency_limits_expr container_image container_target_dir cuda_version
    deferral_prep_time deferral_time deferral_window description docker_image docker_network_type
    docker_pull_policy encrypt_execute_directory gpus_maximum_capability gpus_minimum_capability
    gpus_minimum_memory gpus_minimum_runtime hold_kill_sig image_size job_lease_duration job_machine_attrs
    job_machine_attrs_history_length job_max_vacate_time kill_sig kill_sig_timeout max_idle
    max_materialize max_retries max_transfer_input_mb max_transfer_output_mb next_job_start_delay nice_user
    on_exit_hold on_exit_hold_reason on_exit_hold_subcode periodic_hold periodic_hold_reason
    periodic_hold_subcode periodic_release periodic_remove periodic_vacate preserve_relative_paths priority
    rank remove_kill_sig require_gpus requirements stack_size universe
    want_graceful_removal
    """.split()  # noqa: SIM905
)
_REQUEST = re.compile(r"request_[a-z][a-z0-9_]*")  # of the pool's own resources too
UNIVERSES = frozenset({"vanilla", "container", "docker"})
IMAGES = ("docker", "oras", "library", "shub", "http", "https", "osdf", "pelican", "stash")

# Why a key of HTCondor's is not one that a job may set: the first pattern that matches.
_NEVER: Mapping[str, str] = {
    "executable|arguments?|environment|env|remote_input_files": (
        "it is a parameter of the job: give it there, not among the attributes"
    ),
    "log|log_xml|dagman_log|ulog_.*|submit_event_.*|job_ad_information_attrs|starter_(log|debug)": (
        "Roost follows the job in its own event log"
    ),
    "initialdir|initial_dir|iwd|input|output|error|in|out|err|rendezvousdir|stream_.*|copy_to_spool": (
        "Roost keeps the folders of a job"
    ),
    "(should_|when_to_|dont_)?(transfer|encrypt)_.*|transfer.*|output_destination|skip_filechecks|manifest.*|"
    "public_input_files|checkpoint_.*|erase_output_.*|allow_startup_script|append_files|file_remaps": (
        "files travel as inputs and results of the job: name inputs in remote_input_files"
    ),
    "notification|notify_user|email_attributes": "the pool sends no mail for Roost's jobs",
    "getenv|load_profile|want_io_proxy|.*hook.*": "it would carry the access point's surroundings to nodes",
    "run_as_owner|use_x509.*|x509.*|.*proxy.*|.*oauth.*|.*cred.*|.*token.*|aws_.*|gs_.*|s3_.*|scitokens.*|"
    "delegate_.*|myproxy.*|keystore_.*": "whose rights a job has is decided by its scheduler",
    "on_exit_remove|retry_until|success_exit_code": (
        "to Roost exit code 0 is a good end and any other a bad one. For further tries use the parameter "
        "retries (of a workflow's node: retry); where another code is good, let the program end with 0"
    ),
    "retry_request_(memory|disk).*": (
        "a slice that needs more is held, and goes on with resume(memory=...) or resume(disk=...)"
    ),
    "keep_claim_idle": "it keeps a slot on which nothing runs. For many runs of one program use num_jobs",
    "leave_in_queue|hold|noop_job.*|cron_.*|batch_id|jobset.*|job_ad.*|prereqs|suspend_.*": (
        "Roost decides when a job begins and ends: use execute(), pause() and stop()"
    ),
    "queue|include|use|if|elif|else|endif": "it is a statement, not an attribute",
    "grid_.*|vm_.*|batch_.*|ec2_.*|azure_.*|gce_.*|nordugrid_.*|arc_.*|boinc_.*|java_.*|jar_files|mpi_.*|"
    "machine_count|parallel_.*": "it belongs to a universe in which Roost runs no jobs",
}

# Families of names, besides all that HTCondor is known to have: ours; those by which it knows whose a job is,
# what it runs and how it ended; and those that open a way from inside a job to the access point's files, logs
# or other jobs. A family holds what its next version adds, too.
_KEPT = """
    roost.* owner user cmd args? arguments iwd env environment in out err clusterid procid globaljobid x509.*
    ntdomain osuser remote.* leavejobinqueue dagman.* (pre|post)(cmd|command|arg).* checkpoint.* public.*
    stream.* spool.* sandbox.* .*cred.* .*oauth.* .*token.* .*hook.* .*proxy.* .*manifest.* .*plugin.*
    job(status|universe|ad.*|checkpoint.*|materialize.*|set.*|notification|factory.*|submit.*)
    want(io|remote|delayed|docker|container|parallel|checkpoint).* acct.* accounting.* submit.* ulog.*
    notify.* email.* .*noop.* exit.* onexit.* periodic.* hold.* removereason.* release.* lasthold.*
    completion.* enteredcurrent.* qdate mytype targettype stagein.* stageout.* otherjob.* grid.* vm_?.*
    allowstartup.* docker.* container.* managed.* num(job|shadow|restarts|holds|system).* usersegment.*
    .*(transfer|input|output|file|log).* .*image _.* runas.* loaduser.* primaryunix.* keystore.*
    auth(ent|tok).* aws.* ec2.* gce.* gs_.* s3_.* azure.* arc_.* scitokens.* cloudlabel.* cron.* deferral.*
    shadow.* schedd.* startd.* starter.* claim.* java.* tooldaemon.* transformbody.* routed.* routename
    machineattr.* .*exit(code|signal|bysignal|status|reason) kill.*sig.* .*provisioned
"""
_PROTECTED = re.compile("|".join(_KEPT.split()), re.IGNORECASE)
_CUSTOM = re.compile(r"(?:\+|MY\.)([A-Za-z_][A-Za-z0-9_]*)", re.IGNORECASE)
_MACRO = re.compile(r"\$+(?:\([^()]*\)|[A-Za-z_]*\([^()]*\))?")
_KNOWN_MACRO = re.compile(
    r"\$\((?:cluster|clusterid|process|procid|slice)\)|\$\$\([A-Za-z_][A-Za-z0-9_]*\)", re.IGNORECASE
)
_ENDS_A_LINE = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, half characters, Unicode's line separators
_IMAGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./:@%+-]*")


def lines(attributes: Mapping[str, Any]) -> list[str]:
    """One line of submit language for each attribute; Refused names the first that may not be."""
    return [f"{_key(name)} = {_value(name, value)}" for name, value in attributes.items()]


def _key(name: str) -> str:
    custom = _CUSTOM.fullmatch(name)
    if custom:
        if custom[1].lower() in OWN_NAMES or _PROTECTED.fullmatch(custom[1]):
            raise Refused(
                f"The attribute {name!r} is kept by HTCondor or Roost. Choose another name. What a job "
                "may ask of HTCondor has a submit command, which is written without + and MY."
            )
        return f"MY.{custom[1]}"
    key = name.lower()
    if key not in ALLOWED and not _REQUEST.fullmatch(key):
        raise Refused(f"The submit attribute {name!r} is not one that a job may set{_why_not(key)}")
    return key


def _why_not(key: str) -> str:
    for pattern, why in _NEVER.items():
        if re.fullmatch(pattern, key):
            return f": {why}."
    near = difflib.get_close_matches(key, ALLOWED | {"request_cpus", "request_memory", "request_disk"}, 1)
    guess = f" Did you mean {near[0]!r}?" if near else ""
    return (
        f".{guess} Those are custom ones (+Name), request_..., and {', '.join(sorted(ALLOWED))}. "
        "An administrator's template in condor_templates/ may say more."
    )


def _value(name: str, value: Any) -> str:
    text = _text(name, value)
    if any(unicodedata.category(character) in _ENDS_A_LINE for character in text):
        raise Refused(f"The attribute {name!r} contains a line break or another control character: {text!r}.")
    if text.rstrip().endswith("\\"):
        raise Refused(f"The attribute {name!r} ends with a backslash, which would join it to the next line.")
    for macro in _MACRO.findall(text):
        if not _KNOWN_MACRO.fullmatch(macro):
            raise Refused(
                f"The attribute {name!r} uses {macro!r}; $(Cluster), $(Process) and $(slice) may be used."
            )
    if name.lower() == "universe" and text.strip().lower() not in UNIVERSES:
        raise Refused(f"The universe {text!r} is not one of {', '.join(sorted(UNIVERSES))}.")
    return _image(text.strip()) if name.lower() == "container_image" else text


def _image(text: str) -> str:
    """Of a registry; or one of the job's inputs, which lie in `in/` there."""
    scheme, known, _ = text.partition("://")
    if known and scheme.lower() in IMAGES and text.isprintable() and " " not in text:
        return text
    if known or not _IMAGE.fullmatch(text) or ".." in text:
        raise Refused(
            f"The image {text!r} is a path on the access point or no image at all. Name one of a registry "
            f'("docker://debian:12"; also {", ".join(IMAGES[1:])}), or a file among remote_input_files.'
        )
    return f"in/{text}"


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
