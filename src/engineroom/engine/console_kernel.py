"""An engine as a Jupyter kernel, for consoles that connect to it. Imported when a task calls `bind_kernel`.

ipykernel's sockets and threads live beside the engine's. What a console asks to be run goes to the engine's main
thread, between two tasks, in the namespace that tasks use.
"""

from __future__ import annotations

import asyncio
import atexit
import logging
import os
import threading
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel
from IPython.utils.tokenutil import token_at_cursor

from engineroom.engine.between import Between
from engineroom.engine.completions import completions
from engineroom.engine.console_output import ConsoleOutput
from engineroom.protocol.messages import Kind
from engineroom.serialize.failures.packing import words_of
from engineroom.version import own_version

_START, _END = 10.0, 2.0
"""Seconds that the sockets may take to be there, and the thread to end."""

_LEAVES = frozenset({"exit", "exit()", "quit", "quit()"})


class EngineKernel(Kernel):  # type: ignore[misc]  # ipykernel has no types
    """The requests of consoles."""

    implementation = "engineroom"
    implementation_version = own_version()
    language_info = {  # noqa: RUF012 (as the base class has it)
        "name": "python",
        "mimetype": "text/x-python",
        "file_extension": ".py",
        "codemirror_mode": {"name": "ipython", "version": 3},
        "pygments_lexer": "ipython3",
        "nbconvert_exporter": "python",
    }
    banner = "A console of an engine: cells run in the engine's namespace, between its tasks. `exit` leaves the engine."
    between: Between

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._interrupt: Any = None
        for name in ("comm_open", "comm_msg", "comm_close"):
            self.shell_handlers[name] = self._hear_comm

    @property
    def execution_count(self) -> int:
        """The number of the next cell."""
        return int(self._shell.execution_count)

    @execution_count.setter
    def execution_count(self, number: int) -> None:
        """Leave the counting to IPython."""

    @property
    def _shell(self) -> Any:
        return self.between.namespace.cells().shell

    async def do_execute(
        self,
        code: str,
        silent: object,
        *args: Any,
        **options: Any,
    ) -> dict[str, Any]:
        """Run a cell in the main thread, and show what it shows."""
        del args, options
        if code.strip() in _LEAVES:
            payload = [{"source": "ask_exit", "keepkernel": True}]
            return {"status": "ok", "execution_count": self.execution_count, "payload": payload, "user_expressions": {}}
        reply, error = await self._run(Kind.EXECUTE, {"code": code, "silent": silent}, self.get_parent())
        if error is None:
            count = reply.execution_count
            return {"status": "ok", "execution_count": count, "payload": [], "user_expressions": {}}
        name, text, traceback = words_of(error)
        count = self.execution_count
        lines = traceback.split("\n")
        return {"status": "error", "execution_count": count, "ename": name, "evalue": text, "traceback": lines}

    async def _run(self, kind: Kind, what: dict[str, Any], parent: Any) -> tuple[Any, BaseException | None]:
        """Run a call in the main thread; return its result, and what it raised or None."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()
        output = ConsoleOutput(self, parent, loop)

        def ended(result: Any, error: BaseException | None) -> None:
            loop.call_soon_threadsafe(done.set_result, (result, error))

        self._interrupt = self.between.run(kind, what, output, ended)
        try:
            return await done
        finally:
            self._interrupt = None
            output.flush()

    async def _hear_comm(self, stream: Any, ident: Any, parent: dict[str, Any]) -> None:
        """A widget was moved, say."""
        del stream, ident
        header, content = parent["header"], parent["content"]
        buffers = [bytes(buffer) for buffer in parent.get("buffers", ())]
        message = {"msg_type": header["msg_type"], "content": content, "metadata": parent["metadata"]}
        _, error = await self._run(Kind.COMM, message | {"buffers": buffers}, parent)
        if error is not None:
            ConsoleOutput(self, parent, asyncio.get_running_loop()).write(2, words_of(error)[2] + "\n")

    async def interrupt_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Interrupt the cell of a console, and no task."""
        interrupt = self._interrupt
        if interrupt is not None:
            interrupt()
        self.session.send(stream, "interrupt_reply", {"status": "ok"}, parent, ident=ident)

    async def shutdown_request(self, stream: Any, ident: Any, parent: Any) -> None:
        """Do not stop: the engine belongs to its cluster."""
        content = {"status": "ok", "restart": parent["content"].get("restart", False)}
        self.session.send(stream, "shutdown_reply", content, parent, ident=ident)

    def pre_handler_hook(self) -> None:
        """Leave SIGINT to the engine."""

    def post_handler_hook(self) -> None:
        """Leave SIGINT to the engine."""

    async def do_complete(self, code: str, cursor_pos: int | None) -> dict[str, Any]:
        """Return what may stand before the cursor, also while the main thread is busy."""
        cursor = len(code) if cursor_pos is None else cursor_pos
        try:
            found = completions(self._shell.Completer, code, cursor)
        except Exception:  # noqa: BLE001 (the main thread may change what is looked at)
            found = []
        start, end = found[0][:2] if found else (cursor, cursor)
        matches = [text for _, _, text in found]
        return {"status": "ok", "matches": matches, "cursor_start": start, "cursor_end": end, "metadata": {}}

    async def do_inspect(
        self, code: str, cursor_pos: int, detail_level: int = 0, omit_sections: Any = ()
    ) -> dict[str, Any]:
        """Return what is known of the name at the cursor."""
        del omit_sections
        name = token_at_cursor(code, cursor_pos)
        try:
            data = self._shell.object_inspect_mime(name, detail_level=detail_level)
        except KeyError:
            return {"status": "ok", "found": False, "data": {}, "metadata": {}}
        return {"status": "ok", "found": True, "data": data, "metadata": {}}

    async def do_is_complete(self, code: str) -> dict[str, Any]:
        """Return whether a cell goes on."""
        status, indent = self._shell.input_transformer_manager.check_complete(code)
        return {"status": status} | ({"indent": " " * (indent or 0)} if status == "incomplete" else {})


class EngineKernelApp(IPKernelApp):  # type: ignore[misc]  # the same
    """The sockets, threads and connection file of the kernel, and nothing of what changes the process around it."""

    def __init__(self, **options: Any) -> None:
        # It tells everybody that the connection is not encrypted; it is on this machine alone.
        super().__init__(kernel_class=EngineKernel, ip="127.0.0.1", log_level=logging.ERROR, **options)

    def initialize(self, argv: Any = None) -> None:
        """Listen, and write the connection file. Call it in the thread that serves."""
        del argv
        self.init_connection_file()
        self.init_sockets()
        self.shell_channel_thread = None  # it would have cells run in the main thread by an event loop there
        self.init_heartbeat()
        self.write_connection_file()
        os.chmod(self.abs_connection_file, 0o600)
        self.displayhook = threading.local()  # the base class sets something there
        self.init_kernel()

    def reset_io(self) -> None:
        """Leave the streams alone."""


class Serving:
    """Serves the consoles of this engine, in a thread of its own."""

    def __init__(self, between: Between, connection_file: str) -> None:
        EngineKernel.between = between
        self._file = connection_file
        self._ready = threading.Event()
        self._failed: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="engineroom-console", daemon=True)

    def start(self) -> EngineKernelApp:
        """Return once consoles can connect. RuntimeError: they can't."""
        self._thread.start()
        ready = self._ready.wait(_START)
        if self._failed is not None or not ready:
            raise RuntimeError(f"this engine could not become a kernel: {self._failed or 'it took too long'}")
        atexit.register(self.stop)  # before the sockets are closed
        return self._app

    def stop(self) -> None:
        """End the thread."""
        if self._loop is not None and self._stop is not None and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(_END)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except BaseException as error:  # noqa: BLE001 (whoever waits is told)
            self._failed = error
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        options = {"connection_file": self._file} if self._file else {}
        self._app: EngineKernelApp = EngineKernelApp.instance(**options)
        self._app.initialize()
        self._app.kernel.start()
        self._ready.set()
        await self._stop.wait()
