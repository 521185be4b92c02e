"""What people say about the way to a controller, and about ssh."""

import pytest

from engineroom.errors import ConnectionFailed
from engineroom.machine.processes import host_name
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.transport.ssh_tunnel import Forward, advice, is_permanent, lead_command, tunnel_command, worth_saying
from engineroom.transport.ways import ARGUMENTS, Way, is_this_machine

INFO = ConnectionFile(url="tcp://10.0.0.1:4711", exec_key="k", addresses=["[fd00::1]:4711"], ssh="login")


def test_a_url_and_a_location_are_tried_first_and_the_rest_stays() -> None:
    assert Way().through(INFO) == INFO
    assert Way(location="node1").through(INFO).candidates()[:2] == [("node1", 4711), ("10.0.0.1", 4711)]
    by_url = Way(url="tcp://127.0.0.1:99").through(INFO)
    assert by_url.candidates() == [("127.0.0.1", 99), ("10.0.0.1", 4711), ("fd00::1", 4711)]
    assert Way(ssh="me@gate").through(INFO).ssh == "me@gate"


@pytest.mark.parametrize(
    ("server", "arguments"),
    [
        ("login", ["--", "login"]),
        ("me@login:2222", ["-p", "2222", "--", "me@login"]),
        ("ssh://me@login:2222", ["--", "ssh://me@login:2222"]),
        ("fd00::1", ["--", "fd00::1"]),
        ("me@[fd00::1]:2222", ["-p", "2222", "--", "me@fd00::1"]),
        ("[fd00::1]", ["--", "fd00::1"]),
        ("me@site.example@login:22", ["-p", "22", "--", "me@site.example@login"]),
    ],
)
def test_servers_as_people_write_them(server: str, arguments: list[str]) -> None:
    assert Way().ssh_arguments(server) == arguments


@pytest.mark.parametrize("server", ["-oProxyCommand=touch /tmp/x", "a b"])
def test_a_server_can_not_be_an_option_of_ssh(server: str) -> None:
    with pytest.raises(ConnectionFailed, match="is not a valid ssh server") as caught:
        Way().ssh_arguments(server)
    assert caught.value.final


def test_arguments_for_ssh_from_options_environment_and_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(ARGUMENTS, "-F '/a b/config'")
    way = Way(ssh_key="/keys/id", ssh_args=("-o", "Port=9"))
    assert way.ssh_arguments("login") == ["-o", "Port=9", "-F", "/a b/config", "-i", "/keys/id", "--", "login"]


def test_the_own_machine_is_known_by_its_name() -> None:
    assert is_this_machine(f"me@{host_name()}")
    assert not is_this_machine("localhost:2222")  # which may lead anywhere


def test_a_tunnel_leads_to_every_address_and_own_arguments_win() -> None:
    forwards = [Forward("10.0.0.1", 4711, "/s/a-0.ssh"), Forward("fd00::1", 4711, "/s/a-1.ssh")]
    command = tunnel_command(["-F", "config", "--", "login"], forwards)
    assert command[:5] == ["ssh", "-o", "ControlPath=none", "-F", "config"]
    assert command[-2:] == ["--", "login"]
    assert [command[at + 1] for at, word in enumerate(command) if word == "-L"] == [
        "/s/a-0.ssh:10.0.0.1:4711",
        "/s/a-1.ssh:[fd00::1]:4711",
    ]
    assert "BatchMode=yes" in command
    lead = lead_command(["-F", "config", "--", "login"], forwards[1])
    assert (lead[:3], lead[-4:]) == (["ssh", "-F", "config"], ["-W", "[fd00::1]:4711", "--", "login"])


@pytest.mark.parametrize(
    ("words", "fix", "permanent"),
    [
        ("me@login: Permission denied (publickey,password).", "ssh-add", True),
        ("Host key verification failed.", "`ssh login`", True),
        ("ssh: Could not resolve hostname login: Name or service not known", "Check the name", True),
        ("ssh: connect to host login port 22: Connection refused", "", False),
        ("channel 2: open failed: connect failed: Connection refused", "--ip='*'", False),
        ("channel 2: open failed: administratively prohibited: open failed", "AllowTcpForwarding", False),
    ],
)
def test_what_ssh_complains_of(words: str, fix: str, permanent: bool) -> None:
    assert fix in advice(words, "login")
    assert bool(advice(words, "login")) == bool(fix)
    assert is_permanent(words) == permanent
    assert worth_saying(words)


def test_what_ssh_merely_mentions() -> None:
    assert not worth_saying("Warning: Permanently added 'login' (ED25519) to the list of known hosts.")
