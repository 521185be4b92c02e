"""JupyterLab in Chromium, as its user has it before her: a server on loopback, and a page that shows one notebook."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import nbformat
from playwright.sync_api import Page, sync_playwright

from tests.notebooks.kernels import NAME, kernelspec
from tests.patience import SECONDS
from tests.real.installing import install
from tests.system.conftest import until

_TOKEN = "of-these-tests"
_SETTINGS = {
    "@jupyterlab/notebook-extension:tracker": {"windowingMode": "none"},  # cells out of sight are there, too
    "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
}


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
        until(self._listens)

    def _listens(self) -> bool:
        assert self._process.poll() is None, (self._home / "lab.log").read_text()
        with socket.socket() as knock:
            return knock.connect_ex(("127.0.0.1", self.port)) == 0

    def address(self, cells: Sequence[str]) -> str:
        """Write a notebook with `cells`; return where it is to be seen."""
        notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
        notebook.metadata.kernelspec = {"name": NAME, "display_name": NAME, "language": "python"}
        nbformat.write(notebook, self.work / "shown.ipynb")
        return f"http://127.0.0.1:{self.port}/lab/tree/shown.ipynb?token={_TOKEN}&reset"

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

    def open(self, address: str) -> None:
        """Open the notebook, and wait until its kernel has said something: what is run before that is lost."""
        said: list[object] = []
        self.page.on("websocket", lambda channels: channels.on("framereceived", lambda frame: said.append(frame)))
        self.page.goto(address)
        self.page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
        self.wait(lambda: said)
        # A toolbar that finds no room for it hides it.
        self.page.wait_for_selector(".jp-Notebook-ExecutionIndicator[data-status=idle]", state="attached")

    def reload(self) -> None:
        """Save the notebook, and load the page again."""
        self.page.locator("[data-command='docmanager:save'], [title^='Save']").first.click()
        self.wait(lambda: not self.page.locator(".jp-mod-dirty").count())
        self.page.goto(self.page.url)
        self.page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")

    def begin(self, cell: int) -> None:
        """Run a cell by its keys, and do not wait for its end. The keys are pressed again if they had no effect."""
        before = self.prompt(cell)

        def began() -> bool:
            self.cell(cell).locator(".cm-content").first.click()
            self.page.keyboard.press("Control+Enter")
            self.page.wait_for_timeout(1000)
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

    def wait(self, condition: Callable[[], Any]) -> Any:
        """Return the first true value of `condition()`, which looks at the screen; a picture tells if there is none."""
        try:
            return until(lambda: self.page.wait_for_timeout(10) or condition())  # the page goes on meanwhile
        except AssertionError:
            self.picture("not-shown")
            raise

    def interrupt(self) -> None:
        """Press the button that interrupts the kernel."""
        self.page.locator("[data-command='notebook:interrupt-kernel'], [title*='nterrupt the kernel']").first.click()

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
