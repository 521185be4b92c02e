"""`python -m benchmarks.sampling FILE [ARGUMENT ...]`: ipcontroller, with its stacks sampled by CPU time.

FILE gets them folded: the frames of each stack from the outermost on, with ";" between them, then how often it was
seen.
"""

from __future__ import annotations

import signal
import sys
from collections import Counter
from pathlib import Path
from types import FrameType

from engineroom.cli import ipcontroller

EVERY = 0.001
"""Seconds of CPU time between two samples."""

_LOOP = ("run_until_complete", "run_forever", "run")
_DEEPEST = 60


def folded(frame: FrameType | None) -> str:
    """Return the frames from the callback on that the event loop has called; "" if it runs none."""
    names: list[str] = []
    while frame is not None and len(names) < _DEEPEST:
        name, module = frame.f_code.co_name, frame.f_globals.get("__name__", "")
        if name in _LOOP and module.startswith("asyncio"):
            return ";".join(reversed(names))
        names.append(f"{module.removeprefix('engineroom.')}.{name}")
        frame = frame.f_back
    return ""


def main(target: Path, arguments: list[str]) -> int:
    stacks: Counter[str] = Counter()

    def sample(_: int, frame: FrameType | None) -> None:
        stacks[folded(frame)] += 1

    signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, EVERY, EVERY)
    try:
        return ipcontroller.main(arguments)
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        target.write_text("".join(f"{stack} {count}\n" for stack, count in sorted(stacks.items()) if stack))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
