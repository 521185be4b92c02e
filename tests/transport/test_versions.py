"""Peers of another major version are told so, by whichever side finds out first; over real connections."""

from __future__ import annotations

import asyncio
from functools import partialmethod
from typing import Any

import pytest

from engineroom.errors import NotLetIn
from engineroom.protocol.handshake import ControllerHandshake, PeerHandshake
from engineroom.protocol.messages import PROTOCOL, Challenge, Hello, Join
from engineroom.transport.dial import connect

OLDER, NEWER = (PROTOCOL[0] - 1, 0), (PROTOCOL[0] + 1, 0)
TRANSPORTS = pytest.mark.parametrize("transport", ["unix", "tls"])


def refusal(open_door: Any, role: str) -> str:
    """Return why a real connection to a real door is refused."""

    async def story() -> str:
        async with open_door() as door:
            with pytest.raises(NotLetIn) as caught:
                await connect(door.info, role=role, join=Join(proof=b"", identity=b"i" * 16))
            assert caught.value.final
            assert not door.inside
            return str(caught.value)

    return asyncio.run(story())


@TRANSPORTS
@pytest.mark.parametrize(("version", "older"), [(OLDER, "client"), (NEWER, "controller")])
def test_a_peer_of_another_version_is_told_by_the_controller(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str, version: tuple[int, int], older: str
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    say_another = partialmethod(PeerHandshake.__init__, protocol=version)
    monkeypatch.setattr(PeerHandshake, "__init__", say_another)
    assert refusal(open_door, "client") == (
        f"you speak protocol {version[0]}.0 and this controller speaks {PROTOCOL[0]}.{PROTOCOL[1]} (the version on the "
        f"{older}'s machine is older): install the same version of engineroom on both machines"
    )


@TRANSPORTS
@pytest.mark.parametrize("version", [OLDER, NEWER])
def test_a_peer_is_told_by_a_controller_of_another_version(
    open_door: Any, monkeypatch: pytest.MonkeyPatch, transport: str, version: tuple[int, int]
) -> None:
    monkeypatch.setenv("ENGINEROOM_TRANSPORT", transport)
    answer = ControllerHandshake.challenge

    def as_another(self: ControllerHandshake, hello: Hello) -> Challenge:
        self.protocol = version
        return answer(self, hello)

    monkeypatch.setattr(ControllerHandshake, "challenge", as_another)
    words = refusal(open_door, "client")
    assert words.startswith(f"you speak protocol {PROTOCOL[0]}.{PROTOCOL[1]} and this controller speaks {version[0]}.0")
    assert words.endswith("install the same version of engineroom on both machines")


def test_a_controller_that_lets_another_version_in_is_not_joined(
    open_door: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = ControllerHandshake.challenge

    def careless(self: ControllerHandshake, hello: Hello) -> Challenge:
        said = answer(self, hello)
        return Challenge(protocol=NEWER, nonce=said.nonce, proof=said.proof)

    monkeypatch.setattr(ControllerHandshake, "challenge", careless)
    words = refusal(open_door, "client")
    assert words == (
        f"the controller speaks protocol {NEWER[0]}.0 and this client speaks {PROTOCOL[0]}.{PROTOCOL[1]} (the version "
        "on the client's machine is older): install the same version of engineroom on both machines"
    )
