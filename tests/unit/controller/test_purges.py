"""Records that are purged are counted once, though their client asks again because the connection broke."""

from __future__ import annotations

import asyncio
from pathlib import Path

from engineroom.controller.shell import Controller
from engineroom.protocol.history import AskPurge, Count
from engineroom.protocol.messages import Answer, Ask, Call, Finished, Kind, Ran, Result, Run, Status, Submit
from engineroom.protocol.spans import spans_of
from engineroom.store.config import SQLiteFile
from tests.unit.controller.conversations import Somebody, talk


def test_a_purge_that_is_asked_for_again_is_the_same_one(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        controller.recorder.open(SQLiteFile(str(tmp_path / "tasks.db")), "life", controller.identity.cluster)
        engine, client = Somebody(controller, "engine"), Somebody(controller, "client")
        for number in (1, 2):
            client.say(Submit(client.task(number), Call(Kind.APPLY, b"", b"call")))
            run = await engine.hears(Run, number)
            engine.say(Finished(number, run.task, run.attempt, Ran(Status.OK, 1.0, 0.0)))
            await client.hears(Result, number)
        named = AskPurge(spans_of([client.task(1)]))
        client.say(Ask(1, named))
        await asyncio.sleep(0)
        client.vanishes()
        again = Somebody(controller, "client", secret=client.secret)
        again.say(Ask(1, named))
        assert (await again.hears(Answer)).reply == Count(1)
        again.say(Ask(1, named), Ask(2, named))
        await again.hears(Answer, 3)
        assert {answer.number: answer.reply for answer in again.of(Answer)} == {1: Count(1), 2: Count(0)}

    talk(tmp_path, story)
