"""Tasks that leave a line behind each time that they run, in a module that an engine imports in no time."""

from __future__ import annotations

import os

from tests.system.held_tasks import wait_for_file


def note(runs: str, name: str, result: object = None) -> object:
    """Leave a line that says that this ran. (Runs on engines.)"""
    with open(runs, "a") as file:
        file.write(f"{name}\n")
    return result


def note_and_wait(runs: str, name: str, mark: str = "") -> int:
    """Leave a line that says that this ran, then wait for `mark`. (Runs on engines.)"""
    with open(runs, "a") as file:
        file.write(f"{name}\n")
    if mark:
        wait_for_file(mark)
    return os.getpid()
