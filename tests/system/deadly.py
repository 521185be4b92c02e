"""Tasks that end their engine, in a module that an engine imports in no time."""

from __future__ import annotations

from tests.system.held_tasks import wait_for_file


def end_by(way: str) -> None:
    """End this process in one of the ways that a task may."""
    import ctypes
    import os
    import signal

    match way:
        case "exit code 3":
            os._exit(3)
        case "exit code 0":
            os._exit(0)
        case "SIGSEGV":
            ctypes.string_at(0)
        case "SIGABRT":
            os.abort()
        case _:
            signal.raise_signal(getattr(signal, way))  # as a failing instruction does


def deadly(item: tuple[int, str]) -> int:
    number, way = item
    if way:
        end_by(way)
    return number


def note_and_wait(begun: str, mark: str) -> int:
    import os
    from pathlib import Path

    beside = Path(f"{begun}.{os.getpid()}")
    beside.write_text(str(os.getpid()))
    beside.rename(begun)
    wait_for_file(mark)
    return os.getpid()


def segfault() -> None:
    import ctypes

    ctypes.string_at(0)


def leave() -> None:
    import os

    os._exit(3)
