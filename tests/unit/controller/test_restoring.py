"""A controller goes on with the tasks in its database: of clients that are gone, and of earlier clusters."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from engineroom.controller.config import ControllerConfig
from engineroom.controller.shell import Controller
from engineroom.core.events import Dismiss, Restored
from engineroom.ids import Peer, msg_id
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import (
    Awaits,
    Call,
    Finished,
    Function,
    Input,
    Kind,
    Outcome,
    Result,
    Run,
    Status,
    Stream,
    Submit,
    Sync,
)
from engineroom.protocol.streams import Payload
from engineroom.store.config import SQLiteFile
from engineroom.transport import bodies
from tests.patience import SECONDS, comes_true
from tests.unit.controller.conversations import Somebody

FUNCTION = content_hash([b"function"], ())
OK = Outcome(Status.OK, 1.0, 0.1)

Story = Callable[[Controller], Awaitable[Any]]


class Lives:
    """The lives of a cluster, with one database."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.said: list[str] = []

    @property
    def file(self) -> Path:
        return self.directory / "tasks.db"

    def live(
        self, story: Story, *, life: str = "", restored: int = 0, stop: str = "its host is gone", **how: Any
    ) -> Any:
        """Tell a story to another controller. `life`: names its keys; `restored`: it goes on in the place of others."""
        security = self.directory / "security"
        config = ControllerConfig(security_dir=str(security), reattach_grace=0.2, **how)

        async def told() -> Any:
            controller = Controller(config)
            controller.enter_loop()
            controller.recorder.open(SQLiteFile(str(self.file)), life or str(id(story)), controller.identity.cluster)
            if restored:
                controller.feed(Peer(0), Restored(restored))
            controller.recorder.restoring.begin(returns=restored > 0, drop=config.drop_unfinished)
            self.said = controller.recorder.restoring.said
            found = await asyncio.wait_for(story(controller), SECONDS)
            controller.state.check()
            controller.request_stop(stop)
            await controller.stop()
            return found

        return asyncio.run(told())


@pytest.fixture
def lives(tmp_path: Path) -> Lives:
    return Lives(tmp_path)


async def kept(controller: Controller) -> None:
    """Return when all is written."""
    assert controller.recorder.keeper is not None
    controller.recorder.take()
    await controller.recorder.keeper.kept()


def submit(client: Somebody, number: int, body: bytes | Stream = b"call", **how: Any) -> Submit:
    return Submit(client.task(number), Call(Kind.APPLY, FUNCTION, body), **how)


async def with_client(controller: Controller, *tasks: int, withdraw: bool = False, **how: Any) -> Somebody:
    """Have a client submit these tasks, and go."""
    client = Somebody(controller, "client", withdraw=withdraw)
    client.say(Function(FUNCTION, b"function", ()))
    for number in tasks:
        client.say(submit(client, number, **how))
    await comes_true(lambda: len(controller.state.functions) > 0)
    await kept(controller)
    client.vanishes()
    await comes_true(lambda: not controller.state.clients)
    await kept(controller)
    return client


def submitted(*tasks: int, **how: Any) -> Story:
    return lambda controller: with_client(controller, *tasks, **how)


async def run_all(controller: Controller, count: int, body: bytes = b"value") -> list[Run]:
    """Have an engine run so many tasks."""
    engine = Somebody(controller, "engine")
    for nth in range(1, count + 1):
        run = await engine.hears(Run, nth)
        engine.say(Finished(nth, run.task, run.attempt, OK, body))
    await kept(controller)
    await comes_true(lambda: not any(each.tasks for each in controller.state.sessions.values()))
    assert len(engine.of(Function)) == 1
    await kept(controller)
    return engine.of(Run)


async def nothing_is_left(controller: Controller) -> None:
    assert not any(session.tasks for session in controller.state.sessions.values())


def test_the_next_cluster_runs_what_was_not_done_and_says_so(lives: Lives) -> None:
    client = lives.live(submitted(1, 2, 3))

    runs = lives.live(lambda controller: run_all(controller, 3))

    assert [run.task for run in runs] == [client.task(number) for number in (1, 2, 3)]
    [words] = lives.said
    assert words.startswith("3 tasks of 1 client were not done when the cluster ended at ")
    assert words.endswith("They run now. To list them, run `ipcluster tasks`; to drop them, run `ipcluster stop`")

    async def results(controller: Controller) -> None:
        assert controller.recorder.keeper is not None
        names = [client.task(number) for number in (1, 2, 3)]
        entries = await controller.recorder.keeper.ask(lambda store: list(store.entries(names)))
        assert [entry.result_buffers() for entry in entries] == [[b"value"]] * 3

    lives.live(results)
    assert lives.said == []


def test_what_a_stop_has_ended_stays_undone(lives: Lives) -> None:
    lives.live(submitted(1, 2), stop="ipcluster stop")
    lives.live(nothing_is_left)
    assert lives.said == []


@pytest.mark.parametrize(
    "reason", ["received SIGTERM", "received SIGHUP", "there are no engines left", "its host is gone"]
)
def test_what_ended_for_another_reason_goes_on(lives: Lives, reason: str) -> None:
    lives.live(submitted(1), stop=reason)
    lives.live(lambda controller: run_all(controller, 1))


def test_what_ends_because_its_engines_ended_with_the_cluster_has_not_ended_for_the_next_one(lives: Lives) -> None:
    async def all_lost(controller: Controller) -> Somebody:
        client = Somebody(controller, "client")
        client.say(Function(FUNCTION, b"function", ()))
        client.say(submit(client, 1))
        client.say(submit(client, 2, awaits=Awaits(inputs=((client.identity, 1, 1),))))
        engine = Somebody(controller, "engine")
        await engine.hears(Run)
        await kept(controller)
        controller.request_stop("its host is gone")
        [known] = controller.state.engines
        controller.feed(Peer(0), Dismiss((known,), "its host is gone"))
        engine.vanishes()
        await comes_true(lambda: not controller.state.engines)
        return client

    client = lives.live(all_lost)
    runs = lives.live(lambda controller: run_all(controller, 2))
    assert [run.task for run in runs] == [client.task(1), client.task(2)]


def test_a_user_may_drop_it(lives: Lives) -> None:
    lives.live(submitted(1, 2))
    lives.live(nothing_is_left, drop_unfinished=True)
    assert lives.said == ["dropped 2 tasks that an earlier cluster had not done (IPController.drop_unfinished)"]
    lives.live(nothing_is_left)
    assert lives.said == []


def test_tasks_that_were_to_end_with_their_client_have_ended(lives: Lives) -> None:
    client = lives.live(submitted(1, withdraw=True))

    async def ends(controller: Controller) -> None:
        controller.feed(Peer(0), Restored(0))
        await nothing_is_left(controller)
        await kept(controller)

    lives.live(ends)
    with sqlite3.connect(lives.file) as connection:
        [(table,)] = connection.execute("SELECT sql_name FROM engineroom_tables")
        assert connection.execute(f'SELECT task, state FROM "{table}"').fetchall() == [(client.task(1), "aborted")]
    connection.close()


def _arrived(controller: Controller) -> bool:
    tasks = [task for each in controller.state.sessions.values() for task in each.tasks.values()]
    return bool(tasks) and all(task.arrival is None and task.body is not None for task in tasks)


def test_large_arguments_come_from_the_database(lives: Lives) -> None:
    large = bytes(range(256)) * 1000

    async def with_large(controller: Controller) -> Somebody:
        client = Somebody(controller, "client")
        client.say(Function(FUNCTION, b"function", ()))
        bodies.send(client.connection, submit(client, 1, Stream(0, len(large))), Payload.of([large]))
        await comes_true(lambda: _arrived(controller))
        await kept(controller)
        return client

    lives.live(with_large)

    async def here(controller: Controller) -> None:
        await comes_true(lambda: _arrived(controller))
        [task] = [task for each in controller.state.sessions.values() for task in each.tasks.values()]
        assert isinstance(task.body, Payload)
        assert b"".join(task.body.pieces) == large

    lives.live(here)


def damaged(lives: Lives, statement: str, *values: Any) -> None:
    """Change something in the file. `TABLE` stands for its only table of tasks."""
    with sqlite3.connect(lives.file) as connection:
        [(table,)] = connection.execute("SELECT sql_name FROM engineroom_tables")
        connection.execute(statement.replace("TABLE", f'"{table}"'), values)
    connection.close()


def test_tasks_whose_function_is_gone_or_another_one_end_with_the_reason(lives: Lives) -> None:
    client = lives.live(submitted(1))
    damaged(lives, "UPDATE engineroom_functions SET data = ?", b"another")

    async def ended(controller: Controller) -> str:
        [kept] = controller.state.sessions[client.task(1)[:16]].results.values()
        return kept.result.outcome.error

    assert "function of this task was not in the database" in lives.live(ended)


def test_a_damaged_record_is_said_and_the_others_run(lives: Lives) -> None:
    client = lives.live(submitted(1, 2))
    damaged(lives, "UPDATE TABLE SET checksum = 7 WHERE task = ?", client.task(1))
    [run] = lives.live(lambda controller: run_all(controller, 1))
    assert run.task == client.task(2)
    assert lives.said[0] == (f"unfinished tasks are damaged in the database and do not run: {msg_id(client.task(1))}")


def test_results_of_earlier_tasks_are_arguments_of_later_ones(lives: Lives) -> None:
    async def one_has_ended(controller: Controller) -> Somebody:
        client = Somebody(controller, "client")
        client.say(Function(FUNCTION, b"function", ()))
        client.say(submit(client, 1))
        engine = Somebody(controller, "engine")
        run = await engine.hears(Run)
        client.say(submit(client, 2, awaits=Awaits(inputs=((client.identity, 1, 2 - 1),))))
        await comes_true(lambda: len(next(iter(controller.state.sessions.values())).tasks) == 2)
        engine.vanishes()
        del run
        await kept(controller)
        return client

    client = lives.live(one_has_ended)

    async def takes(controller: Controller) -> None:
        engine = Somebody(controller, "engine")
        first = await engine.hears(Run)
        assert first.task == client.task(1)
        engine.say(Finished(1, first.task, first.attempt, OK, b"one"))
        second = await engine.hears(Run, 2)
        assert second.task == client.task(2)
        assert second.inputs == ((client.identity, 1, 1),)
        await comes_true(lambda: len(next(iter(controller.state.sessions.values())).tasks) == 1)
        await kept(controller)

    lives.live(takes)

    async def once_more(controller: Controller) -> None:
        engine = Somebody(controller, "engine")  # another one, which has not made the result itself
        run = await engine.hears(Run)
        assert run.task == client.task(2)
        assert (await engine.hears(Input)).body == b"one"

    lives.live(once_more)


def test_a_client_that_comes_back_gets_what_was_recorded_and_nothing_runs_twice(lives: Lives) -> None:
    async def begun(controller: Controller) -> Somebody:
        client = Somebody(controller, "client")
        client.say(Function(FUNCTION, b"function", ()))
        for number in (1, 2):
            client.say(submit(client, number))
        engine = Somebody(controller, "engine")
        run = await engine.hears(Run)
        engine.say(Finished(1, run.task, run.attempt, OK, b"one"))
        await client.hears(Result)
        await kept(controller)
        return client

    client = lives.live(begun, life="the same")

    async def back(controller: Controller) -> None:
        again = Somebody(controller, "client", secret=client.secret)
        for number in (1, 2):
            again.say(submit(again, number))
        again.say(Sync())
        assert (await again.hears(Result)).body == b"one"
        [run] = await run_all(controller, 1)
        assert run.task == client.task(2)
        assert (await again.hears(Result, 2)).body == b"value"

    lives.live(back, life="the same", restored=5)


def test_a_database_that_fails_while_it_is_read_is_said_and_what_was_read_runs(
    lives: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    from engineroom.store.sqlite import reading

    most = 501  # more than are read at once
    client = lives.live(submitted(*range(1, most + 1)))
    ask, asked = reading.Asker.ask, []

    def failing(self: Any, sql: str, values: Any) -> Any:
        asked.append(sql)
        if "head" in sql and sum("head" in each for each in asked) > 1:
            raise self._failed(sqlite3.OperationalError("disk I/O error"))
        return ask(self, sql, values)

    monkeypatch.setattr(reading.Asker, "ask", failing)

    async def started(controller: Controller) -> list[str]:
        return list(controller.recorder.restoring.said)

    said = lives.live(started)
    assert "not all unfinished tasks can be read" in said[0]
    assert "disk I/O error" in said[0]
    monkeypatch.undo()
    runs = lives.live(lambda controller: run_all(controller, most))
    assert {run.task for run in runs} == {client.task(number) for number in range(1, most + 1)}
