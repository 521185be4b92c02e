"""An engine asks a restarted controller for a function whose bytes only its client has, which is not back yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.controller.shell import Controller
from engineroom.core.events import Restored
from engineroom.ids import Peer
from engineroom.protocol.content_hashes import content_hash
from engineroom.protocol.messages import Function, NeedFunction
from tests.unit.controller.conversations import Somebody, talk

BODY = b"the bytes of a function"
HASH = content_hash([BODY], ())


@pytest.mark.parametrize("life", [0, 1])
def test_the_engine_gets_it_once_the_client_has_sent_it(tmp_path: Path, life: int) -> None:
    async def story(controller: Controller) -> None:
        if life:
            controller.feed(Peer(0), Restored(life))
        engine = Somebody(controller, "engine")
        engine.say(NeedFunction(HASH))
        await engine.until(lambda: controller.state.engines)
        client = Somebody(controller, "client")
        client.say(Function(HASH, BODY, ()))
        await client.until(lambda: HASH in controller.state.functions)
        if life:
            assert (await engine.hears(Function)).hash == HASH
        assert len(engine.of(Function)) == life

    talk(tmp_path, story)
