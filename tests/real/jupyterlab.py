"""JupyterLab in Chromium, as its user has it before her: a server on loopback, and a page that shows one notebook."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Locator, Page, WebSocket, sync_playwright
from playwright.sync_api import TimeoutError as TookTooLong

from tests.notebooks.kernels import NAME, kernelspec
from tests.patience import SECONDS, slowly
from tests.real.installing import install
from tests.system.conftest import until

_TOKEN = "of-these-tests"
_SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # cells out of sight are there, too
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}
# After 12 s of loading it asks whether to go on waiting, by a dialog that is in the way of everything else.
_WITHOUT = {"disabledExtensions": {"@jupyterlab/apputils-extension:splash": True}}
_SHORT = SECONDS / 6 * 1e3
"""Milliseconds for which a click waits, before it is looked whether a dialog is in the way."""


class Lab:
    """A JupyterLab with the files in `home / "work"`. `environment`: what its kernels have besides."""

    def __init__(self, home: Path, environment: dict[str, str]) -> None:
        self.work = home / "work"
        self._home, self._environment = home, environment

    def start(self) -> None:
        self.work.mkdir()
        own = kernelspec(self._home)
        config = Path(own["JUPYTER_CONFIG_DIR"]) / "labconfig"
        config.mkdir(parents=True)
        (config / "default_setting_overrides.json").write_text(json.dumps(_SETTINGS))
        (config / "page_config.json").write_text(json.dumps(_WITHOUT))
        self.port = _free_port()
        options = [
            "--allow-root",
            "--no-browser",
            "--ServerApp.ip=127.0.0.1",
            f"--ServerApp.port={self.port}",
            f"--IdentityProvider.token={_TOKEN}",
            f"--ServerApp.root_dir={self.work}",
            "--LabApp.extension_manager=readonly",
            "--ServerApp.log_level=WARN",
        ]
        self._log = (self._home / "lab.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *options],
            env={**os.environ, **own, **self._environment},
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )
        try:
            until(self._listens, 4 * SECONDS)  # it imports much
        except BaseException:
            self.stop()
            raise

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self._home / "lab.log").read_text()
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def address(self, name: str, cells: Sequence[str]) -> str:
        """Write a notebook with `cells`; return where it is to be seen."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": NAME, "display_name": NAME, "language": "python"}
        nbformat.write(notebook, self.work / f"{name}.ipynb")
        # A workspace of its own, or notebooks that were open before would be opened again.
        return f"{self._url}/lab/workspaces/{name}/tree/{name}.ipynb?token={_TOKEN}"

    def end_kernels(self) -> None:
        """End the kernels of all notebooks."""
        for kernel in json.loads(self._asked("GET", "/api/kernels")):
            self._asked("DELETE", f"/api/kernels/{kernel['id']}")

    @property
    def _url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def _asked(self, method: str, path: str) -> bytes:
        request = urllib.request.Request(self._url + path, method=method, headers={"Authorization": f"token {_TOKEN}"})
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return bytes(answer.read())

    def stop(self) -> None:
        """End the server, and with it its kernels."""
        self._process.terminate()
        self._process.wait(SECONDS)
        self._log.close()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port: int = found.getsockname()[1]
        return port


class Screen:
    """A notebook on the screen, and hands for it. Cells are counted from 0."""

    def __init__(self, page: Page, pictures: Path) -> None:
        self.page, self._pictures = page, pictures
        self._connected, self._heard = False, False
        page.on("websocket", self._connects)

    def open(self, address: str) -> None:
        """Open the notebook, and wait until its kernel has said that it is idle: what is run before that is lost."""
        self._load(address)
        self.wait(lambda: self._heard)
        # A toolbar that finds no room for it hides it. It says "idle", too, as long as there is no kernel.
        self.wait(self.page.locator(".jp-Notebook-ExecutionIndicator[data-status=idle]").count)

    def reload(self) -> None:
        """Save the notebook, and load the page again."""
        self._click(self.page.locator("[data-command='docmanager:save'], [title^='Save']").first)
        self.wait(lambda: not self.page.locator(".jp-mod-dirty").count())
        self._load(self.page.url)

    def _load(self, address: str) -> None:
        """Load a page, until its notebook has a kernel: who runs a cell before that is asked, by a dialog, for one."""
        self._connected, self._heard = False, False
        self.page.goto(address)
        self.wait(self.page.locator(".jp-NotebookPanel .jp-CodeCell").count)
        self.wait(lambda: self._connected)

    def _connects(self, channels: WebSocket) -> None:
        if "/api/kernels/" in channels.url:
            self._connected = True
            channels.on("framereceived", self._hears)

    def _hears(self, _: object) -> None:
        self._heard = True

    def begin(self, cell: int) -> None:
        """Run a cell by its keys, and do not wait for its end. The keys are pressed again if they had no effect."""
        before = self.prompt(cell)

        def began() -> bool:
            self._click(self.cell(cell).locator(".cm-content").first)
            self.page.keyboard.press("Control+Enter")
            # One that is slow to show that it runs is not to run twice.
            with contextlib.suppress(AssertionError):
                self.wait(lambda: self.prompt(cell) != before, slowly(1))
            return self.prompt(cell) != before

        self.wait(began)

    def run(self, cell: int) -> str:
        """Run a cell, wait for its end, and return what it shows as text."""
        self.begin(cell)
        self.ends(cell)
        return self.text(cell)

    def ends(self, cell: int) -> None:
        """Wait until a cell that was begun has ended."""
        self.wait(lambda: "[*]" not in self.prompt(cell) and "[ ]" not in self.prompt(cell))

    def prompt(self, cell: int) -> str:
        """What stands before the cell: "[*]:" while it runs."""
        return self.cell(cell).locator(".jp-InputArea-prompt").inner_text()

    def cell(self, cell: int) -> Any:
        return self.page.locator(".jp-Notebook .jp-CodeCell").nth(cell)

    def text(self, cell: int) -> str:
        """What the outputs of a cell show as text."""
        return "\n".join(self.cell(cell).locator(".jp-OutputArea-output").all_inner_texts())

    def wait(self, condition: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Return the first true value of `condition()`, which looks at the screen; a picture tells if there is none."""

        def holds() -> Any:
            self.page.wait_for_timeout(50)  # the page goes on meanwhile
            self._is_not_asked()
            return condition()

        try:
            return until(holds, seconds)
        except AssertionError:
            self.picture("not-shown")
            raise

    def interrupt(self) -> None:
        """Press the button that interrupts the kernel."""
        self._click(
            self.page.locator("[data-command='notebook:interrupt-kernel'], [title*='nterrupt the kernel']").first
        )

    def _click(self, what: Locator) -> None:
        """Click on it; AssertionError tells of a dialog that is in the way."""

        def clicked() -> bool:
            try:
                what.click(timeout=_SHORT)
            except TookTooLong:
                return False
            return True

        self.wait(clicked)

    def _is_not_asked(self) -> None:
        words = self.page.locator(".jp-Dialog").all_inner_texts()
        if words:
            raise AssertionError(f"JupyterLab asks by a dialog: {' / '.join(words)!r}")

    def picture(self, name: str) -> Path:
        """Take a picture of all of the screen."""
        path = self._pictures / f"{name}.png"
        self.page.screenshot(path=path)
        return path


def browse(use: Callable[[Page], None]) -> None:
    """Have `use` look at a page of Chromium, without a display."""
    install("chromium", "fonts-dejavu-core", command="chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--disable-dev-shm-usage"])
        try:
            page = browser.new_page(viewport={"width": 1200, "height": 1000})
            page.set_default_timeout(SECONDS * 1e3)
            use(page)
        finally:
            browser.close()
