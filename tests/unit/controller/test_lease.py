"""What ends by itself when the host that had it started is gone."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from engineroom.controller.lease import Lease
from engineroom.controller.links import Link, Links
from engineroom.controller.orphans import Orphans
from engineroom.ids import new_instance
from engineroom.protocol.launches import Launch
from engineroom.protocol.messages import EngineInfo, Shutdown

HOST, OTHER = new_instance(), new_instance()
SECONDS = 0.1


def test_a_lease_lasts_as_long_as_the_host_is_there_and_not_much_longer() -> None:
    async def story() -> list[str]:
        hosts, said, over = {bytes(HOST)}, list[str](), asyncio.Event()

        def end(reason: str) -> None:
            said.append(reason)
            over.set()

        lease = Lease(HOST, hosts, seconds=SECONDS, on_end=end)
        lease.begin()
        await asyncio.sleep(3 * SECONDS)
        assert not lease.over
        hosts.clear()
        await asyncio.wait_for(over.wait(), 100 * SECONDS)
        assert lease.over
        return said

    assert asyncio.run(story()) == ["the ipcluster that started this controller has been gone for 0.1 s"]


def test_a_host_has_the_whole_lease_to_come() -> None:
    async def story() -> bool:
        lease = Lease(HOST, (), seconds=60, on_end=lambda _: None)
        lease.begin()
        await asyncio.sleep(0.01)
        lease.close()
        return lease.over

    assert asyncio.run(story()) is False


class Sent:
    """The connection of an engine."""

    def __init__(self) -> None:
        self.messages: list[Any] = []

    def send(self, message: Any) -> None:
        self.messages.append(message)


def engine(links: Links, host: bytes) -> Sent:
    sent = Sent()
    info = EngineInfo(launch=str(Launch(cast(Any, host), "1")))
    links.add(Link(links.next_peer(), "engine", cast(Any, sent), bytes(new_instance()), info=info))
    return sent


def test_engines_of_a_host_that_does_not_come_back_are_to_end() -> None:
    async def story() -> tuple[Sent, Sent]:
        links = Links()
        its, others = engine(links, HOST), engine(links, OTHER)
        orphans = Orphans(links, seconds=SECONDS)
        orphans.host_left(HOST)
        for _ in range(100):
            if its.messages:
                break
            await asyncio.sleep(0.02)
        orphans.close()
        return its, others

    its, others = asyncio.run(story())
    assert its.messages == [Shutdown(reason="the ipcluster that started this engine has been gone for 0.1 s")]
    assert others.messages == []


def test_an_engine_that_comes_when_its_host_is_gone_already_is_to_end() -> None:
    async def story() -> list[Sent]:
        links = Links()
        orphans = Orphans(links, seconds=SECONDS)
        came = [engine(links, HOST), engine(links, OTHER)]
        links.hosts[OTHER] = cast(Link, SimpleNamespace())
        for host in (HOST, OTHER):
            orphans.engine_came(str(Launch(host, "1")))
        orphans.engine_came("")
        await asyncio.sleep(3 * SECONDS)
        orphans.close()
        return came

    its, others = asyncio.run(story())
    assert len(its.messages) == 1
    assert others.messages == []


def test_engines_of_a_host_that_comes_back_stay() -> None:
    async def story() -> Sent:
        links = Links()
        its = engine(links, HOST)
        orphans = Orphans(links, seconds=SECONDS)
        orphans.host_left(HOST)
        links.hosts[HOST] = cast(Link, SimpleNamespace())
        await asyncio.sleep(3 * SECONDS)
        orphans.close()
        return its

    assert asyncio.run(story()).messages == []
