"""A Dask worker in an engine. Engines import this without Dask, until one is started."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

_T = TypeVar("_T")
WORKER, OLD_NAME = "distributed_worker", "dask_worker"
"""The names that it has in the engine's namespace."""
_SECONDS = 30.0


class Loop:
    """An event loop in a thread of its own."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, _T], seconds: float) -> _T:
        """Return what `work` returns, within `seconds`."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(seconds)

    def stop(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_SECONDS)
        if not self._thread.is_alive():
            self._loop.close()


async def started(kind: Any, *args: Any, **options: Any) -> Any:
    """Return a server of Dask that has started: a scheduler, a worker or a nanny."""
    return await kind(*args, **options)


_running: dict[str, tuple[Any, Loop]] = {}
"""The worker of this process, and its loop, by the scheduler's address."""


def start_worker(scheduler: str, options: dict[str, Any]) -> None:
    """Start a worker of `scheduler` in this engine. `options`: of the worker, and `nanny`: in a process of its own."""
    import distributed  # only engines that become workers need it

    for other in list(_running):
        stop_worker(other)
    nanny = options.pop("nanny", False)
    loop = Loop("engineroom-dask")
    try:
        kind = distributed.Nanny if nanny else distributed.Worker
        worker = loop.run(started(kind, scheduler, **options), _SECONDS)
    except BaseException:
        loop.stop()
        raise
    _running[scheduler] = worker, loop
    vars(sys.modules["__main__"]).update({WORKER: worker, OLD_NAME: worker})


def stop_worker(scheduler: str) -> None:
    """Stop the worker of `scheduler` in this engine, if there is one."""
    worker, loop = _running.pop(scheduler, (None, None))
    if worker is None or loop is None:
        return
    with contextlib.suppress(Exception):  # its scheduler may be gone, and the worker with it
        loop.run(worker.close(), _SECONDS)
    loop.stop()
    names = vars(sys.modules["__main__"])
    for name in (WORKER, OLD_NAME):
        if names.get(name) is worker:
            del names[name]
