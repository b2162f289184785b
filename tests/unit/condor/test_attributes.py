"""Users' submit attributes: nothing that they hold may reach HTCondor as anything but a value."""

from __future__ import annotations

from typing import Any

import pytest

from jobs_app.pools.base import Refused
from jobs_app.pools.condor.attributes import lines


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


@pytest.mark.parametrize("universe", ["local", "scheduler", "grid", "java", "vm", "parallel", "vanilla\n"])
def test_a_job_cannot_leave_for_another_universe(universe: str) -> None:
    with pytest.raises(Refused, match=r"universe"):
        lines({"universe": universe})


@pytest.mark.parametrize(
    "image", ["/home/roost/roost/attempts/x/in/data", " /etc/passwd", "../../other/in/x.sif"]
)
def test_an_image_is_no_way_to_the_access_points_files(image: str) -> None:
    with pytest.raises(Refused, match="is a path on the access point"):
        lines({"container_image": image})


@pytest.mark.parametrize(
    "name", ["+ProjectName", "+WantFlocking", "+DESIRED_Sites", "+GPUJobLength", "+SingularityBind"]
)
def test_what_sites_ask_for_may_be_said(name: str) -> None:
    assert lines({name: '"x"'}) == [f'MY.{name[1:]} = "x"']


@pytest.mark.parametrize("value", [None, {"a": 1}, {1}, b"x", object()])
def test_a_value_that_is_no_text_is_refused(value: Any) -> None:
    with pytest.raises(Refused, match="'rank' is a"):
        lines({"rank": value})
