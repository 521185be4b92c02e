"""Who comes in, under which name and id."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.controller.shell import Controller
from engineroom.errors import NotLetIn
from engineroom.protocol.identities import new_secret
from engineroom.protocol.messages import EngineInfo, EngineJoined, EngineLeft, Welcome
from tests.unit.controller.conversations import Somebody, talk


def test_engines_are_numbered_and_clients_hear_of_them(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        first = Somebody(controller, "engine")
        client = Somebody(controller, "client")
        second = Somebody(controller, "engine")
        assert [(await each.hears(Welcome)).engine_id for each in (first, second, client)] == [0, 1, -1]
        await client.hears(EngineJoined, 2)
        assert [joined.engine for joined in client.of(EngineJoined)] == [0, 1]
        assert client.of(EngineJoined)[1].instance == second.identity

    talk(tmp_path, story)


def test_a_name_without_its_secret_is_refused(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        known = Somebody(controller, "client")
        with pytest.raises(NotLetIn, match="does not know the secret that belongs to"):
            Somebody(controller, "client", identity=known.identity)
        assert len(controller.links.by_peer) == 1

    talk(tmp_path, story)


def test_an_engine_gets_the_id_that_it_wants_unless_another_has_it(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        assert (await Somebody(controller, "engine", wanted_id=7).hears(Welcome)).engine_id == 7
        with pytest.raises(NotLetIn, match="7"):
            Somebody(controller, "engine", wanted_id=7)
        assert list(controller.links.engines) == [7]

    talk(tmp_path, story)


def test_an_engine_that_connects_again_takes_the_place_of_its_old_connection(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        client = Somebody(controller, "client")
        secret = new_secret()
        before = Somebody(controller, "engine", secret=secret)
        again = Somebody(controller, "engine", secret=secret, wanted_id=0)
        assert (await again.hears(Welcome)).engine_id == 0
        assert "reconnected" in await before.is_sent_away() or before.closing is not None
        assert controller.links.engines[0].identity == again.identity
        assert client.of(EngineLeft) == []

    talk(tmp_path, story)


def test_a_host_is_told_of_its_engines_that_were_there_before_it(tmp_path: Path) -> None:
    async def story(controller: Controller) -> None:
        secret = new_secret()
        host = Somebody(controller, "host", secret=secret)
        engine = Somebody(controller, "engine", host=host.identity, info=EngineInfo(pid=1))
        other = Somebody(controller, "engine")
        told = await host.hears(EngineJoined)
        assert told.instance == engine.identity != other.identity
        again = Somebody(controller, "host", secret=secret)
        assert (await again.hears(EngineJoined)).instance == engine.identity

    talk(tmp_path, story)
