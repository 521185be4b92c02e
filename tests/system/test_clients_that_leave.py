"""Clients that close at once: what they have submitted is run."""

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
from tests.system.test_faults_controller import controller_pid

SUBMITS_AND_CLOSES = """
import sys
from engineroom import Client
rc = Client(sys.argv[1])
view = rc.load_balanced_view()
view.apply_sync(pow, 2, 3)
print("ready", flush=True)
sys.stdin.readline()
results = [view.apply_async(pow, 2, 3) for _ in range(3000)]
rc.close()
print(results[-1].msg_ids[0])
"""


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_what_was_submitted_is_run_though_the_controller_stood_still(
    rc: Client, cluster: Cluster, transport: str
) -> None:
    controller = controller_pid(cluster.client_connection_file)
    process = subprocess.Popen(
        [sys.executable, "-c", SUBMITS_AND_CLOSES, cluster.client_connection_file],
        env={**os.environ, "ENGINEROOM_TRANSPORT": transport},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        os.kill(controller, signal.SIGSTOP)
        try:
            last, _ = process.communicate("\n", timeout=SECONDS)
        finally:
            os.kill(controller, signal.SIGCONT)

    def result() -> int:
        with contextlib.suppress(KeyError, EngineroomError):  # this question may be read before the task
            return rc.get_result(last.strip(), block=False).get(SECONDS)  # type: ignore[no-any-return]
        return 0

    assert until(result) == 8
