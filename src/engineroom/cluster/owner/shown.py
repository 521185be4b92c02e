"""A cluster's start as people see it: how many engines are ready, and what the others wait for."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from engineroom.client.progress.audience import somebody_looks
from engineroom.client.progress.shown import Shown
from engineroom.client.progress.standing import Counts, Standing
from engineroom.client.waiting.waits import PATIENCE
from engineroom.cluster.line.messages import Progress
from engineroom.trail.first_failure import in_brief
from engineroom.trail.steps import Step, read_steps

Result = TypeVar("Result")

_DRAWN, _READ = 0.2, 1.0
"""Seconds between two looks, and after which the steps of the start are read again."""


async def shown_until(
    work: Awaitable[Result], ready: Callable[[], Progress], steps: Path, *, progress: bool | None
) -> Result:
    """Return what `work` returns, which starts engines; meanwhile, show how many are `ready()`.

    `steps`: where their start is noted. `progress`: from the beginning (True), never (False), or once it has lasted for
    2 s where somebody looks (None).
    """
    if progress is False or not (progress or somebody_looks()):
        return await work
    task, began = asyncio.ensure_future(work), time.monotonic()
    shown = Shown(lasting=bool(progress))
    words, read = "", began - _READ
    try:
        pause = _DRAWN if progress else PATIENCE
        while not (await asyncio.wait({task}, timeout=pause))[0]:
            pause = _DRAWN
            if time.monotonic() - read >= _READ:
                words, read = in_brief(await asyncio.to_thread(_steps, steps)), time.monotonic()
            shown.show(_standing(ready(), words, began))
        return task.result()
    finally:
        task.cancel()  # if this was cancelled
        shown.end(_standing(ready(), "", began))


def _steps(path: Path) -> tuple[Step, ...]:
    return tuple(read_steps(path))


def _standing(ready: Progress, words: str, began: float) -> Standing:
    counts = Counts(min(ready.ready, ready.n), ready.n, "engines", "starting")
    return Standing(counts, words, time.monotonic() - began)
