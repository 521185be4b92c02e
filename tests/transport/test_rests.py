"""A connection that is read until others have had their turn."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engineroom.protocol.messages import Join, Outcome, Result
from engineroom.transport.dial import connect
from engineroom.transport.turns import rest
from tests.transport.conftest import Inbox

RECORDS = 8
RESULTS = [Result(n.to_bytes(24), 0, Outcome(0, 0.0, 0.0), b"r" * 50_000) for n in range(10 * RECORDS)]


@pytest.mark.parametrize("transport", ["unix", "tls"])
def test_others_have_their_turn_between_two_records(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)

    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=Join(proof=b"", identity=b"i" * 16))
            inbox, turns, at = Inbox(), 0, []

            def take_a_turn() -> None:
                nonlocal turns
                turns += 1
                if len(inbox.messages) < len(RESULTS):
                    asyncio.get_running_loop().call_soon(take_a_turn)

            def pause(message: Result) -> None:
                if message in RESULTS[::10]:
                    at.append(turns)
                    rest(connection)
                    rest(connection)

            inbox.on_message = pause
            connection.start(inbox)
            take_a_turn()
            for start in range(0, len(RESULTS), 10):
                door.inside[0][0].send_all(RESULTS[start : start + 10])
                door.inside[0][0].flush()
            await inbox.until(lambda: len(inbox.messages) == len(RESULTS))

            assert inbox.messages == RESULTS
            assert len(set(at)) == RECORDS
            assert connection.transport.is_reading() or connection.closed
            connection.close()

    asyncio.run(story())


def test_who_is_gone_does_not_rest(open_door: Any) -> None:
    async def story() -> None:
        async with open_door() as door:
            connection, _ = await connect(door.info, role="client", join=Join(proof=b"", identity=b"i" * 16))
            inbox = Inbox()
            connection.start(inbox)
            rest(connection)
            connection.close()
            rest(connection)
            await inbox.until(lambda: bool(inbox.closed))
            rest(connection)

    asyncio.run(story())
