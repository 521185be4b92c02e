"""A controller without sockets, and peers that talk with it inside this process: only its own code is between them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from engineroom.controller.admission import Admission
from engineroom.controller.config import ControllerConfig
from engineroom.controller.shell import Controller
from engineroom.ids import SessionId, TaskId, task_id
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import Held, Join
from engineroom.transport.memory import memory_pair
from tests.fuzz.liar import Liar
from tests.patience import SECONDS

T = TypeVar("T")


class Somebody(Liar):
    """A peer of a role that says what it likes, but over no socket."""

    def __init__(self, controller: Controller, role: str, **told: Any) -> None:
        """Come in with `told` in the Join; NotLetIn says why not. An engine holds nothing, and says so."""
        near, far = memory_pair(role)
        secret = told.pop("secret", None) or new_secret()
        identity = told.pop("identity", None) or identity_of(secret)
        Admission(controller).admit(near, role, Join(proof=b"", identity=identity, secret=secret, **told))
        super().__init__(role, far, None, secret)
        if role == "engine":
            self.say(Held(last=True))

    def of(self, kind: type[T]) -> list[T]:
        """Return the messages of this kind that it has heard."""
        return [message for message in self.heard if isinstance(message, kind)]

    async def hears(self, kind: type[T], count: int = 1) -> T:
        """Return the message of this kind that was heard as number `count`, once it is there."""
        await self.until(lambda: len(self.of(kind)) >= count)
        return self.of(kind)[count - 1]

    def task(self, number: int) -> TaskId:
        """Return the id of its task of this number."""
        return task_id(SessionId(self.identity), number)


def talk(directory: Path, story: Callable[[Controller], Awaitable[None]]) -> None:
    """Tell a story to a controller."""

    async def told() -> None:
        controller = Controller(ControllerConfig(security_dir=str(directory)))
        controller.enter_loop()  # it listens nowhere
        await asyncio.wait_for(story(controller), SECONDS)
        controller.state.check()
        await controller.stop()

    asyncio.run(told())
