"""Tasks that end when the test says so, not when a time is over that a slow machine might need for something else."""

from __future__ import annotations

from pathlib import Path


class Mark:
    """A file for which tasks wait: `wait_for_file(str(mark))`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __str__(self) -> str:
        return str(self._path)

    def set(self) -> None:
        """Let the tasks end."""
        self._path.touch()

    def clear(self) -> None:
        """Have those wait that come now."""
        self._path.unlink()


def put(path: Path, text: str) -> None:
    """Have the file that a task waits for there, whole from its first moment."""
    beside = path.with_name(f"{path.name}.new")
    beside.write_text(text)
    beside.rename(path)


def wait_for_file(path: str) -> str:
    """Return the text of `path` once it is there. (Runs on engines.)"""
    import threading

    pause = threading.Event()
    while not Path(path).exists():
        pause.wait(0.01)
    return Path(path).read_text()


def for_ever() -> None:
    import threading

    threading.Event().wait()


def hold(seconds: float, mark: str) -> int:
    """Hold the interpreter lock in C code."""
    import ctypes
    from pathlib import Path

    Path(mark).touch()
    return int(ctypes.PyDLL(None).usleep(int(seconds * 1e6)))
