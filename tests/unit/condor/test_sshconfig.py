"""What a file like ~/.ssh/config says of a host and of the way to it."""

from __future__ import annotations

from pathlib import Path

import pytest

from jobs_app.pools.base import AccessDenied
from jobs_app.pools.shell.sshconfig import Known, SshConfig, jumps_in, split_jump


def config(folder: Path, text: str) -> SshConfig:
    path = folder / "config"
    path.write_text(text)
    return SshConfig(str(path))


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("gate", ("", "gate", 0)),
        ("me@gate", ("me", "gate", 0)),
        ("me@gate:2022", ("me", "gate", 2022)),
        ("a@b@gate:1", ("a@b", "gate", 1)),
        ("[::1]:2022", ("", "::1", 2022)),
        ("me@[fe80::1]", ("me", "fe80::1", 0)),
        ("fe80::1", ("", "fe80::1", 0)),
    ],
)
def test_a_jump_host_is_read_as_openssh_reads_it(text: str, parts: tuple[str, str, int]) -> None:
    assert split_jump(text) == parts


def test_a_jump_host_that_cannot_be_read_is_named() -> None:
    with pytest.raises(AccessDenied, match="'gate:ssh' cannot be read"):
        split_jump("gate:ssh")


def test_jump_hosts_are_a_list_and_none_is_none() -> None:
    assert jumps_in(" a@b:22 , c,") == ("a@b:22", "c")
    assert jumps_in("none") == jumps_in("") == ()


def test_without_a_file_nothing_is_said() -> None:
    assert SshConfig("").about("cluster") == Known("cluster")
    assert SshConfig("").way_to("cluster") == ()


def test_a_file_that_is_not_there_is_said_so() -> None:
    with pytest.raises(AccessDenied, match="/nowhere/config cannot be read"):
        SshConfig("/nowhere/config")


def test_keys_that_are_not_there_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "id").write_text("")
    text = f"Host *\n IdentityFile {tmp_path}/id\n IdentityFile {tmp_path}/other\n Port 2222\n User me\n"
    assert config(tmp_path, text).about("x") == Known("x", 2222, "me", (f"{tmp_path}/id",))


def test_what_jump_hosts_are_reached_over_comes_before_them(tmp_path: Path) -> None:
    text = "Host cluster\n ProxyJump inner,last\nHost inner\n ProxyJump outer\n"
    assert config(tmp_path, text).way_to("cluster") == ("outer", "inner", "last")


def test_jump_hosts_in_a_circle_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(AccessDenied, match="have no end"):
        config(tmp_path, "Host a\n ProxyJump b\nHost b\n ProxyJump a\n").way_to("a")


def test_a_command_as_a_way_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    with pytest.raises(AccessDenied, match="Only ProxyJump is known here"):
        config(tmp_path, f"Host a\n ProxyCommand touch {trace}\n").about("a")
    assert not trace.exists()
