"""Processes with little memory: of a control group, of their address space, or of files that they may open."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engineroom.errors import RemoteError
from tests.patience import SECONDS
from tests.real.confined import MIB, Confined, goes_and_comes, limits_that_bind, way_to
from tests.real.memory_groups import MemoryGroup
from tests.system.conftest import until

Groups = Callable[[int], MemoryGroup]


@pytest.fixture
def groups() -> Iterator[Groups]:
    """Yield what makes a control group with so many bytes; nothing in it is killed."""
    made: list[MemoryGroup] = []

    def make(limit: int) -> MemoryGroup:
        made.append(MemoryGroup(str(len(made)), limit))
        return made[-1]

    yield make
    killed = [group.kills() for group in made]
    for group in made:
        group.remove()
    assert not any(killed)


@pytest.fixture
def confined(groups: Groups, tmp_path: Path) -> Iterator[Confined]:
    made = Confined(tmp_path / "profile")
    yield made
    made.close()


def ones(size: int) -> Any:
    return np.ones(size, np.uint8)


def test_an_engine_maps_more_than_its_group_may_have(confined: Confined, groups: Groups) -> None:
    group = groups(160 * MIB)
    confined.controller()
    confined.engine(*group.command)
    rc = confined.client(1)
    before = group.used
    assert rc[0].apply_sync(lambda data: int(data[::4096].sum()), ones(300 * MIB)) == 300 * 256
    assert group.used - before < 32 * MIB
    assert way_to(rc) == "shared memory"


def test_results_that_are_kept_do_not_take_all_the_memory_of_an_engines_group(
    confined: Confined, groups: Groups
) -> None:
    """A quarter of it is for shared memory. Whoever keeps much of that keeps copies; what nobody has read yet, and does
    not fit there, comes over the socket."""
    group = groups(200 * MIB)
    confined.controller()
    confined.engine(*group.command)
    rc = confined.client(1)
    unread = [rc[0].apply_async(ones, 2 * MIB + number) for number in range(60)]
    rc.wait(unread, SECONDS)
    assert "limited to 52,428,800 bytes" in way_to(rc)
    assert any("max_shared_bytes" in words for words in limits_that_bind(rc))
    assert all(each.get().all() for each in unread)
    del unread
    kept = [rc[0].apply_sync(ones, 2 * MIB + number) for number in range(60)]
    assert all(each.all() for each in kept)

    def has_room() -> bool:
        """Whether a result comes by shared memory, once what was copied has been given back."""
        rc[0].apply_sync(ones, 2 * MIB)
        return way_to(rc) == "shared memory"

    until(has_room)
    del kept
    for size in range(3, 9):  # the memory of earlier ones is given back, though the client would have kept it mapped
        assert rc[0].apply_sync(ones, size * 3 * MIB).all()


def test_arguments_for_which_an_engines_group_has_no_memory_fail_with_their_size(
    confined: Confined, groups: Groups
) -> None:
    group = groups(200 * MIB)
    confined.controller()
    confined.engine(*group.command, ENGINEROOM_TRANSPORT="tls")
    rc = confined.client(1)
    pid = rc[0].apply_sync(os.getpid)
    for call in (
        lambda: rc[0].apply_sync(len, ones(300 * MIB)),
        lambda: rc[0].push({"a": ones(300 * MIB)}, block=True),
    ):
        with pytest.raises(RemoteError, match=r"\[0:.*take 314,57\d,\d{3} bytes.*no memory"):
            call()
    # Each alone would fit: there is memory when they begin to come, and none in the middle.
    both = [rc[0].apply_async(len, ones(90 * MIB)) for _ in range(2)]
    ends = [each.exception(SECONDS) for each in both]
    assert any(ends)
    assert all(isinstance(end, MemoryError) for end in ends if end)
    assert rc[0].apply_sync(os.getpid) == pid


def test_neighbours_in_a_group_that_has_no_memory_for_what_all_need(confined: Confined, groups: Groups) -> None:
    group = groups(300 * MIB)
    confined.controller()
    for _ in range(2):
        confined.engine(*group.command, ENGINEROOM_TRANSPORT="tls")
    rc = confined.client(2)
    pids = rc[:].apply_sync(os.getpid)
    assert rc[:].apply_sync(len, ones(32 * MIB)) == [32 * MIB] * 2
    pushed = rc[:].push({"a": ones(400 * MIB)}, block=False)
    assert "no memory" in str(pushed.exception(SECONDS))
    assert rc[:].apply_sync(os.getpid) == pids


def test_a_controller_in_a_small_group_passes_on_more_than_that(confined: Confined, groups: Groups) -> None:
    group = groups(100 * MIB)
    confined.controller(*group.command, options=["--IPController.max_shared_bytes=1000000000"])
    confined.engine()
    rc = confined.client(1)
    assert rc[0].apply_sync(lambda data: data, ones(300 * MIB)).all()
    goes_and_comes(rc, 4 * MIB)


def test_a_controller_in_a_small_group_refuses_what_it_has_no_memory_to_pass_on(
    confined: Confined, groups: Groups, monkeypatch: pytest.MonkeyPatch
) -> None:
    group = groups(200 * MIB)
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", "tls")
    confined.controller(*group.command)
    confined.engine()
    rc = confined.client(1)
    for call in (
        lambda: rc[0].apply_sync(len, ones(300 * MIB)),
        lambda: rc[0].push({"a": ones(300 * MIB)}, block=True),
        lambda: rc[0].apply_sync(ones, 300 * MIB),
    ):
        with pytest.raises(Exception, match=r"the controller could not take .*no memory for 314,57\d,\d{3} bytes"):
            call()
    goes_and_comes(rc, 4 * MIB)
    several = [rc[0].apply_async(len, ones(30 * MIB)) for _ in range(10)]  # more than it has, one after the other
    assert [each.get(SECONDS) for each in several] == [30 * MIB] * 10


CLIENT = """
import sys
import numpy as np
from engineroom import Client
rc = Client(sys.argv[1])
size = 200 * 2**20
np.lib.format.open_memmap(sys.argv[2], "w+", np.uint8, (size,)).flush()
for data in (np.zeros(size, np.uint8), np.load(sys.argv[2], mmap_mode="r"), np.zeros(2 * size, np.uint8)[::2]):
    try:
        rc[0].apply_sync(len, data)
    except MemoryError as error:
        print(error)
print(rc[0].apply_sync(int, "7"))
"""


def test_a_client_in_a_small_group_is_not_killed_by_what_it_sends(
    confined: Confined, groups: Groups, tmp_path: Path
) -> None:
    group = groups(200 * MIB)
    confined.controller()
    confined.engine()
    confined.client(1)
    file = str(confined.profile / "security" / "ipcontroller-client.json")
    command = [*group.command, sys.executable, "-c", CLIENT, file, str(tmp_path / "mapped.npy")]
    said = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    lines = said.stdout.splitlines()
    assert lines[-1:] == ["7"], said.stderr
    assert len(lines) == 4
    assert all("argument 1 of 'len' cannot be sent" in line and "209,715,200 bytes" in line for line in lines[:-1])
