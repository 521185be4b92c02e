"""The blocking twins of async methods: the same coroutine, run to its end, also where an event loop runs already."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Concatenate, ParamSpec, TypeVar

from engineroom.errors.local import users_call

_Self = TypeVar("_Self")
_Parameters = ParamSpec("_Parameters")
_Result = TypeVar("_Result")


def blocking(
    method: Callable[Concatenate[_Self, _Parameters], Coroutine[Any, Any, _Result]],
) -> Callable[Concatenate[_Self, _Parameters], _Result]:
    """Return a method that does what the async `method` does, and returns when it is done."""

    @users_call
    @functools.wraps(method)
    def run(self: _Self, /, *args: _Parameters.args, **kwargs: _Parameters.kwargs) -> _Result:
        return run_blocking(method(self, *args, **kwargs))

    run.__name__ = f"{method.__name__}_sync"
    run.__qualname__ = f"{method.__qualname__}_sync"
    return run


def run_blocking(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Return what `work` returns; a Ctrl-C meanwhile cancels it."""
    try:
        asyncio.get_running_loop()
        run: Callable[[Coroutine[Any, Any, _Result]], _Result] = _run_in_thread
    except RuntimeError:
        run = asyncio.run
    try:
        return run(work)
    except KeyboardInterrupt as interrupt:
        interrupt.__suppress_context__ = True  # how that was told to the coroutine
        raise


def _run_in_thread(work: Coroutine[Any, Any, _Result]) -> _Result:
    """A loop runs in this thread, as in a notebook: use another thread's."""
    started: Future[tuple[asyncio.AbstractEventLoop, asyncio.Task[Any]]] = Future()

    async def main() -> _Result:
        task = asyncio.current_task()
        assert task is not None
        started.set_result((asyncio.get_running_loop(), task))
        return await work

    with ThreadPoolExecutor(1, "engineroom-blocking") as pool:
        done = pool.submit(asyncio.run, main())
        try:
            return done.result()
        except BaseException:
            if not done.done():
                loop, task = started.result()
                loop.call_soon_threadsafe(task.cancel)
            raise
