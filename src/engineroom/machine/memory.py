"""Memory that is not needed any more goes back to the system: on Linux with glibc; elsewhere nothing happens.

What malloc has once had it likes to keep, and large buffers leave holes between small objects that live on.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from engineroom.machine.pieces import POOL
from engineroom.machine.shared_memory.room import room

if TYPE_CHECKING:
    import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_LARGE, _HUGE = 128 * 1024, 32 * 1024 * 1024
_KEPT = 256 * 1024 * 1024


def keep_large_apart(*, apart: bool) -> None:
    """Have every new buffer of 128 KiB or more be a mapping of its own, which goes back when it is freed; or not.

    It leaves no holes where much is kept for long. But the kernel clears it each time, so that bytes which only pass
    through take 1.5 times as long.
    """
    libc = _libc()
    if libc is not None:
        libc.mallopt(_MMAP_THRESHOLD, _LARGE if apart else _HUGE)


def keep_freed() -> bool:
    """Have malloc keep what is freed, up to 256 MiB at the end of its heap, until `keep_little` is called.

    Large bytes that come one after the other are made in it again. Else they would lie in fresh pages each time, and to
    have the kernel map and clear those takes several times as long as to fill them. False: nothing has changed, for
    memory is short.
    """
    libc, most = _libc(), min(_KEPT, room() // 8)
    if libc is None or most <= 2 * _HUGE:
        return False
    libc.mallopt(_MMAP_THRESHOLD, _HUGE)
    libc.mallopt(_TRIM_THRESHOLD, most)
    return True


def keep_little() -> None:
    """Have malloc keep as much as it does by itself, once a block of 32 MiB was freed."""
    libc = _libc()
    if libc is not None:
        libc.mallopt(_TRIM_THRESHOLD, 2 * _HUGE)


def give_back() -> None:
    """Return what is free, in the I/O thread. It takes a few ms where there is much: call it when idle."""
    POOL.clear()
    trim()


def trim() -> None:
    """Return what malloc keeps, in any thread. Takes a few ms where there is much."""
    libc = _libc()
    if libc is not None:
        libc.malloc_trim(0)


def _libc() -> ctypes.CDLL | None:
    if sys.platform != "linux":
        return None
    import ctypes

    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "malloc_trim") and hasattr(libc, "mallopt") else None
