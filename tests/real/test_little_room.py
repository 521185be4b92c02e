"""Processes with little address space, or that may open few files: data come in another way, or an error says why."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from engineroom.errors import RemoteError, TaskAborted
from tests.patience import SECONDS
from tests.real.confined import MIB, Confined, goes_and_comes

FEW = ("sh", "-c", 'ulimit -n 64 && exec "$0" "$@"')


def parts(count: int) -> list[Any]:
    return [np.full(300_000, number, np.uint8) for number in range(count)]


def many_at_once(rc: Any, count: int = 100) -> None:
    """Have many payloads there at a time: as arguments that stay, as results that wait, and as arguments of a map."""
    rc[:].push({f"part_{number}": part for number, part in enumerate(parts(count))}, block=True)
    for number, part in enumerate(parts(count)):
        rc[:].push({f"own_{number}": part}, block=True)
    assert [int(rc[0].pull(f"own_{number}", block=True)[-1]) for number in range(count)] == list(range(count))
    results = [rc[0].apply_async(lambda number: np.full(300_000, number, np.uint8), number) for number in range(count)]
    assert [int(result.get(SECONDS)[-1]) for result in results] == list(range(count))
    view = rc.load_balanced_view()
    assert view.map_sync(lambda its: int(its[0]), parts(count), chunksize=1) == list(range(count))
    kept = [rc[0].apply_sync(lambda its: its, part) for part in parts(count)]
    assert [int(its[0]) for its in kept] == list(range(count))
    rc[:].clear(block=True)


@pytest.mark.parametrize("who", ["controller", "engine", "both"])
def test_a_controller_or_an_engine_that_may_open_64_files(confined: Confined, who: str) -> None:
    confined.controller(*(FEW if who != "engine" else ()))
    confined.engine(*(FEW if who != "controller" else ()))
    rc = confined.client(1)
    pid = rc[0].apply_sync(os.getpid)
    many_at_once(rc)
    goes_and_comes(rc)
    assert rc[0].apply_sync(os.getpid) == pid


CLIENT = """
import sys
from engineroom import Client
from tests.real.test_little_room import many_at_once
from tests.real.confined import goes_and_comes
rc = Client(sys.argv[1])
many_at_once(rc)
goes_and_comes(rc)
print("done")
"""


def test_a_client_that_may_open_64_files(confined: Confined) -> None:
    confined.controller()
    confined.engine()
    confined.client(1)
    file = confined.profile / "security" / "ipcontroller-client.json"
    said = subprocess.run(
        [*FEW, sys.executable, "-c", CLIENT, str(file)], capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert said.stdout == "done\n", said.stderr


def test_a_controller_without_address_space_for_what_it_passes_on(
    confined: Confined, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    confined.controller("sh", "-c", 'ulimit -v 450000 && exec "$0" "$@"')
    confined.engine()
    rc = confined.client(1)
    data = np.ones(500 * MIB, np.uint8)
    for call in (
        lambda: rc[0].apply_sync(len, data),
        lambda: rc[0].push({"data": data}, block=True),
        lambda: rc[0].apply_sync(np.ones, 500 * MIB, np.uint8),
    ):
        with pytest.raises(
            (RemoteError, TaskAborted), match=r"the controller could not take .*no memory for 524,[23]\d\d,\d{3} bytes"
        ):
            call()
    goes_and_comes(rc, 4 * MIB)
