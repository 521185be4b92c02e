"""What hosts say that they should not."""

from __future__ import annotations

from engineroom.protocol.messages import (
    Abort,
    Ask,
    Coming,
    EngineExited,
    Shutdown,
    Signal,
)
from engineroom.protocol.questions import AskQueues
from engineroom.protocol.ranges import MOST, MOST_ENGINES
from engineroom.protocol.task_ranges import TaskRanges
from tests.fuzz.honest import Stage
from tests.fuzz.lies import heard_out, story


@story
async def a_host_ends_and_signals_the_engines_of_another(stage: Stage) -> None:
    liar = await stage.join("host")
    liar.say(Signal((0, 1, 2), 9), Shutdown((0, 1, 2), controller=True), Shutdown(None, controller=True))
    await heard_out(stage, liar)


@story
async def a_host_reports_the_end_of_engines_of_another(stage: Stage) -> None:
    liar = await stage.join("host")
    for _ in range(100):
        liar.say(EngineExited(stage.instance, "killed by a lie", own=True, running=(), words="x" * 1000))  # type: ignore[arg-type]
    await heard_out(stage, liar)


@story
async def a_host_reports_the_end_of_engines_that_never_were(stage: Stage) -> None:
    liar = await stage.join("host")
    liar.say(*(EngineExited(stage.stranger, "a lie") for _ in range(5000)))  # type: ignore[arg-type]
    await heard_out(stage, liar)


@story
async def a_host_is_about_to_start_a_million_engines(stage: Stage) -> None:
    liar = await stage.join("host")
    for number in range(1000):
        liar.say(Coming(MOST_ENGINES, number, restarts=bool(number % 2)))
    await heard_out(stage, liar)
    liar.vanishes()


@story
async def hosts_come_and_go(stage: Stage) -> None:
    for number in range(40):
        liar = await stage.join("host")
        liar.say(Coming(number, number))
        liar.vanishes() if number % 2 else await liar.leaves()


@story
async def a_host_sends_what_only_clients_may(stage: Stage) -> None:
    liar = await stage.join("host")
    liar.say(Ask(1, AskQueues()), Abort(TaskRanges(stage.session, ((1, MOST),))))
    await liar.is_sent_away()
