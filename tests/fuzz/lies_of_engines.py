"""What engines say that they should not."""

from __future__ import annotations

import contextlib
import random
import signal
from typing import Any

from engineroom.errors import EngineroomError
from engineroom.ids import SessionId, task_id
from engineroom.protocol.messages import (
    AlreadyStarted,
    Call,
    EngineInfo,
    Finished,
    Held,
    Kind,
    NeedFunction,
    Output,
    Revoked,
    Run,
    Signal,
    Started,
    Status,
    Stream,
    Submit,
    Withdrawn,
)
from engineroom.protocol.ranges import MOST, MOST_BYTES, MOST_ENGINES
from tests.fuzz.honest import Stage
from tests.fuzz.liar import Liar
from tests.fuzz.lies import MANY, OK, heard_out, own_task, story


@story
async def an_engine_ends_the_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("engine")
    for number in range(1, 3000):
        task = task_id(SessionId(stage.session), number)
        liar.say(Finished(number, task, 1, OK, b"a lie"), Started(task, 1), Revoked(task, 1), AlreadyStarted(task, 1))
    await heard_out(stage, liar)


@story
async def an_engine_withdraws_the_tasks_of_others(stage: Stage) -> None:
    liar = await stage.join("engine")
    liar.say(*[Withdrawn(((stage.session, 0, MOST, 1),) * 1000)] * 10)
    await heard_out(stage, liar)


@story
async def an_engine_writes_for_the_tasks_of_another(stage: Stage) -> None:
    liar = await stage.join("engine")
    for number in range(1, 2000):
        liar.say(Output(task_id(SessionId(stage.session), number), 1, 1, number, "a lie\n"))
    await heard_out(stage, liar)


@story
async def an_engine_numbers_its_results_as_it_likes(stage: Stage) -> None:
    liar, dice = await stage.join("engine"), random.Random(5)
    nobody = task_id(SessionId(stage.stranger), 1)
    liar.say(*(Finished(dice.randrange(1, MOST), nobody, 1, OK) for _ in range(MANY)))
    liar.say(*(Finished(7, nobody, 1, OK) for _ in range(1000)), Finished(MOST, nobody, MOST, OK))
    await heard_out(stage, liar)


async def _one_bad(stage: Stage, role: str, *message: Any) -> None:
    liar = await stage.join(role)
    liar.say_raw(list(message))
    await liar.is_sent_away()


@story
async def an_engine_reports_a_task_as_unsent(stage: Stage) -> None:
    await _one_bad(stage, "engine", "finished", 1, bytes(24), 1, [int(max(Status)), 1.0, 0.0])


@story
async def an_engine_took_no_number_of_seconds(stage: Stage) -> None:
    for seconds in (float("nan"), float("inf"), -1.0):
        await _one_bad(stage, "engine", "finished", 1, bytes(24), 1, [0, 1.0, seconds])


@story
async def an_engine_ran_at_no_time(stage: Stage) -> None:
    for started in (float("nan"), float("-inf"), -1.0, 1e300):
        await _one_bad(stage, "engine", "finished", 1, bytes(24), 1, [0, started, 1.0])


@story
async def an_engine_needs_functions_that_nobody_has(stage: Stage) -> None:
    liar, dice = await stage.join("engine"), random.Random(6)
    liar.say(*(NeedFunction(dice.randbytes(16)) for _ in range(MANY)))
    await heard_out(stage, liar)
    news = await stage.join("client")
    await stage.goes_on(30)
    assert not any(isinstance(said, NeedFunction) for said in news.heard)


@story
async def an_engine_needs_the_same_function_again_and_again(stage: Stage) -> None:
    liar = await stage.join("engine")
    digests = list(stage.honest.rc._session.functions()) or [b"h" * 16]
    liar.say(*(NeedFunction(digests[n % len(digests)]) for n in range(3000)))
    await heard_out(stage, liar)


@story
async def an_engine_holds_all_there_is(stage: Stage) -> None:
    liar = await Liar.join(stage.files["engine"], "engine", holds=None)
    stage.liars.append(liar)
    everything = ((stage.session, 0, MOST, 1), (stage.stranger, MOST, 0, 1)) * 4000
    liar.say(Held(everything, everything, everything, last=False), Held((), everything, (), last=True))
    await heard_out(stage, liar)


@story
async def an_engine_says_without_end_what_it_holds(stage: Stage) -> None:
    liar = await Liar.join(stage.files["engine"], "engine", holds=None)
    stage.liars.append(liar)
    for start in range(30):
        some = tuple((stage.stranger, n, n, 1) for n in range(start, 2000, 2))
        liar.say(Held((), some, (), last=False))
    await heard_out(stage, liar)


@story
async def an_engine_is_of_a_world_without_end(stage: Stage) -> None:
    for rank, size in ((0, MOST_ENGINES), (MOST_ENGINES - 1, MOST_ENGINES), (5, 3), (2**16 - 1, 2**16)):
        liar = await stage.join("engine", info=EngineInfo(launch=f"{rank}", mpi_rank=rank, mpi_size=size))
        await liar.leaves()
    for size in (2**40, -1):
        with contextlib.suppress(EngineroomError):
            await stage.join("engine", info=EngineInfo(launch="x", mpi_rank=0, mpi_size=size))
    honest = await stage.join("engine")
    assert honest.welcome.engine_id < MOST_ENGINES


@story
async def an_engine_wants_the_id_of_another(stage: Stage) -> None:
    for wanted in (0, MOST_ENGINES - 1, -1):
        with contextlib.suppress(EngineroomError):
            liar = await stage.join("engine", wanted_id=wanted)
            assert liar.welcome.engine_id != 0


@story
async def an_engine_is_another_process_of_another_machine(stage: Stage) -> None:
    info = EngineInfo(pid=1, host="x" * 1000, boot_id="y", python="\0", cores=2**20, launch="{]", problem="z" * 10_000)
    liar = await stage.join("engine", info=info, host=stage.instance, tunnel="-oProxyCommand=x", wall=1e11)
    signals = await stage.join("client")
    signals.say(Signal((liar.welcome.engine_id,), signal.SIGWINCH, number=3))
    await heard_out(stage, signals)


@story
async def an_engine_takes_tasks_and_vanishes(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(*(Submit(own_task(client, n), Call(Kind.PULL, b"", b"x"), liar.identity) for n in range(1, 1000)))
    await liar.hears(Run)
    liar.vanishes()
    await heard_out(stage, client)


@story
async def an_engine_ends_tasks_twice_with_other_results(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(*(Submit(own_task(client, n), Call(Kind.PULL, b"", b"x"), liar.identity) for n in range(1, 100)))
    run = await liar.hears(Run)
    for number in range(1, 300):
        liar.say(Started(run.task, run.attempt), Finished(number, run.task, run.attempt, OK, b"%d" % number))
        liar.say(Revoked(run.task, run.attempt), AlreadyStarted(run.task, run.attempt))
    await heard_out(stage, liar)


@story
async def an_engine_announces_results_that_never_come(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(Submit(own_task(client, 1), Call(Kind.PULL, b"", b"x"), liar.identity))
    run = await liar.hears(Run)
    liar.say(*(Finished(n, run.task, run.attempt, OK, Stream(n, MOST_BYTES)) for n in range(1, 300)))
    await heard_out(stage, liar)


@story
async def an_engine_writes_more_than_anybody_reads(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    client.say(Submit(own_task(client, 1), Call(Kind.PULL, b"", b"x"), liar.identity))
    run = await liar.hears(Run)
    client.connection.transport.pause_reading()
    liar.say(*(Output(run.task, run.attempt, 1, n, "x" * 20_000) for n in range(1000)))
    await heard_out(stage, liar)


@story
async def an_engine_never_reads(stage: Stage) -> None:
    liar, client = await stage.join("engine"), await stage.join("client")
    liar.connection.transport.pause_reading()
    for n in range(1, 500):
        client.say(Submit(own_task(client, n), Call(Kind.PULL, b"", b"x" * 20_000), liar.identity))
    await heard_out(stage, client)


@story
async def engines_come_and_go(stage: Stage) -> None:
    for number in range(40):
        liar = await stage.join("engine")
        liar.vanishes() if number % 2 else await liar.leaves()
