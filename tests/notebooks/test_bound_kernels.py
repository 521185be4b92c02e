"""An engine that is bound as a kernel serves consoles between its tasks."""

from __future__ import annotations

import contextlib
import json
import queue
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from engineroom import Client, Cluster
from tests.patience import SECONDS
from tests.system.conftest import until


class Connected:
    """A console, and the engine that it is connected to."""

    def __init__(self, rc: Client) -> None:
        self.rc, self.view = rc, rc[0]
        self.view.execute("from engineroom import bind_kernel; bind_kernel(); bind_kernel()").get(SECONDS)
        shown = self.view.execute("%connect_info")
        shown.get(SECONDS)
        self.info, self.words = shown.stdout.split("\n\n", 1)
        self.console: Any = BlockingKernelClient()
        self.console.load_connection_info(json.loads(self.info))
        self.console.start_channels()
        self.console.wait_for_ready(timeout=SECONDS)

    def run(self, code: str) -> tuple[str, list[tuple[str, Any]]]:
        """Return how a cell ends, and what it shows."""
        shown: list[tuple[str, Any]] = []
        reply = self.console.execute_interactive(
            code,
            timeout=SECONDS,
            allow_stdin=False,
            output_hook=lambda message: shown.append((message["msg_type"], message["content"])),
        )
        return reply["content"]["status"], [each for each in shown if each[0] not in {"status", "execute_input"}]


@pytest.fixture(scope="module")
def rc(cluster_of_notebooks: Cluster) -> Iterator[Client]:
    with cluster_of_notebooks.connect_client_sync() as client:
        yield client


@pytest.fixture(scope="module")
def bound(rc: Client) -> Iterator[Connected]:
    bound = Connected(rc)
    yield bound
    bound.console.stop_channels()


def test_it_shares_the_namespace_of_the_engine(bound: Connected) -> None:
    bound.view.push({"pushed": 20}).get(SECONDS)
    status, [(kind, content)] = bound.run("found = pushed + 22; found")
    assert (status, kind, content["data"]) == ("ok", "execute_result", {"text/plain": "42"})
    assert bound.view.pull("found").get(SECONDS) == 42


@pytest.mark.parametrize(
    ("code", "status", "kinds"),
    [
        ("print('a'); print('b')", "ok", ["stream"]),
        ("!echo a", "ok", ["stream"]),
        (
            "from IPython.display import display\ndisplay(1, display_id='x').update(2)",
            "ok",
            ["display_data", "update_display_data"],
        ),
        ("print(1)\ndisplay(2)\nprint(3)", "ok", ["stream", "display_data", "stream"]),
        ("import asyncio\nawait asyncio.sleep(0)", "ok", []),
        ("import threading\nt = threading.Thread(target=print, args=(1,)); t.start(); t.join()", "ok", ["stream"]),
        ("from IPython.display import clear_output\nclear_output()", "ok", ["clear_output"]),
        ("1 / 0", "error", ["error"]),
        ("def f(:", "error", ["error"]),
        ("input()", "error", ["error"]),
        ("raise SystemExit", "error", ["error"]),
        ("exit", "ok", []),
    ],
)
def test_cells_show_what_they_show_in_any_kernel(bound: Connected, code: str, status: str, kinds: list[str]) -> None:
    ended, shown = bound.run(code)
    assert (ended, [kind for kind, _ in shown]) == (status, kinds)
    assert bound.view.apply_sync(lambda: 1) == 1, "the engine lives"


def test_the_connection_is_private(bound: Connected) -> None:
    info = json.loads(bound.info)
    assert info["ip"] == "127.0.0.1"
    assert (info["signature_scheme"], len(info["key"]) >= 32) == ("hmac-sha256", True)
    name = bound.words.split("--existing ")[-1].split()[0]
    code = f"from jupyter_core.paths import jupyter_runtime_dir; path = jupyter_runtime_dir() + '/{name}'"
    bound.view.execute(code).get(SECONDS)
    assert stat.S_IMODE(Path(bound.view.pull("path").get(SECONDS)).stat().st_mode) == 0o600


def test_a_cell_waits_for_the_task_that_runs_and_comes_before_those_that_wait(bound: Connected) -> None:
    hold = (
        "import threading\nfrom engineroom.engine.between import place\norder = ['task']\nprint('begun')\n"
        f"for _ in range({100 * int(SECONDS)}):\n    if place.between._queue.between:\n        break\n"
        "    threading.Event().wait(0.01)"
    )
    running = bound.view.execute(hold, block=False)
    later = [bound.view.execute("order.append('later')", block=False) for _ in range(3)]
    until(lambda: running.stdout == "begun\n")
    assert bound.run("order.append('console')") == ("ok", [])
    for each in (running, *later):
        each.get(SECONDS)
    assert bound.view.pull("order").get(SECONDS) == ["task", "console", "later", "later", "later"]


def test_an_interrupt_of_the_console_ends_its_cell_and_no_task(bound: Connected) -> None:
    def interrupt() -> None:
        console = bound.console
        console.control_channel.send(console.session.msg("interrupt_request", {}))

    id_ = bound.console.execute("import threading\nbegan = True\nthreading.Event().wait(3600)")
    until(
        lambda: any(
            message["msg_type"] == "execute_input" for message in [bound.console.get_iopub_msg(timeout=SECONDS)]
        )
    )
    reply = None
    while reply is None or reply["parent_header"]["msg_id"] != id_:
        interrupt()
        with contextlib.suppress(queue.Empty):
            reply = bound.console.get_shell_msg(timeout=0.5)
    assert (reply["content"]["status"], reply["content"]["ename"]) == ("error", "KeyboardInterrupt")

    task = bound.view.execute("threading.Event().wait(0.5); 'done'", block=False, silent=False)
    interrupt()
    assert task.get(SECONDS).text == "'done'"


def test_a_signal_of_the_client_ends_the_cell_of_a_console(bound: Connected) -> None:
    id_ = bound.console.execute("import threading; threading.Event().wait(3600)")
    reply = None
    while reply is None or reply["parent_header"]["msg_id"] != id_:
        bound.rc.send_signal("INT", 0)
        with contextlib.suppress(queue.Empty):
            reply = bound.console.get_shell_msg(timeout=0.5)
    assert (reply["content"]["status"], reply["content"]["ename"]) == ("error", "KeyboardInterrupt")


def test_completion_and_help(bound: Connected) -> None:
    ask = bound.console
    until(lambda: bound.run("import os")[0] == "ok")  # one of the signals before may have come late

    def completed() -> Any:  # an engine that is not quick enough answers that it found nothing
        content = ask.complete("os.getc", 7, reply=True, timeout=SECONDS)["content"]
        return content["matches"] and (content["matches"], content["cursor_start"])

    assert until(completed) == (["getcwd", "getcwdb"], 3)
    assert until(lambda: ask.inspect("os.getcwd", 9, reply=True, timeout=SECONDS)["content"]["found"])
    assert not ask.inspect("no_such_name", 9, reply=True, timeout=SECONDS)["content"]["found"]


def test_a_console_that_asks_for_the_end_does_not_end_the_engine(bound: Connected) -> None:
    bound.console.shutdown(reply=True, timeout=SECONDS)
    assert bound.run("1 + 1")[0] == "ok"
    assert bound.view.apply_sync(lambda: 1) == 1


def test_qtconsole_says_what_it_lacks(bound: Connected) -> None:
    with pytest.raises(Exception, match=r"qtconsole is not installed on this engine|this engine has no display"):
        bound.view.execute(
            "import os; os.environ.pop('DISPLAY', 0); os.environ.pop('WAYLAND_DISPLAY', 0)\n%qtconsole"
        ).get(SECONDS)
