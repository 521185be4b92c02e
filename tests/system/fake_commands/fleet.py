"""`fleet`, the batch system of one site: `fleet submit SCRIPT`, `fleet show ID ...`, `fleet cancel ID ...`."""

from __future__ import annotations

import sys

from jobs import ENDED, WAITING, Jobs


def main(argv: list[str]) -> int:
    """Do what the arguments say; return the exit code."""
    jobs, (command, *arguments) = Jobs(), argv
    if command == "submit":
        if jobs.said("reject"):
            print(jobs.said("reject"), file=sys.stderr)
            return 1
        print(f"fleet: welcome, job {jobs.submit([{'argv': ['/bin/sh', arguments[-1]]}])}")
        return 0
    for number in map(int, arguments):
        if command == "cancel":
            jobs.cancel(number)
            continue
        jobs.start_what_may()
        [(state, code)] = jobs.states(number)
        words = jobs.said("hold") if state == WAITING else f"exit code {code}" if state == ENDED else ""
        print(number, state, words)
    return 0
