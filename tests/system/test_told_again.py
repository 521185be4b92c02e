"""What a host has said of engines that ended is said to the next controller as well, in this process."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import Mock

from engineroom.cluster.host.controller_link import HostLink
from engineroom.controller.config import ControllerConfig
from engineroom.controller.shell import Controller
from engineroom.ids import new_instance
from engineroom.protocol.identities import new_secret
from engineroom.protocol.messages import EngineExited
from engineroom.transport.ways import Way
from tests.patience import SECONDS, comes_true


def test_the_next_controller_hears_how_engines_ended_that_the_last_one_may_not_have_heard_of(tmp_path: Path) -> None:
    (tmp_path / "security").mkdir(mode=0o700)
    config = ControllerConfig(security_dir=str(tmp_path / "security"), reuse=True)
    ended = [EngineExited(new_instance(), f"exit code {code}") for code in (1, 2)]

    async def story() -> None:
        link = HostLink(config.connection_files.engine, new_secret(), Mock(), Way())
        first = Controller(config)
        await first.start()
        await link.connect(SECONDS)
        link.engine_exited(ended[0])
        await comes_true(lambda: len(first.state.presence.exits) == 1)
        first.request_stop("killed", comes_back=True)  # without a word to anybody
        await first.stop()
        await comes_true(lambda: not link.connected)
        link.engine_exited(ended[1])
        second = Controller(config)
        await second.start()
        link.look_now()
        await comes_true(lambda: len(second.state.presence.exits) == 2)
        assert list(second.state.presence.exits.values()) == ended
        link.close("done")
        await second.stop()

    asyncio.run(asyncio.wait_for(story(), SECONDS))
