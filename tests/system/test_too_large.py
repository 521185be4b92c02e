"""Values larger than the memory that there is: an error that names them and their size, and everybody lives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import engineroom as er
from engineroom import Client, Cluster
from engineroom.errors import TooLargeToSend
from tests.patience import SECONDS

SIZE = 100 << 40
"""More than any machine has that runs tests; of a file it takes nothing, as nothing is written in it."""

Ways = dict[str, tuple[Callable[[Client, Any], Any], str]]

WAYS: Ways = {
    "an argument": (lambda rc, its: rc[0].apply_sync(len, its), "argument 1 of 'len'"),
    "one of several": (lambda rc, its: rc[:].apply_sync(sorted, [1], key={"a": [its]}), "argument 'key' of 'sorted'"),
    "balanced": (lambda rc, its: rc.load_balanced_view().apply_async(len, its), "argument 1 of 'len'"),
    "pushed": (lambda rc, its: rc[:].push({"small": 1, "large": its}, block=True), "the variable 'large'"),
    "published": (lambda rc, its: rc.publish(its), "the published value"),
    "captured": (lambda rc, its: rc[0].apply_sync(lambda: len(its)), "the function '<lambda>'"),
    "an item": (lambda rc, its: rc.load_balanced_view().map_async(len, [its]), "item 0 of the map"),
}


def large(kind: str, place: Path) -> Any:
    if kind == "repeated":
        return np.broadcast_to(np.uint8(1), (SIZE,))
    with open(place, "wb") as file:
        file.truncate(1 << 40)
    one: Any = np.memmap(place, np.uint8, "r")
    return np.lib.stride_tricks.as_strided(one, (SIZE >> 40, 1 << 40), (0, 1)) if kind == "mapped, with gaps" else one


@pytest.fixture(params=["repeated", "mapped", "mapped, with gaps"])
def value(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    return large(request.param, tmp_path / "sparse")


@pytest.mark.parametrize("way", WAYS)
def test_it_is_refused_here_with_its_name_and_size(rc: Client, value: Any, way: str) -> None:
    call, name = WAYS[way]
    with pytest.raises(TooLargeToSend, match=rf"{value.nbytes:,} bytes, and this process has no memory") as caught:
        call(rc, value)
    assert str(caught.value).startswith(name)
    assert isinstance(caught.value, MemoryError)
    assert rc[:].apply_sync(int) == [0, 0]


def test_a_result_is_refused_there(rc: Client) -> None:
    pids = rc[:].apply_sync(os.getpid)
    with pytest.raises(er.PackError, match=rf"the result cannot be sent to the client: it has {SIZE:,} bytes"):
        rc[0].apply_sync(lambda: np.broadcast_to(np.uint8(1), (SIZE,)))
    assert rc[:].apply_sync(os.getpid) == pids


LITTLE_ADDRESS_SPACE = """
import resource, sys
import numpy as np, psutil
from engineroom import Client
rc = Client(sys.argv[1])
assert rc[0].apply_sync(int) == 0
data = np.ones(500 * 2**20, np.uint8)
used = psutil.Process().memory_info().vms
resource.setrlimit(resource.RLIMIT_AS, (used + 100 * 2**20,) * 2)
for call in (
    lambda: rc[0].apply_sync(len, data),
    lambda: rc[:].push({"data": data}, block=True),
    lambda: rc.publish(data),
):
    try:
        call()
    except MemoryError as error:
        print(error)
print(rc[0].apply_sync(int, "7"), rc[0].apply_sync(len, data[: 2**20]))
"""


@pytest.mark.usefixtures("rc")
def test_a_client_without_address_space_for_a_copy_goes_on(cluster: Cluster) -> None:
    command = [sys.executable, "-c", LITTLE_ADDRESS_SPACE, cluster.client_connection_file]
    said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    lines = said.stdout.splitlines()
    assert lines[-1] == "7 1048576", said.stderr
    assert [line.partition(" cannot")[0] for line in lines[:-1]] == [
        "argument 1 of 'len'",
        "the variable 'data'",
        "the published value",
    ], lines
    assert all("524,288,000 bytes" in line for line in lines[:-1])
