"""A cable between peers and a controller, which tests can cut, hold and heal."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.patience import SECONDS


class Proxy:
    """Carries TCP connections to `target`, a port of this machine, in a thread of its own.

    `port`: where it listens. `carried`: bytes so far, both ways together.
    """

    def __init__(self, target: int, rate: float = 0) -> None:
        """`rate`: bytes a second that each direction of a connection carries, 0 for as many as it can."""
        self.port = 0
        self._rate = rate
        self.carried = 0
        self._target = target
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="proxy")
        self._writers: set[asyncio.StreamWriter] = set()
        self._open = self._flowing = True
        self._changed = asyncio.Event()

    def cut(self) -> None:
        """Reset all connections, and accept none until `heal`."""
        self._call(self._cut)

    def freeze(self) -> None:
        """Carry nothing until `heal`; nobody is told."""
        self._call(self._freeze)

    def heal(self) -> None:
        """Carry everything again."""
        self._call(self._heal)

    def hurry(self) -> None:
        """Carry as much as it can from now on."""
        self._rate = 0
        self._call(self._heal)

    def __enter__(self) -> Self:
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(SECONDS)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        self._loop.run_forever()

    def _call(self, do: Callable[[], None]) -> None:
        async def call() -> None:
            do()

        asyncio.run_coroutine_threadsafe(call(), self._loop).result(SECONDS)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._server.close()
        self._heal()
        self._cut()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _cut(self) -> None:
        self._open = False
        for writer in self._writers:
            sock: Any = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # so that the far end hears a reset, not an orderly end
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            writer.transport.abort()
        self._writers.clear()

    def _freeze(self) -> None:
        self._flowing = False

    def _heal(self) -> None:
        self._open = self._flowing = True
        self._changed.set()
        self._changed = asyncio.Event()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not self._open:
            writer.transport.abort()
            return
        ends = {writer}
        self._writers |= ends  # cut while it is being connected, it is cut
        try:
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        except OSError:  # there is nobody now, as the far end of a cable tells
            self._writers -= ends
            writer.transport.abort()
            return
        if writer.transport.is_closing():
            far_writer.transport.abort()
            return
        ends.add(far_writer)
        self._writers |= ends
        with contextlib.suppress(asyncio.CancelledError):  # by `_close`
            await asyncio.gather(self._carry(reader, far_writer), self._carry(far_reader, writer))
        self._writers -= ends

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                while not self._flowing:
                    await self._changed.wait()
                self.carried += len(data)
                writer.write(data)
                await writer.drain()
                if self._rate:
                    with contextlib.suppress(TimeoutError):  # so long it takes over this cable
                        await asyncio.wait_for(self._changed.wait(), len(data) / self._rate)
        writer.close()


def through(proxy: Proxy, source: str | Path, target: Path) -> Path:
    """Write to `target` a copy of a connection file whose only address is the proxy's; return `target`."""
    values = json.loads(Path(source).read_text())
    target.touch(mode=0o600)
    target.write_text(json.dumps(values | {"url": f"tcp://127.0.0.1:{proxy.port}", "addresses": [], "socket": ""}))
    return target
