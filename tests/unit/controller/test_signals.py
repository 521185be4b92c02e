"""Signals to engines: by their host or directly, and what is wrong comes back as words."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import Any

import pytest

from engineroom.controller.links import Link, Links
from engineroom.controller.signals import Signals
from engineroom.ids import Instance, Peer, new_instance
from engineroom.machine.processes import boot_id, host_name
from engineroom.protocol.messages import Answer, EngineInfo, Signal, SignalProcess
from tests.patience import SECONDS

HOST = b"h" * 16


class Told:
    """A connection that keeps what it is to send."""

    def __init__(self, pid: int | None = None) -> None:
        self.peer_pid = pid
        self.sent: list[Any] = []

    def send(self, message: Any) -> None:
        self.sent.append(message)


def engine(
    links: Links, number: int, *, pid: int | None = None, host: bytes = b"", info: EngineInfo | None = None
) -> Link:
    connection: Any = Told(pid)
    link = Link(Peer(number + 1), "engine", connection, new_instance(), host=host, info=info or EngineInfo(host="far"))
    link.engine_id = number
    links.add(link)
    links.engines[number] = link
    return link


def host(links: Links) -> Any:
    connection: Any = Told()
    link = Link(Peer(100), "host", connection, HOST)
    links.add(link)
    return link


def nothing_waits(_: int) -> bool:
    return False


@pytest.mark.parametrize("signum", [999, 65, 0, -1, 10**12])
def test_a_number_that_is_no_signal_reaches_nobody(signum: int) -> None:
    links = Links()
    owner = host(links)
    engine(links, 0, host=HOST)

    words = Signals(links, nothing_waits).send(Signal((0,), signum))

    assert words.startswith(f"{signum} is not a signal")
    assert owner.connection.sent == []


def test_the_host_of_an_engine_is_told() -> None:
    links = Links()
    owner = host(links)
    its = engine(links, 0, host=HOST)

    assert Signals(links, nothing_waits).send(Signal((0,), signal.SIGUSR1)) == ""
    assert owner.connection.sent == [SignalProcess(Instance(its.identity), signal.SIGUSR1)]


def test_engines_that_are_not_there_or_out_of_reach_are_named() -> None:
    links = Links()
    engine(links, 0, info=EngineInfo(pid=7, host="far", boot_id="other"))

    words = Signals(links, nothing_waits).send(Signal((0, 5), signal.SIGINT))

    assert words == (
        "engine 0 cannot be signalled: its process is on far, where no ipcluster is running; engine 5 is not connected"
    )


def test_a_process_that_is_gone_is_an_answer() -> None:
    links = Links()
    engine(links, 0, pid=2**22 + 1)

    assert "No such process" in Signals(links, nothing_waits).send(Signal((0,), signal.SIGTERM))


def test_an_engine_of_this_machine_that_came_by_tcp_is_signalled_too() -> None:
    links = Links()
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        engine(links, 0, info=EngineInfo(pid=process.pid, host=host_name(), boot_id=boot_id()))
        assert Signals(links, nothing_waits).send(Signal((0,), signal.SIGKILL)) == ""
        assert process.wait(SECONDS) == -signal.SIGKILL


def test_a_host_signals_its_own_engines_only() -> None:
    links = Links()
    owner = host(links)
    engine(links, 0, host=HOST)
    engine(links, 1, pid=os.getpid(), host=b"other")

    assert Signals(links, nothing_waits).send(Signal((0, 1), signal.SIGUSR2), host=owner) == ""
    assert len(owner.connection.sent) == 1


def test_an_interrupt_for_what_has_not_begun_is_left_to_the_core() -> None:
    links = Links()
    owner = host(links)
    engine(links, 0, host=HOST)
    asked: list[int] = []

    def something_waits(number: int) -> bool:
        asked.append(number)
        return True

    signalling = Signals(links, something_waits)
    signalling.send(Signal((0,), signal.SIGINT))
    assert (asked, owner.connection.sent) == ([0], [])

    signalling.send(Signal((0,), signal.SIGTERM))
    assert (asked, len(owner.connection.sent)) == ([0], 1)


@pytest.mark.parametrize("pid", [0, -1, -5])
def test_what_is_not_the_pid_of_one_process_is_not_signalled(pid: int, monkeypatch: pytest.MonkeyPatch) -> None:
    links, signalled = Links(), list[int]()
    monkeypatch.setattr(os, "kill", lambda pid, _: signalled.append(pid))
    engine(links, 0, pid=0, info=EngineInfo(pid=pid, host=host_name(), boot_id=boot_id()))

    assert "cannot be signalled" in Signals(links, nothing_waits).send(Signal((0,), signal.SIGTERM))
    assert signalled == []


def test_a_pid_of_another_namespace_is_nobodys_here(monkeypatch: pytest.MonkeyPatch) -> None:
    links, signalled = Links(), list[int]()
    monkeypatch.setattr(os, "kill", lambda pid, _: signalled.append(pid))
    elsewhere = EngineInfo(pid=7, host=host_name(), boot_id=boot_id(), pid_namespace="pid:[1]")
    engine(links, 0, info=elsewhere)

    assert "cannot be signalled" in Signals(links, nothing_waits).send(Signal((0,), signal.SIGTERM))
    assert signalled == []


@pytest.mark.parametrize("engines", [(0,), (7,)])
def test_a_client_that_asks_gets_an_answer_and_a_host_none(engines: tuple[int, ...]) -> None:
    links = Links()
    owner = host(links)
    engine(links, 0, host=HOST)
    connection: Any = Told()
    client = Link(Peer(50), "client", connection, b"c" * 16)
    signals = Signals(links, nothing_waits)

    for asks in (client, owner):
        signals.take(asks, Signal(engines, signal.SIGUSR1, number=3))

    assert [type(message) for message in connection.sent] == [Answer]
    assert not any(isinstance(message, Answer) for message in owner.connection.sent)
