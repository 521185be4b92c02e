"""The tunnel of a machine, with a pretended ssh: who shares it, who makes it again, who ends it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import Join
from engineroom.transport.dial import NoWay, connect
from engineroom.transport.ssh_tunnel import tunnel_command
from engineroom.transport.tunnels import Tunnel, TunnelFailed
from tests.conftest import wait_until
from tests.patience import SECONDS, looks
from tests.transport.conftest import Inbox

FORWARDS = """#!{python}
import asyncio, os, sys
open({log!r}, "a").write(f"{{os.getpid()}}\\n")

async def carry(reader, writer):
    try:
        while data := await reader.read(65536):
            writer.write(data)
    except OSError:
        pass
    writer.transport.abort()

async def main():
    for word in (sys.argv[at + 1] for at, word in enumerate(sys.argv) if word == "-L"):
        path, host, port = word.split(":")
        async def relay(reader, writer):
            far = await asyncio.open_connection(host, port)
            await asyncio.gather(carry(reader, far[1]), carry(far[0], writer))
        server = await asyncio.start_unix_server(relay, path)
        os.chmod(path, 0o600)
    await asyncio.Event().wait()

asyncio.run(main())
"""
REFUSES = "#!/bin/sh\necho 'me@login: Permission denied (publickey).' >&2\nexit 255\n"
NO_MASTER = 'case "$*" in *"-O check"*) exit 255;; esac\n'
SAYS_NOTHING = "#!/bin/sh\nexec sleep 60\n"
JOIN = Join(proof=b"", identity=b"i" * 16)
FAR = ConnectionFile(url="tcp://10.0.0.1:4711", exec_key="k", ssh="login")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the pretended ssh notes its process id."""
    return tmp_path / "log"


@pytest.fixture
def ssh(tmp_path: Path, log: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes a script the `ssh` on the path."""
    programs = tmp_path / "bin"
    programs.mkdir()
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")

    def pretend(script: str) -> None:
        program = programs / "ssh"
        program.write_text(f'#!/bin/sh\n{NO_MASTER}exec {programs}/real-ssh "$@"\n')
        real = programs / "real-ssh"
        real.write_text(script.format(python=sys.executable, log=str(log)) if script is FORWARDS else script)
        for each in (program, real):
            each.chmod(0o755)

    return pretend


def runs(log: Path) -> list[int]:
    """Return the process ids that the pretended ssh has had."""
    return [int(pid) for pid in log.read_text().split()]


async def closed(tunnel: Tunnel) -> None:
    """Close `tunnel`, and let the loop do it."""
    tunnel.close()
    for _ in range(3):
        await asyncio.sleep(0)


def sockets() -> list[Path]:
    return [path for path in Path(os.environ["ENGINEROOM_SOCKET_DIR"]).iterdir() if path.suffix in {".tunnel", ".ssh"}]


def test_peers_share_one_and_it_is_made_again(open_door: Any, ssh: Any, log: Path) -> None:
    ssh(FORWARDS)

    async def story() -> None:
        tunnels = [Tunnel(), Tunnel()]
        async with open_door() as door:
            info = msgspec.structs.replace(door.info, host="elsewhere", ssh="login")
            inboxes = [Inbox(), Inbox()]
            for tunnel, inbox in zip(tunnels, inboxes, strict=True):
                connection, _ = await connect(info, role="client", join=JOIN, tunnel=tunnel)
                connection.start(inbox)
                assert connection.address.endswith(" by way of login")
            [first] = runs(log)
            os.kill(first, signal.SIGKILL)
            for inbox in inboxes:
                await inbox.until(lambda inbox=inbox: bool(inbox.closed))
            async for _ in looks():
                with contextlib.suppress(NoWay):  # ssh is not there yet
                    connection, _ = await connect(info, role="client", join=JOIN, tunnel=tunnels[0])
                    break
            connection.start(inbox := Inbox())
            connection.close()
            await inbox.until(lambda: bool(inbox.closed))
            assert len(runs(log)) == 2
        for tunnel in tunnels:
            await closed(tunnel)

    asyncio.run(story())
    assert wait_until(lambda: not sockets())


def test_the_local_ends_are_for_their_owner_only(open_door: Any, ssh: Any) -> None:
    """Ours by their mode, those that ssh makes by what it is told."""
    ssh(FORWARDS)

    async def story() -> None:
        async with open_door() as door:
            info = msgspec.structs.replace(door.info, host="elsewhere", ssh="login")
            tunnel = Tunnel()
            await tunnel.open(info, SECONDS)
            assert [oct(each.stat().st_mode & 0o777) for each in sockets() if each.suffix == ".tunnel"] == ["0o600"]
            assert os.stat(os.environ["ENGINEROOM_SOCKET_DIR"]).st_mode & 0o777 == 0o700
            await closed(tunnel)

    asyncio.run(story())
    assert wait_until(lambda: not sockets())
    assert "StreamLocalBindMask=0177" in tunnel_command(["--", "login"], [])


def test_a_refusal_is_final_and_says_what_to_do(ssh: Any) -> None:
    ssh(REFUSES)

    async def story() -> None:
        tunnel = Tunnel()
        with pytest.raises(TunnelFailed, match=r"ssh login: me@login: Permission denied .*`ssh-add`") as caught:
            await tunnel.open(FAR, SECONDS)
        assert caught.value.final
        await closed(tunnel)

    asyncio.run(story())
    assert wait_until(lambda: not sockets())


def test_what_a_killed_guard_left_goes_with_the_next_tunnel(ssh: Any) -> None:
    ssh(REFUSES)
    place = Path(os.environ["ENGINEROOM_SOCKET_DIR"])
    for name in ("abc.tunnel", "abc-0.ssh", "abc-1.ssh", "abd-0.ssh"):
        with socket.socket(socket.AF_UNIX) as left:
            left.bind(str(place / name))

    async def story() -> None:
        tunnel = Tunnel()
        with pytest.raises(TunnelFailed):
            await tunnel.open(FAR, SECONDS)
        assert not [path for path in sockets() if path.name.startswith("ab")]
        await closed(tunnel)

    asyncio.run(story())
    assert wait_until(lambda: not sockets())


def test_an_ssh_that_says_nothing_is_not_waited_for(ssh: Any) -> None:
    ssh(SAYS_NOTHING)

    async def story() -> None:
        tunnel = Tunnel()
        with pytest.raises(TunnelFailed, match=r"not connected within 0\.5 s"):
            await tunnel.open(FAR, 0.5)
        await closed(tunnel)

    asyncio.run(story())
    assert wait_until(lambda: not sockets())
