"""What stays in its process whatever one does, and what to send instead."""

from __future__ import annotations

from collections.abc import Iterator

_LOCK = "A lock works within one process: create it in the function that uses it."
_THREADS = "It belongs to the threads of one process: create it in the function that uses it."
_FUTURE = "Of futures, only an AsyncResult can be an argument. Wait for the result and send that: {}."
_FILE = "Send its path and open it in the function, or send its contents."
_CONNECTION = "A connection belongs to one process: connect in the function that uses it."
_PROCESS = "It can only be used in the process that started it: send the values that you need from it."
_CONTEXT = "Context variables belong to one process: send their values."
_TEXT = "Send its text: see the module traceback."

_ADVICE = {
    "_thread.lock": _LOCK,
    "_thread.RLock": _LOCK,
    "threading.Condition": _LOCK,
    "threading.Event": _LOCK,
    "threading.Semaphore": _LOCK,
    "threading.Barrier": _LOCK,
    "multiprocessing.synchronize.SemLock": _LOCK,
    "threading.Thread": _THREADS,
    "_thread._local": _THREADS,
    "queue.Queue": "A queue connects threads of one process: send its items in a list.",
    "_queue.SimpleQueue": "A queue connects threads of one process: send its items in a list.",
    "asyncio.queues.Queue": "A queue belongs to one event loop: send its items in a list.",
    "asyncio.events.AbstractEventLoop": _THREADS,
    "concurrent.futures._base.Executor": _THREADS,
    "concurrent.futures._base.Future": _FUTURE.format("`future.result()`"),
    "asyncio.futures.Future": _FUTURE.format("`await future`"),
    "_asyncio.Future": _FUTURE.format("`await future`"),
    "distributed.client.Future": _FUTURE.format("`future.result()`"),
    "_io._IOBase": _FILE,
    "_socket.socket": _CONNECTION,
    "ssl.SSLContext": _CONNECTION,
    "sqlite3.Connection": _CONNECTION,
    "sqlite3.Cursor": _CONNECTION,
    "subprocess.Popen": _PROCESS,
    "multiprocessing.process.BaseProcess": _PROCESS,
    "mmap.mmap": _FILE,
    "generator": "Send its items in a list, or the function that makes it.",
    "async_generator": "Send its items in a list, or the function that makes it.",
    "coroutine": "Send the `async def` function and its arguments: an engine awaits what it returns.",
    "frame": _TEXT,
    "traceback": _TEXT,
    "_contextvars.ContextVar": _CONTEXT,
    "_contextvars.Context": _CONTEXT,
    "_contextvars.Token": _CONTEXT,
    "weakref.ReferenceType": "Send the object that it refers to.",
}
_TRAVEL = frozenset({"_io.BytesIO", "_io.StringIO"})
_OTHERS = "Create it in the function that uses it, or send the values that it is created from."
_RESULT = "Return the values that you need from it, or keep it in a global variable on the engine and use it there."


def stays(value: object) -> bool:
    """Whether it is of a kind that never travels."""
    return _advice(value) is not None


def advice_for(value: object, *, is_result: bool) -> str:
    """Return what to do instead of sending `value`, or of returning it."""
    if is_result:
        return "Return its items in a list." if type(value).__name__.endswith("generator") else _RESULT
    return _advice(value) or _OTHERS


def _advice(value: object) -> str | None:
    names = list(_names(type(value)))
    if not _TRAVEL.isdisjoint(names):
        return None
    return next((_ADVICE[name] for name in names if name in _ADVICE), None)


def _names(kind: type) -> Iterator[str]:
    for each in kind.__mro__:
        module = "" if each.__module__ == "builtins" else f"{each.__module__}."
        yield f"{module}{each.__qualname__}"
