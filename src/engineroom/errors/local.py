"""What is shown of tracebacks in this process: the user's frames, and none of ours.

A traceback grows frame by frame while an exception travels up. One that is emptied in an `except` block and
raised by a bare `raise` gets no entry for that block's frame, so that callers see only their own frames.
"""

from __future__ import annotations

import functools
import os
import re
import sys
import traceback
from collections.abc import Callable, Coroutine, Generator, Iterable, Sequence
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, cast

from engineroom.errors.base import EngineroomError

_P = ParamSpec("_P")
_T = TypeVar("_T")
_Class = TypeVar("_Class", bound=type)

_OURS = frozenset({"engineroom", "engineroom_ipyparallel", "cloudpickle"})
_MACHINERY = frozenset(
    {"IPython", "ipykernel", "asyncio", "runpy", "concurrent", "threading", "contextlib", "selectors"}
)
_FRAME = re.compile(r'File "([^"]+)", (line \d+)(, in <module>)?')
_FRAMES_SHOWN = 6
_EXPECTED = (EngineroomError, TimeoutError, KeyboardInterrupt)
_MARK = "_engineroom_for_users"
_FAULTS = (AssertionError, NotImplementedError)
_GENERATOR, _COROUTINE = 0x20, 0x80
"""Flags of the code of such functions (`inspect.CO_GENERATOR` ..., whose module takes 10 ms to import)."""


def debugging() -> bool:
    """Whether the user wants to see our frames as well: ENGINEROOM_DEBUG is set, and not to 0."""
    return os.environ.get("ENGINEROOM_DEBUG", "0") not in {"", "0"}


def is_for_users(error: BaseException) -> bool:
    """Whether `error` tells users what happened, or what is wrong with their call: other errors may be faults of ours.

    What a `raise` of ours says of an argument is for users, too.
    """
    if isinstance(error, _EXPECTED) or _MARK in error.__dict__:
        return True
    if isinstance(error, _FAULTS) or not isinstance(error, Exception):
        return False
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    if last is None or _package(last) not in _OURS:
        return False
    from opcode import opmap  # only when something went wrong

    if last.tb_frame.f_code.co_code[last.tb_lasti] != opmap["RAISE_VARARGS"]:
        return False
    error.__dict__[_MARK] = True  # the frame will be gone when the next of our calls asks
    return True


def users_part(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback without our frames, and those of others that lead to the user's or are called by ours."""
    entries: list[TracebackType] = []
    of_others = True  # those that lead to the user's first frame, or that ours called
    for entry in _entries(trace):
        package = _package(entry)
        of_others = package in _OURS or (of_others and package in _MACHINERY)
        if not of_others:
            entries.append(entry)
    return _of(entries)


def show_users_frames(error: BaseException) -> None:
    """Take frames that are not the user's off `error`, its members and what it is chained to.

    In an `except` block, before a bare `raise`, this leaves the caller's frames.
    """
    if debugging():
        return
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        link = waiting.pop()
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        link.with_traceback(users_part(link.__traceback__))
        waiting += [link.__cause__, link.__context__]
        if isinstance(link, BaseExceptionGroup):
            waiting += link.exceptions


def users_call(function: Callable[_P, _T]) -> Callable[_P, _T]:
    """Return `function`; errors for users that it raises do not show our frames."""

    @functools.wraps(function)
    def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return function(*args, **kwargs)
        except BaseException as error:
            if is_for_users(error):
                show_users_frames(error)
            raise

    return call


def users_iterator(function: Callable[_P, Generator[_T, Any, Any]]) -> Callable[_P, Generator[_T, Any, Any]]:
    """Return the generator function; errors for users that its iterators raise do not show our frames."""

    @functools.wraps(function)
    def iterate(*args: _P.args, **kwargs: _P.kwargs) -> Generator[_T, Any, Any]:
        try:
            return (yield from function(*args, **kwargs))
        except BaseException as error:
            if is_for_users(error):
                show_users_frames(error)
            raise

    return iterate


def users_coroutine(function: Callable[_P, Coroutine[Any, Any, _T]]) -> Callable[_P, Coroutine[Any, Any, _T]]:
    """Return the coroutine function; errors for users that it raises do not show our frames."""

    @functools.wraps(function)
    async def call(*args: _P.args, **kwargs: _P.kwargs) -> _T:
        try:
            return await function(*args, **kwargs)
        except BaseException as error:
            if is_for_users(error):
                show_users_frames(error)
            raise

    return call


def called_by_users(*names: str) -> Callable[[_Class], _Class]:
    """Return a decorator of classes: errors that these methods and properties raise do not show our frames.

    Methods that are called for each of very many tasks do the same by themselves: a wrapper costs 0.1 us.
    """

    def decorate(kind: _Class) -> _Class:
        for name in names:
            setattr(kind, name, _decorated(vars(kind)[name]))
        return kind

    return decorate


def _decorated(member: Any) -> Any:
    if isinstance(member, property):
        return member.getter(users_call(member.fget))  # type: ignore[arg-type]  # all of ours can be read
    flags = getattr(member, "__wrapped__", member).__code__.co_flags
    return (users_iterator if flags & _GENERATOR else users_coroutine if flags & _COROUTINE else users_call)(member)


def shown_in_ipython(error: Any) -> list[str]:
    """Return the lines for a remote error: the user's call in this process, and what went wrong on the engines."""
    trace: TracebackType | None = error.__traceback__
    if not debugging():
        trace = _without_ipython(_without_the_last(users_part(trace)))
    frames = [line for entry in traceback.format_tb(trace) for line in entry.splitlines()]
    call = _shortened([line.removeprefix("  ") for line in frames])
    return with_cell_names([*call, *([""] if call else []), *error.titled_traceback()])


def _without_the_last(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback without the frames at its end that led from the user's to ours: those of a magic, say."""
    entries = list(_entries(trace))
    while entries and _package(entries[-1]) in _MACHINERY:
        entries.pop()
    return _of(entries)


def _without_ipython(trace: TracebackType | None) -> TracebackType | None:
    """Return the traceback without the frames of IPython between the user's: those of `%time`, say."""
    return _of([entry for entry in _entries(trace) if _package(entry) != "IPython"])


def _of(entries: Sequence[TracebackType]) -> TracebackType | None:
    """Return a traceback of `entries` alone."""
    kept: TracebackType | None = None
    for entry in reversed(entries):
        # An interrupt may come at an instruction that has no line: that is told as None, and taken as -1.
        line = cast("int | None", entry.tb_lineno)
        kept = TracebackType(kept, entry.tb_frame, entry.tb_lasti, -1 if line is None else line)
    return kept


def _entries(trace: TracebackType | None) -> Iterable[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next


def _package(entry: TracebackType) -> str:
    return str(entry.tb_frame.f_globals.get("__name__", "")).partition(".")[0]


def _shortened(frames: list[str]) -> list[str]:
    starts = [number for number, line in enumerate(frames) if not line.startswith(" ")]
    if len(starts) <= _FRAMES_SHOWN:
        return frames
    first, last = frames[: starts[1]], frames[starts[1 - _FRAMES_SHOWN] :]
    return [*first, f"... {len(starts) - _FRAMES_SHOWN} frames ...", *last]


def with_cell_names(lines: list[str]) -> list[str]:
    """Return the lines with the names that a notebook's user knows: `Cell In[3]` for the file of a cell."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    named = getattr(getattr(shell, "compile", None), "format_code_name", None)
    if named is None:
        return lines

    def rename(match: re.Match[str]) -> str:
        name = named(match[1])
        return f"{name[0]} {name[1]}, {match[2]}" if name else match[0]  # what is in no function needs no name

    return [_FRAME.sub(rename, line, count=1) for line in lines]
