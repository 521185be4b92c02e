"""Clients that keep calls for engines that come later, and forget them, for `world`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engineroom.core.events import ClientGone, KeptHere, KeptLost, Large
from engineroom.core.not_allowed import FIRST_KEPT, MOST_KEPT, NotAllowedError
from engineroom.ids import TaskId, number_of
from engineroom.protocol.messages import Call, Forget, Keep, Kind, Stream

if TYPE_CHECKING:  # it calls this
    from tests.unit.core.pretend import PretendEngine
    from tests.unit.core.pretend_client import Client
    from tests.unit.core.world import World


class KeptBytes:
    """The payload of a kept call, which its client has not sent yet."""

    def __init__(self, kept: int) -> None:
        self.kept = kept


def is_of_kept_call(task: TaskId) -> bool:
    return number_of(task) > FIRST_KEPT


def keep_or_forget(world: World, what: int, client: Client, engine: PretendEngine, how: int) -> None:
    """Have `what`, from 46 to 48, happen in `world`."""
    del engine
    if client.peer is None:
        world.perform(world.play(100_000, (Forget(), Keep(1, Call(0), "x"), KeptHere(1, None))[how % 3]))
        return
    match what:
        case 46:
            _keep(world, client, how)
        case 47 if how % 4 == 0:
            world.perform(world.play(client.peer, Forget(how % 5)))
        case _:
            _send_bytes(world, client, how)


def _keep(world: World, client: Client, how: int) -> None:
    """Keep a call, or say again that it is kept: any, or one that can't be."""
    assert client.peer is not None
    kept = MOST_KEPT + 1 if how == 59 else 1 + how % 4
    body = Stream(1, 600) if how % 3 == 0 else b""
    has = b"".join(engine.instance for engine in world.engines[: how % 2]) + b"?" * (how == 58)
    message = Keep(
        kept, Call(Kind.APPLY, b"fgh"[how % 3 : how % 3 + 1], body), "x", 0, (None, (0, 2))[how % 5 // 3], has
    )
    payload = KeptBytes(kept)
    event = Large(message, payload) if body else message
    try:
        world.perform(world.play(client.peer, event))
    except NotAllowedError:  # it is sent away, and comes back
        world.perform(world.play(client.peer, ClientGone()))
        client.peer = None
        client.up()
    else:
        if body:
            client.keeps.append(payload)


def _send_bytes(world: World, client: Client, how: int) -> None:
    """Send the payload of a call that was kept, or of another one, or break off."""
    assert client.peer is not None
    payload = client.keeps.pop(how % len(client.keeps)) if client.keeps else KeptBytes(1)
    lost = how % 5 == 0
    world.perform(world.play(client.peer, (KeptLost if lost else KeptHere)(payload.kept, payload)))


def forget_all(world: World, client: Client) -> None:
    """Keep nothing any more."""
    assert client.peer is not None
    world.perform(world.play(client.peer, Forget()))
