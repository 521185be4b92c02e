"""People copy and edit connection files; what is wrong with one is said in words."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.errors import ConnectionFileError
from engineroom.machine.processes import ProcessRecord
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file, write_connection_file

LEAST = {"url": "tcp://10.0.1.5:43447", "exec_key": "secret"}


def written(tmp_path: Path, values: Any) -> Path:
    path = tmp_path / "ipcontroller-client.json"
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    info = ConnectionFile(
        **LEAST, cluster_id="lab", addresses=["[::1]:43447"], controller=ProcessRecord.of(os.getpid())
    )
    path = tmp_path / "file.json"
    write_connection_file(path, info)
    assert read_connection_file(path) == info
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert not info.stale


def test_a_file_edited_by_hand_needs_only_url_and_key(tmp_path: Path) -> None:
    text = r'{"url":"tcp:\/\/*:43447", "exec_key":"k", "ssh":"login.mycluster.net", "location":"10.0.1.5", "new":1}'
    info = read_connection_file(written(tmp_path, text))
    assert info.candidates() == [("10.0.1.5", 43447)]
    assert info.ssh == "login.mycluster.net"


def test_all_addresses_are_candidates_once() -> None:
    info = ConnectionFile(**LEAST, addresses=["10.0.1.5:43447", "[fd00::1]:43447", "nonsense"])
    assert info.candidates() == [("10.0.1.5", 43447), ("fd00::1", 43447)]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is empty"),
        ("{", "is not JSON"),
        ("[]", "does not contain a JSON object"),
        ({"url": "tcp://a:1"}, "has no 'exec_key'"),
        ({"exec_key": "k", "interface": "tcp://127.0.0.1"}, "has no 'url'"),
        ({**LEAST, "url": "127.0.0.1:80"}, "not of the form tcp://HOST:PORT"),
        ({**LEAST, "addresses": "10.0.0.1"}, r"addresses"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, content: Any, words: str) -> None:
    with pytest.raises(ConnectionFileError, match=words):
        read_connection_file(written(tmp_path, content))


def test_a_missing_file_is_an_oserror_too(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="is the controller running"):
        read_connection_file(tmp_path / "none.json")


def test_a_file_whose_controller_ended_here_is_stale() -> None:
    me = ProcessRecord.of_this_process()
    assert ConnectionFile(**LEAST, controller=msgspec.structs.replace(me, start_time="1")).stale
    assert not ConnectionFile(**LEAST, controller=msgspec.structs.replace(me, host="elsewhere", start_time="1")).stale


def test_no_file_is_left_when_writing_fails(tmp_path: Path) -> None:
    target = tmp_path / "dir"
    target.mkdir()
    (target / "x").mkdir()
    with pytest.raises(IsADirectoryError):
        write_connection_file(target / "x", ConnectionFile(**LEAST))
    assert [path.name for path in target.iterdir()] == ["x"]
