"""Connection files that are missing, broken, or of somebody else: what clients and engines say, and when."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import partialmethod
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from engineroom import Client, Cluster
from engineroom.errors import ConnectionFailed, ConnectionFileError, NotLetIn
from engineroom.protocol.handshake import PeerHandshake
from engineroom.protocol.messages import PROTOCOL
from engineroom.settings.profiles import Profile
from tests.patience import SECONDS
from tests.system.conftest import Command, until

Start = Callable[..., Command]

WRONG_KEY = {"exec_key": "0" * 64}
OTHER_CLUSTER = {"cluster_id": "another"}
OTHER_PORT = {"url": "tcp://127.0.0.1:9", "socket": "", "addresses": [], "location": "127.0.0.1"}


@pytest.fixture(scope="module")
def controller(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster without engines."""
    cluster = Cluster(profile_dir=tmp_path_factory.mktemp("door") / "profile_door", cluster_id="door")
    cluster.start_controller_sync()
    yield cluster
    cluster.stop_cluster_sync()


@pytest.fixture
def edited(controller: Cluster, tmp_path: Path) -> Callable[..., Path]:
    """Return what makes a copy of one of the cluster's connection files, with changes."""

    def edit(role: str, **changes: Any) -> Path:
        original = Path(controller.client_connection_file.replace("-client.json", f"-{role}.json"))
        values = json.loads(original.read_text()) | changes
        path = tmp_path / f"edited-{role}.json"
        path.write_text(json.dumps(values))
        return path

    return edit


def engine_says(command: Start, *arguments: str, timeout: float = 0.3) -> str:
    """Return what an `ipengine` with these arguments has said when it gives up."""
    engine = command("ipengine", f"--timeout={timeout}", *arguments)
    assert engine.ends() == 255, engine.output
    return engine.output


@pytest.mark.parametrize(
    ("options", "command_to_run"),
    [
        ({}, "`ipcluster start -n 4`"),
        ({"profile": "other"}, "`ipcluster start -n 4 --profile=other`"),
        ({"cluster_id": "x"}, "`ipcluster start -n 4 --cluster-id=x`"),
    ],
)
def test_a_client_waits_for_a_missing_file_says_so_and_names_the_command_to_run(
    profile: Profile, capfd: pytest.CaptureFixture[str], options: dict[str, str], command_to_run: str
) -> None:
    with pytest.raises(ConnectionFileError, match=re.escape(f"Start a cluster with {command_to_run}")) as caught:
        Client(timeout=0.2, **options)
    assert str(caught.value).startswith("found no controller within 0.2 s: ")
    said = capfd.readouterr().err
    assert said.startswith("Waiting for connection file: ")
    assert str(profile.path.parent) in said


def test_an_engine_waits_for_a_missing_file_says_so_and_names_the_command_to_run(
    command: Start, profile: Profile
) -> None:
    said = engine_says(command)
    assert "waiting for the controller for up to 0.3 s" in said
    assert f"there is no connection file {profile.connection_file('engine')}" in said
    assert "`ipcluster start`" in said
    assert "Traceback" not in said


BROKEN = [
    ("", "is empty"),
    ("  \n", "is empty"),
    ("{", "is not JSON"),
    ("[1, 2]", "does not contain a JSON object"),
    ("{}", "has no 'url'"),
    ('{"url": "tcp://127.0.0.1:1"}', "has no 'exec_key'"),
    ('{"url": "somewhere", "exec_key": "k"}', "'somewhere' is not of the form tcp://HOST:PORT"),
    ('{"url": "tcp://127.0.0.1:1", "exec_key": 7}', r"Expected `str`, got `int` - at `$.exec_key`"),
    ("\0\1\2 binary", "is not JSON"),
    (b"\xff\xfe", "can't be read"),
]


@pytest.mark.parametrize(("text", "words"), BROKEN)
def test_a_file_that_is_none_is_an_error_at_once(profile: Profile, text: str | bytes, words: str) -> None:
    profile.prepare()
    path = profile.connection_file("client")
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ConnectionFileError, match=re.escape(words)) as caught:
        Client(timeout=SECONDS)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(("text", "words"), [("", "is empty"), ("{", "is not JSON")])
def test_an_engine_names_the_file_that_is_none(command: Start, tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "bad.json"
    path.write_text(text)
    said = engine_says(command, f"--file={path}")
    assert f"{path} {words}" in said
    assert "Traceback" not in said


def test_unknown_and_missing_optional_keys_are_fine(edited: Callable[..., Path]) -> None:
    path = edited("client", colour="green", ssh=None, addresses=None, host=None)
    with Client(path, timeout=SECONDS) as rc:
        assert rc.ids == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (WRONG_KEY, "wrong key: the exec_key in this ipcontroller-{role}.json"),
        (OTHER_CLUSTER, "is from another cluster"),
    ],
)
@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_who_is_not_let_in_is_told_why_at_once(
    edited: Callable[..., Path],
    command: Start,
    monkeypatch: pytest.MonkeyPatch,
    transport: str,
    changes: dict[str, str],
    words: str,
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    with pytest.raises(NotLetIn, match=words.format(role="client")):
        Client(edited("client", **changes), timeout=SECONDS)
    said = engine_says(command, f"--file={edited('engine', **changes)}", timeout=SECONDS)
    assert "the controller refused this engine" in said
    assert words.format(role="engine") in said


def test_the_file_of_the_other_role_is_refused(edited: Callable[..., Path], command: Start) -> None:
    with pytest.raises(NotLetIn, match="wrong key"):
        Client(edited("engine"), timeout=SECONDS)
    assert "wrong key" in engine_says(command, f"--file={edited('client')}", timeout=SECONDS)


def test_another_protocol_is_refused_with_both_versions_and_what_to_do(
    edited: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    say_another = partialmethod(PeerHandshake.__init__, protocol=(PROTOCOL[0] + 8, 0))
    monkeypatch.setattr(PeerHandshake, "__init__", say_another)
    with pytest.raises(NotLetIn, match=rf"you speak protocol {PROTOCOL[0] + 8}\.0 .* speaks {PROTOCOL[0]}\.") as caught:
        Client(edited("client"), timeout=SECONDS)
    assert "install the same version of engineroom on both machines" in str(caught.value)


def test_a_controller_that_shows_another_certificate_is_not_believed(
    edited: Callable[..., Path], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # Imported here: elsewhere only processes that need TLS do it.
    from engineroom.transport.tls import ensure_certificate

    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    other = ensure_certificate(tmp_path / "other.crt", tmp_path / "other.key")
    with pytest.raises(NotLetIn, match="has another certificate than the one in the connection file"):
        Client(edited("client", certificate=other), timeout=SECONDS)


def test_nobody_at_the_port_is_said_with_each_address(edited: Callable[..., Path], command: Start) -> None:
    with pytest.raises(ConnectionFailed, match=r"no way to the controller: 127\.0\.0\.1:9: .*ECONNREFUSED"):
        Client(edited("client", **OTHER_PORT), timeout=0.3)
    said = engine_says(command, f"--file={edited('engine', **OTHER_PORT)}")
    assert "127.0.0.1:9: Connection refused" in said


def stale(controller: dict[str, Any]) -> dict[str, Any]:
    """Return the record of a controller whose pid is another process now."""
    return controller | {"start_time": "1"}


def test_a_stale_file_is_recognised(
    edited: Callable[..., Path], command: Start, controller: Cluster, capfd: pytest.CaptureFixture[str]
) -> None:
    process = json.loads(Path(controller.client_connection_file).read_text())["controller"]
    changes = OTHER_PORT | {"controller": stale(process)}
    with pytest.raises(ConnectionFileError, match=rf"stale: its controller \(pid {process['pid']}\) has ended"):
        Client(edited("client", **changes), timeout=0.2)
    assert "the file is stale" in capfd.readouterr().err
    said = engine_says(command, f"--file={edited('engine', **changes)}")
    assert f"The connection file is stale: its controller (pid {process['pid']}) has ended" in said
    assert "`ipcluster start`" in said


def test_a_client_that_waits_gets_in_once_the_file_is_there(
    edited: Callable[..., Path], profile: Profile, capfd: pytest.CaptureFixture[str]
) -> None:
    good = edited("client").read_bytes()
    profile.prepare()
    path = profile.connection_file("client")

    def appear() -> None:
        until(lambda: "Waiting" in capfd.readouterr().err)
        path.write_bytes(good)

    writer = Thread(target=appear)
    writer.start()
    with Client(timeout=SECONDS) as rc:
        assert rc.ids == []
    writer.join()
