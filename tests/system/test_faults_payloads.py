"""Large arguments, functions and results: whose sender is slow, stopped or gone, and for which there is no memory."""

from __future__ import annotations

import os
import resource
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engineroom import Client, Cluster
from engineroom.errors import RemoteError
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS, slowly
from tests.system.conftest import until
from tests.system.proxy import Proxy, through

MIB = 2**20

STOPPED_AMID_A_PUSH = """
import os, signal, sys
from engineroom import Client
from engineroom.protocol import streams
rc = Client(sys.argv[1])
view = rc[0] if sys.argv[2] == "direct" else rc.load_balanced_view()
data = os.urandom(32 * 2**20)
take = streams.OutgoingStreams.next_chunk
sent = 0
def next_chunk(self):
    global sent
    sent += 1
    if sent == 20:
        print("stopped", flush=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    return take(self)
streams.OutgoingStreams.next_chunk = next_chunk
if sys.argv[3] == "function":
    results = [view.apply_async(lambda: len(data)), view.apply_async(lambda: len(data))]
else:
    results = [view.apply_async(len, data), view.apply_async(len, data)]
print([result.get() for result in results], flush=True)
"""
"""A client that stops itself in the middle of its arguments, or of a function with a large capture."""


@pytest.fixture
def stopped(cluster: Cluster, rc: Client) -> Iterator[Callable[[str, str], subprocess.Popen[str]]]:
    """Yield what starts a client that stops amid a push."""
    started: list[subprocess.Popen[str]] = []

    def start(how: str, what: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", STOPPED_AMID_A_PUSH, cluster.client_connection_file, how, what]
        env = os.environ | {"ENGINEROOM_TRANSPORT": "tls"}  # else what is in shared memory is all there at once
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env)
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "stopped\n"
        until(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def slowest(call: Callable[[], Any], count: int = 60) -> float:
    """Return the median of the slowest tenth of `count` calls, in seconds."""
    times = []
    for _ in range(count):
        start = time.monotonic()
        call()
        times.append(time.monotonic() - start)
    return statistics.median(sorted(times)[-count // 10 :])


@pytest.mark.parametrize("what", ["arguments", "function"])
@pytest.mark.parametrize("how", ["balanced", "direct"])
def test_a_client_that_stops_amid_a_push_keeps_nobody_else_waiting(
    rc: Client, stopped: Callable[[str, str], subprocess.Popen[str]], how: str, what: str
) -> None:
    process = stopped(how, what)

    view = rc.load_balanced_view()
    assert slowest(lambda: view.apply_sync(os.getpid)) < slowly(0.1)  # it stops until it is thawed
    assert slowest(lambda: rc[0].apply_sync(os.getpid)) < slowly(0.1)
    assert [(status["tasks"], status["queue"]) for status in map(rc.queue_status, (0, 1))] == [(0, 0)] * 2

    process.send_signal(signal.SIGCONT)
    assert process.communicate(timeout=SECONDS)[0] == f"[{32 * MIB}, {32 * MIB}]\n"


@pytest.mark.parametrize("what", ["arguments", "function"])
def test_what_a_client_was_sending_ends_with_it(
    rc: Client, stopped: Callable[[str, str], subprocess.Popen[str]], what: str
) -> None:
    process = stopped("balanced", what)
    assert rc.queue_status()["unassigned"] == 2
    process.kill()

    until(lambda: rc.queue_status()["unassigned"] == 0)
    assert len(set(rc[:].apply_sync(os.getpid))) == 2


def test_a_slow_client_keeps_nobody_else_waiting(
    cluster: Cluster, rc: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    with Proxy(read_connection_file(cluster.client_connection_file).port, rate=MIB / 4) as proxy:
        file = through(proxy, cluster.client_connection_file, tmp_path / "client.json")
        with Client(file, timeout=SECONDS) as slow:
            results = [slow.load_balanced_view().apply_async(len, bytes(4 * MIB)) for _ in range(4)]
            view = rc.load_balanced_view()
            assert slowest(lambda: view.apply_sync(os.getpid)) < slowly(0.1)  # and each of those takes 16 s
            assert not any(result.ready() for result in results)
            proxy.hurry()
            assert [result.get(SECONDS) for result in results] == [4 * MIB] * 4


def limit_memory(extra: int) -> None:
    """Leave this process `extra` bytes of address space; 0: no limit."""
    used = psutil.Process().memory_info().vms
    resource.setrlimit(resource.RLIMIT_AS, (used + extra if extra else resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def tries() -> int:
    """Count the calls of this function in this engine."""
    import builtins

    builtins.tries = getattr(builtins, "tries", 0) + 1  # type: ignore[attr-defined]
    return builtins.tries  # type: ignore[attr-defined,no-any-return]


@pytest.fixture
def little_memory(rc: Client) -> Iterator[int]:
    """Yield the pid of engine 0, which has 100 MiB left."""
    pid = rc[0].apply_sync(os.getpid)
    rc[0].apply_sync(limit_memory, 100 * MIB)
    yield pid
    rc[0].apply_sync(limit_memory, 0)


def test_arguments_that_do_not_fit_an_engine_fail_once_with_their_size(rc: Client, little_memory: int) -> None:
    with pytest.raises(RemoteError, match=r"arguments of this call take 167,77\d,\d{3} bytes.*no memory") as caught:
        rc[0].apply_sync(len, bytes(160 * MIB))
    assert isinstance(caught.value, MemoryError)
    assert rc[0].apply_sync(os.getpid) == little_memory


@pytest.mark.filterwarnings("ignore:a lambda uses:UserWarning")
def test_a_function_that_does_not_fit_an_engine_fails_once_with_its_size(rc: Client, little_memory: int) -> None:
    capture = bytes(160 * MIB)
    for _ in range(2):
        with pytest.raises(RemoteError, match=r"no memory for the 167,77\d,\d{3} bytes of this function"):
            rc[0].apply_sync(lambda: len(capture))
    assert rc[0].apply_sync(os.getpid) == little_memory


def test_a_result_that_can_not_be_packed_for_want_of_memory_is_an_error(rc: Client, little_memory: int) -> None:
    with pytest.raises(MemoryError):
        rc[0].apply_sync(lambda: [bytearray(60 * MIB)] * 1 + [bytearray(60 * MIB)])
    assert rc[0].apply_sync(os.getpid) == little_memory


CLIENT_WITH_LITTLE_MEMORY = """
import resource, sys, psutil
from engineroom import Client
rc = Client(sys.argv[1])
assert rc[0].apply_sync(int) == 0
used = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20,) * 2)
try:
    rc[0].apply_sync(bytes, 160 * 2**20)
except MemoryError as error:
    print(error)
print(rc[0].apply_sync(int, "7"), rc.load_balanced_view().apply_sync(int, "8"))
"""


@pytest.mark.usefixtures("rc")
def test_a_result_that_does_not_fit_the_client_fails_its_call_alone(cluster: Cluster) -> None:
    command = [sys.executable, "-c", CLIENT_WITH_LITTLE_MEMORY, cluster.client_connection_file]
    said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert "bytes, and this process has no memory for them" in said.stdout, said.stderr
    assert said.stdout.splitlines()[-1] == "7 8", said.stderr


SCRIPT = """
import sys
from engineroom import Client
def note(data, mark):
    import os, uuid
    open(os.path.join(mark, uuid.uuid4().hex), "w").close()
rc = Client(sys.argv[1])
data = bytes(16 * 2**20)
rc[:].apply_async(note, data, sys.argv[2])
for _ in range(8):
    rc.load_balanced_view().apply_async(note, data, sys.argv[2])
capture = bytes(20 * 2**20)
mark = sys.argv[2]
rc[0].apply_async(lambda: note(capture, mark))
"""


@pytest.mark.usefixtures("rc")
def test_what_a_script_has_submitted_runs_though_the_script_ends(cluster: Cluster, tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", SCRIPT, cluster.client_connection_file, str(tmp_path)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")
    until(lambda: len(list(tmp_path.iterdir())) == 11)


def controller_of(cluster: Cluster) -> psutil.Process:
    record = read_connection_file(cluster.client_connection_file).controller
    assert record is not None
    return psutil.Process(record.pid)


def test_closing_beside_a_stopped_controller_ends_and_says_what_is_left(
    cluster: Cluster, rc: Client, caplog: pytest.LogCaptureFixture
) -> None:
    leaving = Client(cluster.client_connection_file)
    controller = controller_of(cluster)
    controller.suspend()
    try:
        leaving[:].apply_async(len, bytes(32 * MIB))
        start = time.monotonic()
        leaving.close(linger=1.0)
        assert time.monotonic() - start < 10.0
    finally:
        controller.resume()
    assert "closed before the arguments or functions of 2 tasks (32.0 MiB) had been sent" in caplog.text
    assert rc.load_balanced_view().apply_sync(int, "7") == 7
