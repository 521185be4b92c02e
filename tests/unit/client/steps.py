"""Has something done at each step of some code, as a signal's handler would do it."""

from __future__ import annotations

import dis
import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from types import CodeType, FrameType
from typing import Any

NEVER_RAISING = {"PUSH_EXC_INFO", "POP_EXCEPT", "RERAISE", "COPY"}
"""Where an exception would leave the one that is being handled in place for all that follows in the thread."""
CALLED = {"CALL", "CALL_FUNCTION_EX", "CALL_KW", "RESUME", "JUMP_BACKWARD", "SEND"}

CLIENT = ("engineroom/client",)


class Interrupted(BaseException):
    """What a handler raises."""


@contextmanager
def at_step(
    number: int, act: Callable[[], None], *, only_after_calls: bool = False, within: Sequence[str] = CLIENT
) -> Iterator[list[int]]:
    """Have `act()` called at step `number` within code of files `within`; yield how many steps there were so far.

    A step: where the interpreter runs handlers, after a call for instance; and, unless `only_after_calls`, where a
    line begins.
    """
    steps = [0]

    def places(code: CodeType) -> frozenset[int]:
        ours = any(part in code.co_filename for part in within)
        return steps_of(code, only_after_calls=only_after_calls) if ours else frozenset()

    def step() -> None:
        steps[0] += 1
        if steps[0] == number:
            stop()
            act()

    begin, stop = traced(places, step) if sys.version_info < (3, 12) else monitored(places, step)
    begin()
    try:
        yield steps
    finally:
        stop()


@cache
def steps_of(code: CodeType, *, only_after_calls: bool) -> frozenset[int]:
    """Return the offsets at which there are steps in `code`."""
    instructions = list(dis.get_instructions(code))
    places = {after.offset for before, after in itertools.pairwise(instructions) if before.opname in CALLED}
    if not only_after_calls:
        places |= {offset for offset, _ in dis.findlinestarts(code)}
    return frozenset(places - {each.offset for each in instructions if each.opname in NEVER_RAISING})


Places = Callable[[CodeType], frozenset[int]]
Toggles = tuple[Callable[[], Any], Callable[[], Any]]


def traced(places: Places, step: Callable[[], None]) -> Toggles:
    """Return what begins and ends calling `step()` before each instruction of this thread at `places`."""

    def called(frame: FrameType, event: str, argument: Any) -> Any:
        del event, argument
        steps = places(frame.f_code)

        def look(frame: FrameType, event: str, argument: Any) -> Any:
            del argument
            if event == "opcode" and frame.f_lasti in steps:
                step()
            return look

        frame.f_trace_opcodes, frame.f_trace_lines = bool(steps), False
        return look if steps else None

    before = sys.gettrace()
    return lambda: sys.settrace(called), lambda: sys.settrace(before)


def monitored(places: Places, step: Callable[[], None]) -> Toggles:
    """As `traced` does, where Python 3.13 would miss instructions."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]  # from Python 3.12 on
    tool, every, thread = 4, monitoring.events.INSTRUCTION, threading.get_ident()

    def look(code: CodeType, offset: int) -> Any:
        if threading.get_ident() == thread:
            if offset not in places(code):
                return monitoring.DISABLE
            step()
        return None

    def begin() -> None:
        monitoring.use_tool_id(tool, "steps")
        monitoring.register_callback(tool, every, look)
        monitoring.restart_events()
        monitoring.set_events(tool, every)

    def stop() -> None:
        if monitoring.get_tool(tool):
            monitoring.set_events(tool, 0)
            monitoring.free_tool_id(tool)

    return begin, stop


def steps_in(call: Callable[[], Any], *, only_after_calls: bool = False, within: Sequence[str] = CLIENT) -> int:
    """Return how many steps there are in a call."""
    with at_step(-1, interrupt, only_after_calls=only_after_calls, within=within) as steps:
        call()
    return steps[0]


def interrupt() -> None:
    raise Interrupted
