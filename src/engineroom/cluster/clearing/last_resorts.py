"""Ending a cluster whose host can't be asked: by its controller, and by signals."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from engineroom.errors import ConnectionFailed, ConnectionFileError
from engineroom.machine.exits import end_process, exit_of
from engineroom.machine.processes import ProcessRecord
from engineroom.protocol.closing import Closing
from engineroom.protocol.connection_files import read_connection_file
from engineroom.protocol.identities import identity_of, new_secret
from engineroom.protocol.messages import Join, Shutdown
from engineroom.settings.profiles import Profile
from engineroom.transport.dial import connect


def ask_to_end(profile: Profile, cluster_id: str, *, seconds: float) -> None:
    """Ask the controller to end, and its hosts and engines with it; returns when it hangs up.

    ConnectionFailed, ConnectionFileError, TimeoutError: it can't be asked, or does not do it.
    """
    asyncio.run(_end_within(profile, cluster_id, seconds))


def ask_then_signal(profile: Profile, cluster_id: str, record: ProcessRecord, *, seconds: float) -> None:
    """End the process of this machine that `record` names: by its controller's word, or by signals."""
    asyncio.run(_ask_then_signal(profile, cluster_id, record, seconds))


async def _ask_then_signal(profile: Profile, cluster_id: str, record: ProcessRecord, seconds: float) -> None:
    def ended() -> bool:
        return not record.alive

    with contextlib.suppress(ConnectionFailed, ConnectionFileError, TimeoutError):
        await _end_within(profile, cluster_id, seconds)
        await exit_of(record.pid, ended, seconds)
    await end_process(record.pid, ended)


async def _end_within(profile: Profile, cluster_id: str, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        await end_controller(profile, cluster_id)


async def end_controller(profile: Profile, cluster_id: str) -> None:
    """Ask the controller to end, and its hosts and engines with it; returns when it hangs up.

    ConnectionFailed, ConnectionFileError: it can't be asked.
    """
    info = read_connection_file(profile.connection_file("client", cluster_id))
    secret = new_secret()
    connection, _ = await connect(
        info, role="client", join=Join(proof=b"", identity=identity_of(secret), secret=secret), seconds=3.0
    )
    end = _End()
    connection.start(end)
    connection.send(Shutdown(controller=True, reason="ipcluster stop"))
    await end.come


class _End:
    """Waits for the end of a connection."""

    def __init__(self) -> None:
        self.come: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def on_messages(self, messages: list[Any]) -> None:
        """What else the controller says does not concern us."""

    def on_closed(self, closing: Closing) -> None:
        del closing
        if not self.come.done():
            self.come.set_result(None)
