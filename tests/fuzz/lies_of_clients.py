"""What clients say that they should not."""

from __future__ import annotations

import random

from engineroom.ids import SessionId, TaskId, task_id
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import (
    Abort,
    Ask,
    Call,
    Delivered,
    Function,
    HoldsPublished,
    Kind,
    Options,
    Signal,
    Staying,
    Stream,
    Submit,
    Sync,
)
from engineroom.protocol.questions import AskEngine, AskQueues, AskSteps, AskTask
from engineroom.protocol.ranges import MOST, MOST_ENGINES
from engineroom.protocol.task_ranges import TaskRanges
from tests.fuzz.honest import Stage
from tests.fuzz.lies import heard_out, own_task, story


@story
async def a_client_submits_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Submit(task_id(SessionId(stage.session), 10**9 + n), Call(Kind.APPLY)) for n in range(10)))
    await liar.is_sent_away()


@story
async def a_client_numbers_its_tasks_near_the_end(stage: Stage) -> None:
    for number in (2**64 - 1, MOST, MOST - 1, MOST - MOST_ENGINES):
        liar = await stage.join("client")
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, b"", b"x"), stage.instance * 3))
        await heard_out(stage, liar)


@story
async def a_client_jumps_with_its_numbers(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Submit(own_task(liar, 10**step), Call(Kind.PULL, b"", b"x"), stage.stranger) for step in range(15)))
    liar.say(Delivered(MOST), Delivered(10**14, ((1, MOST),) * 100))
    await heard_out(stage, liar)


@story
async def a_client_submits_for_engines_that_never_were(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Submit(own_task(liar, n), Call(Kind.APPLY), stage.stranger) for n in range(1, 2000)))
    liar.say(Submit(own_task(liar, 2000), Call(Kind.APPLY), stage.stranger * 1000))
    options = Options(engines=tuple(range(1000, 1100)), priority=2**31, retries=2**31)
    liar.say(*(Submit(own_task(liar, n), Call(Kind.APPLY), None, options) for n in range(4000, 4500)))
    await heard_out(stage, liar)


@story
async def a_client_names_half_an_engine(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Submit(own_task(liar, 1), Call(Kind.APPLY), stage.instance[:15] + stage.instance))
    await liar.is_sent_away()


@story
async def a_client_submits_the_same_again_and_again(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*[Submit(own_task(liar, 1), Call(Kind.PULL, b"", b"x"), stage.instance)] * 5000)
    await heard_out(stage, liar)


@story
async def a_client_sends_garbage_as_calls_to_the_honest_engine(stage: Stage) -> None:
    liar, dice = await stage.join("client"), random.Random(2)
    for number in range(1, 60):
        call = Call(number % 5 if number % 5 != Kind.CLEAR else 0, b"", dice.randbytes(50))
        liar.say(Submit(own_task(liar, number), call, stage.instance))
    await heard_out(stage, liar)


@story
async def a_client_gives_the_honest_ones_function_another_body(stage: Stage) -> None:
    liar = await stage.join("client")
    for digest in list(stage.honest.rc._session.functions()) or [b"h" * 16]:
        liar.say(Function(digest, b"garbage"), Function(digest, Stream(1, 70_000)), Function(digest, b""))
    await heard_out(stage, liar)


@story
async def a_client_gives_every_function_it_can_think_of(stage: Stage) -> None:
    liar, dice = await stage.join("client"), random.Random(3)
    bodies = [dice.randbytes(1000) for _ in range(3000)]
    liar.say(*(Function(content_hash([body], ()), body) for body in bodies))
    await heard_out(stage, liar)


@story
async def a_client_needs_values_that_it_has_never_published(stage: Stage) -> None:
    liar, dice = await stage.join("client"), random.Random(5)
    for _ in range(3):
        liar.say(HoldsPublished(tuple(dice.randbytes(16) for _ in range(8000))))
    liar.say(*[Sync(whole=True)] * 3)
    await heard_out(stage, liar)
    await stage.goes_on(100)


@story
async def a_client_names_functions_that_nobody_has(stage: Stage) -> None:
    liar, dice = await stage.join("client"), random.Random(4)
    for number in range(1, 300):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY, dice.randbytes(16), b"x")))
    await heard_out(stage, liar)
    await stage.goes_on(100)


@story
async def a_client_aborts_the_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*[Abort(TaskRanges(stage.session, ((1, MOST),)), interrupt=True)] * 100)
    await heard_out(stage, liar)


@story
async def a_client_aborts_all_that_never_was(stage: Stage) -> None:
    liar = await stage.join("client")
    backwards = tuple((number, number - 1) for number in range(1, 8000))
    liar.say(Abort(TaskRanges(liar.identity, ((0, MOST),) * 8000)), Abort(TaskRanges(liar.identity, backwards)))
    await heard_out(stage, liar)


@story
async def a_client_acknowledges_all_that_never_was(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(Staying(((0, MOST),) * 8000), Staying(((MOST, 0),)))
    liar.say(Delivered(MOST, ((0, MOST),) * 8000), Delivered(0, ((MOST, 0),)))
    await heard_out(stage, liar)


@story
async def a_client_asks_without_end(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.say(*(Ask(number, AskQueues(verbose=True)) for number in range(1, 2000)))
    await heard_out(stage, liar)


@story
async def a_client_asks_nonsense(stage: Stage) -> None:
    liar = await stage.join("client")
    for task in (bytes(24), b"\xff" * 24, liar.identity + bytes(8), liar.identity + b"\xff" * 8):
        questions = (AskTask(TaskId(task)), AskEngine(MOST_ENGINES - 1), AskQueues(verbose=True), AskSteps())
        liar.say(*(Ask(7, question) for question in questions))
    await heard_out(stage, liar)
    assert liar.is_in, await liar.is_sent_away()


@story
async def a_client_signals_what_does_not_exist(stage: Stage) -> None:
    liar = await stage.join("client")
    everybody = tuple(range(1, 5000))
    for signum in (1, 33, 60, 64):
        liar.say(Signal(everybody, signum, number=signum))
    await heard_out(stage, liar)


@story
async def a_client_sends_signals_out_of_range(stage: Stage) -> None:
    for signum in (0, -1, 65, 10**6, 2**63):
        liar = await stage.join("client")
        liar.say_raw(["signal", [0], signum, 1])
        await liar.is_sent_away()


@story
async def a_client_labels_its_tasks_with_a_megabyte(stage: Stage) -> None:
    liar = await stage.join("client")
    options = Options(label="x" * 900_000, engines=(4000,))
    for number in range(1, 20):
        liar.say(Submit(own_task(liar, number), Call(Kind.APPLY), None, options))
    await heard_out(stage, liar)


@story
async def a_client_never_reads(stage: Stage) -> None:
    liar = await stage.join("client")
    liar.connection.transport.pause_reading()
    liar.say(*(Ask(number, AskSteps()) for number in range(1, 500)))
    liar.say(*(Submit(own_task(liar, n), Call(Kind.APPLY), stage.stranger) for n in range(1, 2000)))
    await heard_out(stage, liar)
