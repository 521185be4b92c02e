"""Clients that close at once: all that they have submitted is run."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys

import pytest

from engineroom import Client, Cluster
from engineroom.errors import EngineroomError
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.held_tasks import Mark, wait_for_file
from tests.system.test_faults_controller import controller_pid

ONE = """
result = view.apply_async(lambda data: int(data.sum()), np.full(16 * 2**20, 3, np.uint8))
print(result.msg_ids[0])
"""
MANY_LARGE = """
results = [view.apply_async(lambda data: int(data[-1]), np.full(8 * 2**20, n, np.uint8)) for n in range(14)]
print(*[result.msg_ids[0] for result in results])
"""
THOUSANDS = """
view.apply_sync(pow, 2, 3)
print("ready", flush=True)
sys.stdin.readline()
results = [view.apply_async(pow, 2, 3) for _ in range(3000)]
print(results[-1].msg_ids[0])
"""


def leaving(cluster: Cluster, does: str, **environment: str) -> subprocess.Popen[str]:
    """Start a client that closes as soon as it has done what `does` says with a balanced `view`."""
    connects = "import sys\nimport numpy as np\nfrom engineroom import Client\nrc = Client(sys.argv[1])\n"
    script = f"{connects}view = rc.load_balanced_view()\n{does}\nrc.close()"
    return subprocess.Popen(
        [sys.executable, "-c", script, cluster.client_connection_file],
        env=os.environ | environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def result_of(rc: Client, msg_id: str) -> int:
    """Return the result of a task of a client that has left, which may be known a little later."""

    def known() -> list[int]:
        with contextlib.suppress(KeyError, EngineroomError):
            return [rc.get_result(msg_id, block=False).get(SECONDS)]
        return []

    return until(known)[0]  # type: ignore[no-any-return]


def test_a_client_may_leave_as_soon_as_it_has_called(rc: Client, cluster: Cluster) -> None:
    with leaving(cluster, ONE) as client:
        call, said = client.communicate(timeout=SECONDS)
    assert said == ""
    assert result_of(rc, call.strip()) == 3 * 16 * 2**20


def test_a_client_may_leave_long_before_the_turn_of_its_last_tasks(rc: Client, cluster: Cluster, mark: Mark) -> None:
    """The controller takes no more than 64 MiB of arguments ahead of the tasks that run."""
    held = rc[:].apply_async(wait_for_file, str(mark))
    with leaving(cluster, MANY_LARGE) as client:
        calls, said = client.communicate(timeout=SECONDS)
    mark.set()
    held.get(SECONDS)
    assert "will not run" not in said
    assert [result_of(rc, call) for call in calls.split()] == list(range(14))


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_what_was_submitted_is_run_though_the_controller_stood_still(
    rc: Client, cluster: Cluster, transport: str
) -> None:
    controller = controller_pid(cluster.client_connection_file)
    with leaving(cluster, THOUSANDS, ENGINEROOM_TRANSPORT=transport) as client:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
        os.kill(controller, signal.SIGSTOP)
        try:
            last, _ = client.communicate("\n", timeout=SECONDS)
        finally:
            os.kill(controller, signal.SIGCONT)
    assert result_of(rc, last.strip()) == 8
