"""What docs/security.md says that a client, an engine and a task can do, tried on a real cluster."""

from __future__ import annotations

import os
import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import engineroom as er
from engineroom import Client, Cluster
from engineroom.controller.shell import Controller
from engineroom.errors import NotLetIn
from engineroom.ids import number_of, parse_msg_id, session_of
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.protocol.messages import Abort, Finished, Function, Ran, Result, Run, Status
from engineroom.protocol.task_ranges import TaskRanges
from tests.fuzz.arena import Story, submit
from tests.fuzz.liar import Liar
from tests.patience import SECONDS
from tests.system.conftest import answers, until
from tests.system.held_tasks import put, wait_for_file
from tests.system.secrets_shown import keys_of, shown_by_files, shown_by_processes


class Trap:
    """A result that does something to whoever unpickles it."""

    def __init__(self, file: str) -> None:
        self.file = file

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, (f"import os, pathlib; pathlib.Path({self.file!r}).write_text(str(os.getpid()))",)


def test_a_client_runs_code_as_the_user_of_the_engines(rc: Client) -> None:
    assert rc[:].apply_sync(os.getuid) == [os.getuid()] * 2


def test_a_client_ends_engines_and_the_cluster(tmp_path: Path) -> None:
    """Also the tasks of other clients, which are told."""
    cluster = Cluster(n=2, profile_dir=tmp_path / "profile_ends", restart_dead_engines=False)
    with cluster as first, cluster.connect_client_sync() as second:
        second.wait_for_engines(2, timeout=SECONDS)
        running = first[0].apply_async(signal.pause)
        until(lambda: second.queue_status()[0]["queue"])
        second.send_signal(signal.SIGKILL, targets=0)
        with pytest.raises(er.EngineError, match="SIGKILL"):
            running.get(timeout=SECONDS)
        second.shutdown(targets=1)
        until(lambda: not second.ids)
        second.shutdown(hub=True)
        with pytest.raises(er.EngineroomError):
            first.load_balanced_view().apply_async(abs, 1).get(timeout=SECONDS)


def test_a_client_sees_and_deletes_the_records_of_others(cluster: Cluster, rc: Client, tmp_path: Path) -> None:
    with cluster.connect_client_sync() as other:
        running = rc[0].apply_async(wait_for_file, str(tmp_path / "seen"))
        name = running.msg_ids[0]
        until(lambda: name in other.queue_status(verbose=True)[0]["queue"])
        put(tmp_path / "seen", "done")
        assert other.get_result(name).get(timeout=SECONDS) == "done"
        [record] = other.db_query({"msg_id": name}, keys=["buffers", "state"])
        assert record["buffers"]
        assert other.purge_hub_results(name) == 1
        assert running.get(timeout=SECONDS) == "done"


def test_a_client_cancels_no_task_of_another(cluster: Cluster, rc: Client, tmp_path: Path) -> None:
    with cluster.connect_client_sync() as other:
        running = rc[0].apply_async(wait_for_file, str(tmp_path / "go"))
        until(lambda: running.msg_ids[0] in other.queue_status(verbose=True)[0]["queue"])
        task = parse_msg_id(running.msg_ids[0])
        number = number_of(task)
        other._session.send(Abort(TaskRanges(session_of(task), ((number, number),)), interrupt=True))
        other.queue_status()  # its answer comes after what was decided about that
        put(tmp_path / "go", "done")
        assert running.get(timeout=SECONDS) == "done"


def test_an_engine_is_sent_what_it_is_to_run_only(play: Callable[[Story], None]) -> None:
    async def story(controller: Controller, files: dict[str, ConnectionFile]) -> None:
        client = await Liar.join(files["client"], "client")
        engine, curious = await Liar.join(files["engine"], "engine"), await Liar.join(files["engine"], "engine")
        client.say(submit(client, 1, to=engine.identity))
        run = await engine.hears(Run)
        engine.say(Finished(1, run.task, run.attempt, Ran(Status.OK, 1.0, 0.0), b"done"))
        assert (await client.hears(Result)).body == b"done"
        assert not any(isinstance(each, Run | Function | Result) for each in curious.heard)
        with pytest.raises(NotLetIn):  # and to be told as a client it needs another key
            await Liar.join(files["engine"], "client")

    play(story)


def test_a_result_runs_code_on_the_client_that_reads_it(rc: Client, tmp_path: Path) -> None:
    file = tmp_path / "sprung"
    result = rc[0].apply_async(Trap, str(file))
    result.wait(SECONDS)
    assert not file.exists()
    result.get(timeout=SECONDS)
    assert file.read_text(encoding="ascii") == str(os.getpid())


def test_a_task_reads_the_keys_of_its_user(cluster: Cluster, rc: Client) -> None:
    def read(path: str) -> str:
        return Path(path).read_text(encoding="utf-8")

    assert "exec_key" in rc[0].apply_sync(read, str(cluster.client_connection_file))


def test_the_controller_has_no_module_that_could_open_a_payload() -> None:
    """What it imports is checked with all other imports; this is what is loaded when it runs."""
    code = (
        "import sys, engineroom.controller.app as app, engineroom.controller.shell; "
        "print(sorted(name for name in sys.modules if name.partition('.')[0] in {'cloudpickle', 'dill'} "
        "or name.startswith('engineroom.serialize')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_there_is_no_way_around_tls_1_3(cluster: Cluster) -> None:
    info = read_connection_file(cluster.client_connection_file)
    with socket.create_connection(("127.0.0.1", info.port), timeout=SECONDS) as plain:
        plain.sendall(b"\0\0\0\x04\0\0\0\0")
        assert plain.recv(64)[:1] in {b"", b"\x15"}  # hung up on, or a TLS alert
    older = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    older.check_hostname, older.verify_mode = False, ssl.CERT_NONE
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", info.port), timeout=SECONDS) as sock,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        older.wrap_socket(sock)


def test_no_process_and_no_log_shows_a_key(cluster: Cluster, rc: Client) -> None:
    assert answers(rc, slice(None), os.getpid)
    keys = keys_of(Path(cluster.client_connection_file).parent)
    assert list(shown_by_processes(keys)) == []
    assert list(shown_by_files(keys, Path(cluster.client_connection_file).parents[1])) == []
