"""Memory for large results: handed out again once nobody looks at it, within a limit, and given back when idle."""

from __future__ import annotations

import os
import time

import pytest

from engineroom.machine.large_blocks import LEAST, LargeBlocks, private


@pytest.fixture
def blocks() -> LargeBlocks:
    made = LargeBlocks()
    made.most = 4 * LEAST
    return made


def taken(blocks: LargeBlocks, size: int = LEAST) -> memoryview:
    view = blocks.take(size)
    assert view is not None
    assert len(view) == size
    assert not view.readonly
    return view


def test_memory_is_handed_out_again_once_nobody_looks_at_it(blocks: LargeBlocks) -> None:
    first = taken(blocks)
    first[:] = b"x" * LEAST
    part = first[10:20]
    del first
    second = taken(blocks)
    assert bytes(second[:4]) == bytes(4)
    del part
    third = taken(blocks)
    assert bytes(third[:4]) == b"xxxx"
    assert len(blocks) == 2


def test_what_is_much_larger_is_not_taken_for_little(blocks: LargeBlocks) -> None:
    taken(blocks, 3 * LEAST - 4096)
    taken(blocks, LEAST)
    assert len(blocks) == 1, "the large one had to go: there was no room for both"


def test_there_is_a_limit_and_too_little_is_not_worth_it(blocks: LargeBlocks) -> None:
    views = [taken(blocks, LEAST), taken(blocks, 2 * LEAST)]
    assert blocks.take(LEAST - 1) is None
    assert blocks.take(4 * LEAST + 1) is None
    views.pop()
    views.append(taken(blocks, LEAST))
    blocks.close()
    assert blocks.take(LEAST) is None
    views[0][:3] = b"abc"  # lives on


def test_what_is_kept_for_ever_takes_no_room_for_ever(blocks: LargeBlocks) -> None:
    kept = [taken(blocks) for _ in range(8)]
    again = taken(blocks)
    again[:3] = b"new"
    del again
    assert bytes(taken(blocks)[:3]) == b"new"
    assert all(view[:3] == bytes(3) for view in kept)
    assert len(blocks) <= 4


def test_what_is_idle_is_given_back_and_what_is_in_use_is_kept(blocks: LargeBlocks) -> None:
    view, _ = taken(blocks), taken(blocks, 2 * LEAST)
    assert blocks.sweep(0.0)
    del _
    assert blocks.sweep(time.monotonic())
    assert len(blocks) == 1
    del view
    assert not blocks.sweep(time.monotonic() + 1)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing forks here")
def test_a_forked_child_has_memory_of_its_own() -> None:
    memory = private(LEAST)
    child = os.fork()
    if not child:
        memory[:3] = b"abc"
        os._exit(0)
    os.waitpid(child, 0)
    assert memory[:3] == bytes(3)
