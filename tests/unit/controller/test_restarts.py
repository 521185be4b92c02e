"""Engines that a client wants restarted: by whom, and for which that can't be done."""

from __future__ import annotations

from typing import Any

import pytest

from engineroom.controller.links import Link, Links
from engineroom.controller.restarts import Restarts
from engineroom.core.engines import Departed, Engine
from engineroom.core.state import ControllerState
from engineroom.ids import Instance, Peer
from engineroom.protocol.messages import Answer, EngineInfo, Restart, RestartProcesses
from engineroom.trail.launches import Launch


class Wire:
    """A connection that keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        self.sent.append(message)


def link(role: str, identity: bytes, **facts: Any) -> Link:
    wire: Any = Wire()
    return Link(Peer(0), role, wire, identity, **facts)


def instance(number: int) -> Instance:
    return Instance(bytes([number]) * 16)


HOST, OTHER = b"h" * 16, b"o" * 16


@pytest.fixture
def links() -> Links:
    """Return two hosts: of the engines 0 and 1, and of the job in which 2 and 3 run. Nobody's is 4."""
    links = Links()
    links.hosts |= {each: link("host", each) for each in (HOST, OTHER)}
    job = EngineInfo(launch=str(Launch(Instance(OTHER), "set")))
    for number, facts in enumerate(({"host": HOST}, {"host": HOST}, {"info": job}, {"info": job}, {})):
        links.engines[number] = link("engine", instance(number), engine_id=number, **facts)
    return links


def asked(links: Links, *engines: int, state: ControllerState | None = None) -> str:
    """Return what a client is told that wants these engines restarted."""
    client = link("client", b"c" * 16)
    Restarts(links, state or ControllerState()).take(client, Restart(engines, 7))
    connection: Any = client.connection
    (answer,) = connection.sent
    assert isinstance(answer, Answer)
    assert answer.number == 7
    return answer.error


def told(links: Links) -> list[list[Any]]:
    connections: list[Any] = [links.hosts[each].connection for each in (HOST, OTHER)]
    return [each.sent for each in connections]


def test_each_host_is_told_of_its_own_engines(links: Links) -> None:
    assert asked(links, 1, 2, 3, 1) == ""
    assert told(links) == [[RestartProcesses((instance(1),))], [RestartProcesses((instance(2), instance(3)))]]


@pytest.mark.parametrize(
    ("engine", "words"),
    [
        (2, "engine 2 cannot be restarted alone: it runs in one job with engines 3; restart them together"),
        (4, "engine 4 cannot be restarted: no running ipcluster started it."),
        (5, "engine 5 is not connected"),
    ],
)
def test_all_or_none_are_restarted(links: Links, engine: int, words: str) -> None:
    assert asked(links, 0, engine).startswith(words)
    assert told(links) == [[], []]


def test_engines_whose_host_has_left_stay(links: Links) -> None:
    del links.hosts[HOST]
    assert "no running ipcluster started it" in asked(links, 0)


@pytest.mark.parametrize(("spawned", "host"), [(True, HOST), (True, b"x" * 16), (False, HOST), (False, b"")])
def test_an_engine_that_is_gone_is_started_again_by_the_host_that_spawned_it(
    links: Links, spawned: bool, host: bytes
) -> None:
    state = ControllerState()
    state.departed_ids[5] = Departed(5, instance(5), "signal 9", 0.0, host, spawned)

    answer = asked(links, 5, 0, state=state)

    if spawned and host == HOST:
        assert answer == ""
        assert told(links) == [[RestartProcesses((instance(5), instance(0)))], []]
    else:
        assert answer.startswith("engine 5 cannot be restarted: it has ended (signal 9), and no running ipcluster can")
        assert told(links) == [[], []]


def test_a_job_that_has_ended_is_started_again_by_the_host_that_had_it(links: Links) -> None:
    job = links.engines[2].info.launch
    state = ControllerState()
    for number in (2, 3):
        del links.engines[number]
        state.departed_ids[number] = Departed(number, instance(number), "cancelled", 0.0, OTHER, launch=job)
    assert asked(links, 2, state=state) == ""
    assert told(links) == [[], [RestartProcesses((instance(2),))]]
    del links.hosts[OTHER]
    assert "no running ipcluster can start it again" in asked(links, 3, state=state)


def test_an_engine_that_is_gone_is_not_started_again_while_others_run_in_its_job(links: Links) -> None:
    state = ControllerState()
    job = links.engines.pop(2).info.launch
    state.departed_ids[2] = Departed(2, instance(2), "killed", 0.0, OTHER, launch=job)
    assert asked(links, 2, state=state) == (
        "engine 2 cannot be restarted alone: it runs in one job with engines 3; restart them together"
    )
    assert asked(links, 2, 3, state=state) == ""


def test_an_engine_that_has_just_lost_its_connection_is_started_again_too(links: Links) -> None:
    state = ControllerState()
    state.engines[5] = away = Engine(5, instance(5), EngineInfo())
    away.spawned, away.host = True, HOST
    assert asked(links, 5, state=state) == ""
    assert told(links) == [[RestartProcesses((instance(5),))], []]
