"""What a host says in place of its controller that has died and does not come back: why, to all who look for it."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec

from engineroom.controller.config import ControllerConfig
from engineroom.controller.identity import Identity
from engineroom.controller.sockets import socket_path
from engineroom.errors import EngineroomError, NotLetIn
from engineroom.ids import new_epoch
from engineroom.protocol.closing import Closing
from engineroom.protocol.messages import PROTOCOL, Join, Refused, Shutdown, Welcome
from engineroom.protocol.texts import brief
from engineroom.transport import decoders
from engineroom.transport.connection import Connection
from engineroom.transport.listener import Listener
from engineroom.transport.tls import controller_context

log = logging.getLogger(__name__)


async def say_farewell(config: ControllerConfig, reason: str, seconds: float) -> None:
    """Tell everybody who connects to the controller of `config` within `seconds` that it is gone, and the `reason`.

    Nobody is told if we can't listen where it did.
    """
    try:
        listener = _listen(config, partial(_tell, reason))
    except (EngineroomError, OSError) as error:
        log.warning("clients can't be told that the controller is gone: %s", error)
        return
    try:
        await asyncio.sleep(seconds)
    finally:
        listener.close()


def _listen(config: ControllerConfig, admit: Callable[[Connection, str, Join], None]) -> Listener:
    """Listen where the controller did, with its keys. EngineroomError, OSError: that can't be done."""
    identity = Identity(msgspec.structs.replace(config, reuse=True))
    identity.load()
    listener = Listener(
        keys=identity.keys,
        cluster_id=config.cluster_id,
        context=controller_context(identity.certificate_file, identity.key_file),
        certificate=identity.certificate,
        admit=admit,
        silent=config.silent,
    )
    try:
        listener.listen_tcp(identity.bind_hosts(), (identity.last_port or 0,))
        listener.listen_unix(socket_path(Path(config.security_dir), config.cluster_id))
    except BaseException:
        listener.close()
        raise
    return listener


def _tell(reason: str, connection: Connection, role: str, join: Join) -> None:
    """Let somebody in, only to say goodbye: so it is no refusal, which would be the peer's own fault.

    Not hosts: whose cluster it is hears of it otherwise, and the others end with their engines.
    """
    if role == "host":
        raise NotLetIn(reason, final=False)
    engine_id = -1 if join.wanted_id is None else join.wanted_id
    connection.send(
        Welcome(epoch=new_epoch(), protocol=PROTOCOL, window=connection.window, engine_id=engine_id, wall=time.time())
    )
    connection.trust(decoders.from_peer[role], peer_window=join.window)
    words = brief(reason)
    connection.send(Shutdown(reason=words) if role == "engine" else Refused(words))
    connection.start(_Deaf())
    connection.close(reason)


class _Deaf:
    """What those say whom we have told does not matter any more."""

    def on_messages(self, messages: list[Any]) -> None:
        """Do nothing."""

    def on_closed(self, closing: Closing) -> None:
        """Do nothing."""
