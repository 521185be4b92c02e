"""What the controller writes for others to find it."""

import stat
from pathlib import Path

import pytest

from engineroom.controller.config import ControllerConfig
from engineroom.controller.identity import Identity
from engineroom.errors import ConnectionFileError
from engineroom.protocol.connection_files import read_connection_file


def started(config: ControllerConfig, port: int = 4711) -> Identity:
    identity = Identity(config)
    identity.load()
    identity.write_files(port, "/tmp/x.sock")
    return identity


def test_both_files_and_the_key_are_private(tmp_path: Path) -> None:
    identity = started(ControllerConfig(security_dir=str(tmp_path), cluster_id="lab", ssh="login"))
    assert identity.client_file.name == "ipcontroller-lab-client.json"
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}
    client, engine = read_connection_file(identity.client_file), read_connection_file(identity.engine_file)
    assert client.exec_key != engine.exec_key
    assert (client.ssh, engine.ssh) == ("login", "")
    assert client.url == "tcp://127.0.0.1:4711"
    assert client.controller is not None and client.controller.alive


def test_reuse_keeps_port_keys_and_certificate(tmp_path: Path) -> None:
    config = ControllerConfig(security_dir=str(tmp_path), reuse=True)
    first = started(config)
    before = read_connection_file(first.client_file)
    first.remove_files()
    second = Identity(config)
    second.load()
    assert second.last_port == 4711
    second.write_files(4711, "")
    after = read_connection_file(second.client_file)
    assert (after.exec_key, after.certificate) == (before.exec_key, before.certificate)


@pytest.mark.parametrize("again", ["reuse", "restore"])
def test_files_that_a_power_cut_has_left_empty_are_written_anew(
    tmp_path: Path, again: str, caplog: pytest.LogCaptureFixture
) -> None:
    first = started(ControllerConfig(security_dir=str(tmp_path)))
    first.engine_file.write_bytes(b"")
    second = started(ControllerConfig(security_dir=str(tmp_path), **{again: True}))
    assert f"nothing to restore: {second.engine_file} is missing or empty" in caplog.text
    client, engine = read_connection_file(second.client_file), read_connection_file(second.engine_file)
    assert client.exec_key != engine.exec_key


def test_without_reuse_keys_are_new_and_files_go_at_the_end(tmp_path: Path) -> None:
    config = ControllerConfig(security_dir=str(tmp_path))
    first = started(config)
    key = read_connection_file(first.client_file).exec_key
    second = started(config)
    assert read_connection_file(second.client_file).exec_key != key
    second.remove_files()
    assert not second.client_file.exists()
    assert second.key_file.exists()


def test_a_cluster_with_an_id_leaves_nothing(tmp_path: Path) -> None:
    one = started(ControllerConfig(security_dir=str(tmp_path), cluster_id="0123abcd"))
    assert one.key_file.exists()
    one.remove_files()
    assert list(tmp_path.iterdir()) == []


def test_reuse_of_another_clusters_files_is_refused_in_words(tmp_path: Path) -> None:
    other = started(ControllerConfig(security_dir=str(tmp_path), cluster_id="a"))
    other.client_file.rename(tmp_path / "ipcontroller-b-client.json")
    other.engine_file.rename(tmp_path / "ipcontroller-b-engine.json")
    with pytest.raises(ConnectionFileError, match="belongs to cluster 'a', not to 'b'"):
        Identity(ControllerConfig(security_dir=str(tmp_path), cluster_id="b", reuse=True)).load()


def test_a_star_means_all_interfaces_of_both_families_and_files_name_all_addresses(tmp_path: Path) -> None:
    identity = started(ControllerConfig(security_dir=str(tmp_path), ip="*", location="10.0.1.5"))
    assert identity.bind_hosts()[0] == "0.0.0.0"
    candidates = read_connection_file(identity.engine_file).candidates()
    assert candidates[0] == ("10.0.1.5", 4711)
    assert ("127.0.0.1", 4711) in candidates
