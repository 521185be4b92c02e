"""A real controller in this process, for peers that say what they like."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from engineroom.controller.config import ControllerConfig
from engineroom.controller.shell import Controller
from engineroom.ids import SessionId, task_id
from engineroom.protocol.connection_files import ConnectionFile, read_connection_file
from engineroom.protocol.messages import Call, Finished, Kind, Ran, Result, Run, Status, Submit
from tests.fuzz.liar import Liar
from tests.patience import turns

Story = Callable[[Controller, dict[str, ConnectionFile]], Awaitable[None]]


@asynccontextmanager
async def running(directory: Path) -> AsyncIterator[tuple[Controller, dict[str, ConnectionFile]]]:
    """Run a controller in this process; yield it, and the files of the roles."""
    controller = Controller(ControllerConfig(security_dir=str(directory)))
    await controller.start()
    client = read_connection_file(directory / "ipcontroller-client.json")
    engine = read_connection_file(directory / "ipcontroller-engine.json")
    try:
        yield controller, {"client": client, "engine": engine, "host": engine}
    finally:
        await controller.stop()
        await turns()


def submit(client: Liar, number: int, to: bytes | None = None) -> Submit:
    """Return a task of `client`."""
    return Submit(task_id(SessionId(client.identity), number), Call(Kind.APPLY, b"", b"call"), to)


async def a_task_is_done(client: Liar, engine: Liar, number: int = 1) -> None:
    """Have a task of `client` run by `engine`, with all that belongs to it."""
    task = submit(client, number)
    client.say(task)
    await engine.until(lambda: any(isinstance(said, Run) and said.task == task.task for said in engine.heard))
    run = next(said for said in engine.heard if isinstance(said, Run) and said.task == task.task)
    engine.say(Finished(number, run.task, run.attempt, Ran(Status.OK, 1.0, 0.0), b"result"))
    await client.until(lambda: any(isinstance(said, Result) and said.task == task.task for said in client.heard))
