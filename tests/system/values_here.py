"""What tests ask engines about their memory, in a module that an engine imports in no time."""

from __future__ import annotations

from typing import Any

import numpy as np

from engineroom.serialize.functions.interactive import home
from engineroom.transport.sharing import Sharing
from tests.system.held_tasks import wait_for_file

MIB = 2**20


def published_here(digest: bytes) -> bool:
    return home.published(digest) is not None


def lose(digest: bytes) -> None:
    table: Any = home.published
    table.__self__.release(digest)


def make(seed: int) -> Any:
    return np.random.default_rng(seed).integers(0, 255, 16 * MIB, dtype=np.uint8)


def total(its: Any, mark: str = "") -> int:
    if mark:
        wait_for_file(mark)
    return int(its.sum())


def give_nothing_back() -> None:
    """Have this process say of nothing any more that it is not needed."""

    def forget(sharing: Any, stream: int, spoiled: bool) -> None:
        del sharing, stream, spoiled

    names: Any = Sharing
    names.give_back = names._give_back_with_others = forget
