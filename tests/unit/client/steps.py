"""Has something done at each step of some code, as a signal's handler would do it."""

from __future__ import annotations

import dis
import itertools
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
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
    points: dict[Any, set[int]] = {}

    def see(code: Any, offset: int) -> bool:
        if not any(part in code.co_filename for part in within) or offset not in steps_of(code):
            return False
        steps[0] += 1
        if steps[0] == number:
            stop()
            act()
        return True

    def steps_of(code: Any) -> set[int]:
        if code not in points:
            all_of_it = list(dis.get_instructions(code))
            pairs = itertools.pairwise(all_of_it)
            points[code] = {after.offset for before, after in pairs if before.opname in CALLED}
            if not only_after_calls:
                points[code] |= {offset for offset, _ in dis.findlinestarts(code)}
            points[code] -= {each.offset for each in all_of_it if each.opname in NEVER_RAISING}
        return points[code]

    begin, stop = traced(see, within) if sys.version_info < (3, 12) else monitored(see)
    begin()
    try:
        yield steps
    finally:
        stop()


Toggles = tuple[Callable[[], Any], Callable[[], Any]]


def traced(see: Callable[[Any, int], bool], within: Sequence[str]) -> Toggles:
    """Return what begins and ends calling `see(code, offset)` before each instruction of this thread."""

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if not any(part in frame.f_code.co_filename for part in within):
            return None
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            see(frame.f_code, frame.f_lasti)
        return trace

    before = sys.gettrace()
    return lambda: sys.settrace(trace), lambda: sys.settrace(before)


def monitored(see: Callable[[Any, int], bool]) -> Toggles:
    """As `traced` does, where Python 3.13 would miss instructions."""
    monitoring: Any = sys.monitoring  # type: ignore[attr-defined,unused-ignore]  # from Python 3.12 on
    tool, every, thread = 4, monitoring.events.INSTRUCTION, threading.get_ident()

    def look(code: Any, offset: int) -> Any:
        if threading.get_ident() == thread and not see(code, offset):
            return monitoring.DISABLE
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
