"""Pickling of what is nested deeply: it recurses, and its limit is that of Python's own recursion before Python 3.12.

At the usual limit pickle gives up some 300 levels down. At a higher one, a thread's usual stack (8 MiB) ends at some
30,000 levels, and the process would crash.
"""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Callable
from typing import TypeVar

from engineroom.machine import threads

T = TypeVar("T")

_OF_A_LEVEL = 1 << 10
_LONGEST = 1 << 30
_DEEP = 40_000
"""A limit of recursion that allows some 10,000 levels of nesting."""

_one_at_a_time = threading.RLock()  # a signal handler may pickle while its thread is in here


def deeper(function: Callable[[], T]) -> T:
    """Return `function()`, called with a higher limit of recursion, on a stack that has room for it."""
    with _one_at_a_time:
        usual = sys.getrecursionlimit()
        sys.setrecursionlimit(max(usual, _DEEP))
        try:
            return on_a_long_stack(function)
        finally:
            sys.setrecursionlimit(usual)


def on_a_long_stack(function: Callable[[], T]) -> T:
    """Return `function()`, called in a thread whose stack is as long as the limit of recursion allows."""
    answers: list[T] = []
    errors: list[BaseException] = []

    def call() -> None:
        try:
            answers.append(function())
        except BaseException as error:  # noqa: BLE001 -- raised where it belongs
            errors.append(error)

    thread = threading.Thread(target=call, name="engineroom-pickling", daemon=True)
    _start_with_stack(thread, min(_LONGEST, sys.getrecursionlimit() * _OF_A_LEVEL))
    thread.join()
    if errors:
        raise errors[0]
    return answers[0]


def _start_with_stack(thread: threading.Thread, size: int) -> None:
    with _one_at_a_time:
        usual = threading.stack_size()
        with contextlib.suppress(ValueError):  # longer than this system allows
            threading.stack_size(size)
        try:
            threads.start(thread)
        finally:
            threading.stack_size(usual)
