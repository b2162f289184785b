"""Users' submit attributes: nothing that they hold may reach HTCondor as anything but a value."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import htcondor2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobs_app.pools.base import Refused
from jobs_app.pools.condor.attributes import ALLOWED, lines
from jobs_app.pools.condor.own_names import OWN_NAMES

TEMPLATES = Path(__file__).parents[3] / "condor_templates"


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("request_memory", 512, "request_memory = 512"),
        ("Request_Memory", "2 GB", "request_memory = 2 GB"),
        ("nice_user", True, "nice_user = true"),
        ("nice_user", False, "nice_user = false"),
        ("concurrency_limits", ["matlab", "disk:2"], "concurrency_limits = matlab, disk:2"),
        (
            "requirements",
            '(OpSys == "LINUX") && (Memory > 1024)',
            'requirements = (OpSys == "LINUX") && (Memory > 1024)',
        ),
        ("rank", 1.5, "rank = 1.5"),
        ("+Colour", '"red"', 'MY.Colour = "red"'),
        ("MY.Colour", '"red"', 'MY.Colour = "red"'),
        ("batch_name", "run $(Cluster).$(Process)", "batch_name = run $(Cluster).$(Process)"),
        ("require_gpus", "Capability >= 8 && $$(Arch)", "require_gpus = Capability >= 8 && $$(Arch)"),
    ],
)
def test_an_attribute_becomes_one_line(name: str, value: Any, line: str) -> None:
    assert lines({name: value}) == [line]


@pytest.mark.parametrize("break_", ["\n", "\r", "\x0b", "\x0c", "\0", "\x1f", "\x7f"])
def test_a_value_cannot_begin_a_new_line(break_: str) -> None:
    with pytest.raises(Refused, match="'rank' contains a line break or another control character"):
        lines({"rank": f"1{break_}queue 1000"})


@pytest.mark.parametrize("value", ["1 \\", "1\\", "1\\  "])
def test_a_value_cannot_swallow_the_next_line(value: str) -> None:
    with pytest.raises(Refused, match="'rank' ends with a backslash"):
        lines({"rank": value})


@pytest.mark.parametrize(
    "macro",
    [
        "$ENV(HOME)",
        "$(HOME)",
        "$F(x)",
        "$RANDOM_CHOICE(a,b)",
        "$INT(x)",
        "$$([ 1 ])",
        "$(attempt)",
        "$",
        "$(",
        "$$$(x)",
    ],
)
def test_a_value_reads_nothing_of_its_surroundings(macro: str) -> None:
    with pytest.raises(Refused, match="'rank' uses"):
        lines({"rank": f"a {macro} b"})


FOREIGN = """
executable arguments initialdir iwd log output error queue include if use transfer_input_files
transfer_output_remaps should_transfer_files environment getenv owner submit_event_user_notes leave_in_queue
x509userproxy stream_output allow_startup_script hold @a DAGManJobId JOBSTATUS
"""


KEPT = """
+Owner MY.Owner my.owner +User +RoostAttempt +roostbatch +Cmd +Iwd +ClusterId +x509UserProxy +JobStatus
+UserLog +WantIOProxy +WantRemoteUpdates +WantRemoteIO +WantDelayedUpdates +TransferInput +ContainerImage
+TransferOutputRemaps +PublicInputFiles +DAGManNodesLog +DAGManJobId +PreCmd +PostCmd +StreamOut
+SpooledOutputFiles +JobCheckpointDestination +OAuthServicesNeeded +LeaveJobInQueue +ShouldTransferFiles
+EncryptInputFiles
"""


@pytest.mark.parametrize("name", KEPT.split())
def test_custom_attributes_cannot_be_those_of_htcondor_or_roost(name: str) -> None:
    with pytest.raises(Refused, match="is kept by HTCondor or Roost"):
        lines({name: "1"})


RIGHTS = """
+RunAsOwner MY.RunAsOwner my.runasowner +RUNASOWNER +LoadUserProfile +PrimaryUnixGroup +KeystoreFile
+CronMinute +DeferralTime +SingularityImage +JobPrio +Rank +Requirements +RequestCpus +NiceUser +StageInStart
+ConcurrencyLimits +CurrentHosts +MachineAttrName0 +JobMaxRetries +JobSuccessExitCode +KillSig +AWSRegion
+WantGracefulRemoval +EC2SecretAccessKey +RoutedFromJobId +FetchFiles +LocalFiles +AppendFiles +Shell
+UseParrot +SuspendJobAtExec +_x
"""


@pytest.mark.parametrize("name", RIGHTS.split())
def test_no_custom_attribute_says_what_a_command_may_not(name: str) -> None:
    with pytest.raises(Refused, match="is kept by HTCondor or Roost"):
        lines({name: "true"})


@given(
    st.sampled_from(sorted(OWN_NAMES)),
    st.sampled_from(["+", "MY.", "my."]),
    st.lists(st.booleans(), min_size=1),
)
@settings(deadline=None)
def test_no_name_of_htcondors_own_is_a_users_in_any_letters(
    name: str, mark: str, capitals: list[bool]
) -> None:
    pairs = zip(name, itertools.cycle(capitals), strict=False)
    spelled = "".join(letter.upper() if capital else letter for letter, capital in pairs)
    with pytest.raises(Refused, match="is kept by HTCondor or Roost"):
        lines({mark + spelled: "1"})


@pytest.mark.parametrize("universe", ["local", "scheduler", "grid", "java", "vm", "parallel", "vanilla\n"])
def test_a_job_cannot_leave_for_another_universe(universe: str) -> None:
    with pytest.raises(Refused, match=r"universe"):
        lines({"universe": universe})


CUSTOM = """
+ProjectName +WantFlocking +DESIRED_Sites +Undesired_Sites +GPUJobLength +SingularityBind +JobFlavour
+MaxRuntime +queue +WantGlidein +MyTag +Author +Archive +RunNumber +Experiment
"""


@pytest.mark.parametrize("name", CUSTOM.split())
def test_what_sites_ask_for_may_be_said(name: str) -> None:
    assert lines({name: '"x"'}) == [f'MY.{name[1:]} = "x"']


@pytest.mark.parametrize("value", [None, {"a": 1}, {1}, b"x", object()])
def test_a_value_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(Refused, match="'rank' is a"):
        lines({"rank": value})


@pytest.mark.parametrize("separator", ["\x85", "\u2028", "\u2029", "\x1c", "\x1e"])
def test_a_value_holds_no_line_break_of_unicode_either(separator: str) -> None:
    with pytest.raises(Refused, match="'rank' contains a line break"):
        lines({"rank": f"1{separator}queue 7"})


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("executable", "parameter of the job"),
        ("log", "its own event log"),
        ("initialdir", "folders of a job"),
        ("transfer_output_remaps", "files travel as inputs and results"),
        ("transfer_plugins", "files travel as inputs and results"),
        ("notify_user", "no mail"),
        ("getenv", "surroundings"),
        ("starter_hook_keyword", "surroundings"),
        ("use_x509userproxy", "whose rights"),
        ("use_oauth_services", "whose rights"),
        ("leave_in_queue", "when a job begins and ends"),
        ("noop_job", "when a job begins and ends"),
        ("queue", "a statement"),
        ("grid_resource", "a universe in which"),
        ("on_exit_remove", "use the parameter retries"),
        ("retry_until", "use the parameter retries"),
        ("success_exit_code", "let the program end with 0"),
        ("retry_request_memory", r"resume\(memory=...\)"),
        ("keep_claim_idle", "use num_jobs"),
        ("request_memry2!", "Those are custom ones"),
        ("requirments", "Did you mean 'requirements'"),
    ],
)
def test_a_key_that_may_not_be_set_says_why(name: str, why: str) -> None:
    with pytest.raises(Refused, match=why):
        lines({name: "x"})


FORGED = """
+AccountingGroup +AcctGroup +AcctGroupUser +AccountingGroupUser +IsNoopJob +NoopJobExitCode +HookKeyword
+SubmitEventUserNotes +OtherJobRemoveRequirements +ExitCode +OnExitHold +PeriodicRemove +HoldReasonCode
+JobMaterializeLimit +NotifyUser +EmailAttributes +WantDocker +DockerImage +TransferPlugins +Manifest
+SendCredential +RoostStopped +JobFactoryId +DockerExtraVolumes
"""


@pytest.mark.parametrize("name", FORGED.split())
def test_nobody_forges_who_pays_how_a_job_ended_or_what_surrounds_it(name: str) -> None:
    with pytest.raises(Refused, match="is kept by HTCondor or Roost"):
        lines({name: '"x"'})


def test_a_pools_own_resources_may_be_asked_for() -> None:
    assert lines({"request_licences": 2}) == ["request_licences = 2"]


@pytest.mark.parametrize(
    ("image", "line"),
    [
        ("docker://debian:12", "container_image = docker://debian:12"),
        ("oras://reg.example/x@sha256:ab", "container_image = oras://reg.example/x@sha256:ab"),
        ("tools/x.sif", "container_image = in/tools/x.sif"),
    ],
)
def test_an_image_is_one_of_a_registry_or_an_input(image: str, line: str) -> None:
    assert lines({"container_image": image}) == [line]


@pytest.mark.parametrize("image", ["file:///etc/passwd", "docker://a b", "ftp://x/y", "", "~/x.sif"])
def test_anything_else_is_no_image(image: str) -> None:
    with pytest.raises(Refused, match="is a path on the access point"):
        lines({"container_image": image})


# --- whatever a user writes ---------------------------------------------------------------------------------

NAMES = st.one_of(
    st.sampled_from(sorted(ALLOWED)),
    st.sampled_from(["+Colour", "MY.x", "request_memory", "queue", "include : ls |", "a = 1\nb", "@a"]),
    st.text(max_size=12),
)
PIECES = ["$(Process)", "$ENV(HOME)", "$(HOME)", "\\", "\n", "\r", "\u2028", "\x85", "queue 9", "@=end", "#"]
VALUES = st.one_of(
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=8)), max_size=5).map("".join),
    st.integers(),
    st.booleans(),
    st.floats(allow_nan=False),
)


@given(st.dictionaries(NAMES, VALUES, max_size=4))
@settings(max_examples=400, deadline=None)
def test_no_attribute_says_more_than_its_own_line(attributes: dict[str, Any]) -> None:
    """HTCondor's own reader is the judge: it finds these keys and values, and not one more."""
    try:
        composed = lines(attributes)
    except Refused:
        return
    wanted = {}
    for line in composed:
        key, _, value = line.partition(" = ")
        wanted[key.lower()] = value.strip()
    said = htcondor2.Submit("\n".join(["first = 1", *composed, "last = 2"]) + "\n")
    found = {key.lower(): value.strip() for key, value in said.items()}
    assert found == {"first": "1", **wanted, "last": "2"}
    assert said.getQArgs() in ("", None)


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.sub")), ids=lambda path: path.stem)
def test_no_description_of_ours_lets_a_job_reach_the_account_s_files(path: Path) -> None:
    """By chirp, a job with one of these reads and writes whatever the pool's account can."""
    text = path.read_text().lower()
    said = [line for line in text.splitlines() if not line.startswith("#")]
    assert not [line for line in said if re.search("want_?(io_?proxy|remote_?(io|syscalls))", line)]
