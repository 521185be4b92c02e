"""A real IPython kernel, in a process of its own, and what its cells show."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import io
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from tests.patience import SECONDS

NAME = "engineroom-tests"


def kernelspec(home: Path) -> dict[str, str]:
    """Write a kernelspec of this very environment; return the environment variables that keep everything in `home`."""
    spec = home / "jupyter" / "kernels" / NAME
    spec.mkdir(parents=True)
    command = [sys.executable, "-m", "ipykernel_launcher", "--log-level=ERROR", "-f", "{connection_file}"]
    (spec / "kernel.json").write_text(json.dumps({"argv": command, "display_name": NAME, "language": "python"}))
    return {
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTER_DATA_DIR": str(home / "jupyter"),
        "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
        "JUPYTER_CONFIG_DIR": str(home / "config"),
        "JUPYTER_PLATFORM_DIRS": "1",
        "MPLCONFIGDIR": str(home / "matplotlib"),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


@dataclass
class Shown:
    """What one cell shows, as a notebook file has it. `seen`: when each message came, in seconds from the start."""

    outputs: list[Any]
    seen: list[tuple[float, dict[str, Any]]] = field(default_factory=list, repr=False)

    @property
    def text(self) -> str:
        """What it printed to stdout and stderr, in order."""
        return "".join(each.text for each in self.outputs if each.output_type == "stream")

    def stream(self, name: str) -> str:
        """What it printed to one of the two."""
        return "".join(each.text for each in self.outputs if each.output_type == "stream" and each.name == name)

    @property
    def value(self) -> str:
        """The plain text of the cell's value; "" if it has none."""
        found = [each.data.get("text/plain", "") for each in self.outputs if each.output_type == "execute_result"]
        return found[0] if found else ""

    @property
    def error(self) -> str:
        """The text of the error that ended the cell, with its traceback; "" if none did."""
        found = [each for each in self.outputs if each.output_type == "error"]
        return "\n".join([*found[0].traceback, f"{found[0].ename}: {found[0].evalue}"]) if found else ""

    def data(self, mime: str) -> list[Any]:
        """What its displays, and its value, have of a kind such as "image/png"."""
        return [each.data[mime] for each in self.outputs if mime in each.get("data", {})]

    def pictures(self) -> list[bytes]:
        """The files of its PNG figures."""
        return [base64.b64decode(each) for each in self.data("image/png")]


def read_picture(png: str) -> Any:
    """Return the pixels of a picture, as an array of numbers from 0 to 1."""
    from matplotlib.image import imread  # it takes a moment, and few tests look at figures

    return imread(io.BytesIO(base64.b64decode(png)))


class _Listening(NotebookClient):
    """Also notes when which message comes, as what is shown live comes before the end; and interrupts cells.

    `interrupt`: what must be in the outputs of a cell for that; "" for none.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self.interrupt = ""
        self.interrupting: asyncio.Future[Any] | None = None

    def process_message(self, msg: dict[str, Any], cell: Any, cell_index: int) -> Any:
        self.heard.append((time.monotonic(), msg))
        processed = super().process_message(msg, cell, cell_index)
        if self.interrupt and self.interrupt in json.dumps(cell.outputs):
            self.interrupt = ""
            self.interrupting = asyncio.ensure_future(self.km.interrupt_kernel())
        return processed


class Kernel:
    """A kernel that runs cells, one after the other, as a notebook does. `start()` first; `stop()` in the end."""

    def __init__(self, directory: Path, environment: dict[str, str]) -> None:
        self._directory, self._environment = directory, environment
        self._runner = asyncio.Runner()

    def start(self) -> None:
        self._manager = AsyncKernelManager(kernel_name=NAME)
        self._notebook = nbformat.v4.new_notebook()
        self._client = _Listening(
            self._notebook,
            km=self._manager,
            timeout=SECONDS,
            startup_timeout=int(SECONDS),
            allow_errors=True,
            resources={"metadata": {"path": str(self._directory)}},
            kernel_name=NAME,
        )
        self._runner.run(self._start())

    async def _start(self) -> None:
        await self._client.async_start_new_kernel(env={**os.environ, **self._environment})
        await self._client.async_start_new_kernel_client()

    def run(self, cells: Sequence[str], *, errors: bool = False) -> list[Shown]:
        """Return what each of `cells` shows. `errors`: go on after one that fails, as nobody's notebook does."""
        return [self.cell(source, errors=errors) for source in cells]

    def cell(self, source: str, *, errors: bool = False, interrupt: str = "") -> Shown:
        """Return what one cell shows. `interrupt`: interrupt the kernel once this is in the cell's outputs."""
        return self._runner.run(self._cell(source, errors, interrupt))

    async def _cell(self, source: str, errors: bool, interrupt: str) -> Shown:
        cell = nbformat.v4.new_code_cell(source)
        self._notebook.cells.append(cell)
        began, already = time.monotonic(), len(self._client.heard)
        self._client.interrupt = interrupt
        with contextlib.suppress(CellExecutionError):  # it is in the outputs, too
            await self._client.async_execute_cell(cell, len(self._notebook.cells) - 1)
        assert not self._client.interrupt, f"{interrupt!r} was not shown: {cell.outputs}"
        if self._client.interrupting is not None:
            await self._client.interrupting
        shown = Shown(cell.outputs, [(when - began, msg) for when, msg in self._client.heard[already:]])
        assert errors or not shown.error, shown.error
        return shown

    def stop(self) -> None:
        """End the kernel; it gets the time to end what it has started."""
        self._runner.run(self._stop())
        self._runner.close()

    async def _stop(self) -> None:
        self._client.kc.stop_channels()
        await self._manager.shutdown_kernel()
        self._manager.context.destroy()
