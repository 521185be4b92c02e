"""Tasks that end when the test says so, not when a time is over that a slow machine might need for something else."""

from __future__ import annotations


def wait_for_file(path: str) -> str:
    """Return the text of `path` once it is there. (Runs on engines.)"""
    import threading
    from pathlib import Path

    pause = threading.Event()
    while not Path(path).exists():
        pause.wait(0.01)
    return Path(path).read_text()
