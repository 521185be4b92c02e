"""Cells do what they do in IPython without anybody before it; what needs somebody is refused in words."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from engineroom import Client, Cluster, RemoteError
from tests.patience import SECONDS
from tests.system.conftest import until

PRINTS = [
    ("!echo one; echo two 1>&2", "one\n", "two\n"),
    ("!exit 3\nprint(_exit_code)", "3\n", ""),
    ("!cat", "", ""),
    ("kept = !echo kept\nprint(kept)", "['kept']\n", ""),
    ("%cd /\n%pwd\nprint(_dh[-1])", "/\n/\n", ""),
    ("%%bash\necho from bash", "from bash\n", ""),
    ("%%sh\ncat", "", ""),
    ("%env ENGINEROOM_CELL=5\n!echo $ENGINEROOM_CELL", "env: ENGINEROOM_CELL=5\n5\n", ""),
    ("%gui", "", ""),
    ("%pdb off", "Automatic pdb calling has been turned OFF\n", ""),
    ("import sys\nprint(repr(sys.stdin.read()), sys.stdin.isatty(), list(sys.stdin))", "'' False []\n", ""),
    ("import asyncio\nawait asyncio.sleep(0)\nprint(6)", "6\n", ""),
]

REFUSED = {
    "an engine cannot show windows": ["get_ipython().enable_gui('qt')"],
    "a debugger needs a terminal": ["%debug", "%pdb on"],
    "an editor needs a terminal": ["%edit"],
    "an engine has no input cell to load that into": ["%load /etc/passwd", "x = 1\n%recall"],
    "an engine has no keyboard": [
        "input('name? ')",
        "import pdb; pdb.set_trace()\nx = 1",
        "breakpoint()\nx = 1",
        "def f():\n    breakpoint()\n    return 1\nf()",
        "import getpass; getpass.getpass()",
        "help()",
        "import code; code.interact()",
        "import sys; sys.stdin.readline()",
    ],
}


@pytest.fixture
def view(rc: Client) -> Any:
    return rc[0]


@pytest.mark.parametrize(("cell", "stdout", "stderr"), PRINTS)
def test_a_cell_writes_what_it_writes_in_ipython(view: Any, cell: str, stdout: str, stderr: str) -> None:
    ran = view.execute(cell)
    ran.get(SECONDS)
    assert (ran.stdout, ran.stderr) == (stdout, stderr)


@pytest.mark.parametrize(("code", "says"), [("%time 1 + 1", "Wall time"), ("len?", "Docstring"), ("%prun 1", "calls")])
def test_helpers_print(view: Any, code: str, says: str) -> None:
    ran = view.execute(code, silent=False)
    ran.get(SECONDS)
    assert says in ran.stdout


@pytest.mark.parametrize(("words", "cell"), [(words, cell) for words, cells in REFUSED.items() for cell in cells])
@pytest.mark.filterwarnings("ignore::getpass.GetPassWarning")
def test_what_needs_somebody_is_refused_in_words(view: Any, words: str, cell: str) -> None:
    with pytest.raises(RemoteError, match=words):
        view.execute(cell).get(SECONDS)
    assert view.apply_sync(lambda: 7) == 7


def names_of_descendants() -> list[str]:
    """Return what runs below the engine. (Runs there.)"""
    import psutil

    found = []
    for process in psutil.Process().children(recursive=True):
        try:
            found.append(process.name())
        except psutil.NoSuchProcess:
            continue
    return found


def test_an_interrupt_ends_a_command_and_what_that_has_started(view: Any) -> None:
    ran = view.execute("!echo begun; sh -c 'sleep 600; echo no' | cat; echo never\nprint('nor this')")
    while "begun" not in ran.stdout:
        ran.wait(0.05)
    ran.client.send_signal("SIGINT", 0) if hasattr(ran, "client") else view.client.send_signal("SIGINT", 0)
    with pytest.raises(RemoteError, match="KeyboardInterrupt"):
        ran.get(SECONDS)
    assert ran.stdout == "begun\n"
    until(lambda: view.apply_sync(names_of_descendants) == [])


def test_get_ipython_is_there_before_the_first_cell(rc: Client) -> None:
    other = rc[1]
    assert not other.apply_sync(lambda: "IPython" in __import__("sys").modules)
    assert other.apply_sync(lambda: get_ipython().ev("3 * 4")) == 12  # type: ignore[name-defined]  # noqa: F821
    other.execute("x = get_ipython().ev('5')").get(SECONDS)
    assert other["x"] == 5
    other.clear().get(SECONDS)
    assert other.apply_sync(lambda: get_ipython().ev("3 * 4")) == 12  # type: ignore[name-defined]  # noqa: F821


def test_the_first_cell_runs_where_the_working_directory_has_been_removed(tmp_path: Path) -> None:
    """IPython asks for it when it starts."""
    gone = tmp_path / "gone"
    gone.mkdir()
    with Cluster(n=1, profile_dir=tmp_path / "profile_gone") as rc:
        rc[0].apply_sync(os.chdir, str(gone))
        gone.rmdir()
        assert rc[0].execute("print('a cell'); value = 3", block=True).stdout == "a cell\n"
        assert rc[0].execute("!echo a command", block=True).stdout == "a command\n"
        assert rc[0]["value"] == 3
        with pytest.raises(FileNotFoundError):
            rc[0].apply_sync(os.getcwd)


SHOWS = """
from IPython.display import clear_output, display
class Rich:
    def __repr__(self): return "plain"
    def _repr_html_(self): return "<b>rich</b>"
display("gone")
print("one")
clear_output()
display(Rich())
print("two")
handle = display("first", display_id="mine")
print("three")
handle.update("second")
display({"image/png": b"png"}, raw=True)
display({"text/plain": "large", "text/html": "x" * 3_000_000}, raw=True)
display({"text/plain": "larger", "text/html": "x" * 40_000_000}, raw=True)
"""


def test_what_a_cell_displays_is_in_its_outputs(view: Any, capsys: pytest.CaptureFixture[str]) -> None:
    ran = view.execute(SHOWS)
    ran.get(SECONDS)
    assert ran.stdout == "one\ntwo\nthree\n"
    rich, updated, image, large, larger = ran.outputs
    assert rich["data"] == {"text/plain": "plain", "text/html": "<b>rich</b>"}
    assert updated["data"] == {"text/plain": "'second'"}
    assert updated["transient"] == {"display_id": "mine"}
    assert image["data"] == {"image/png": "cG5n"}
    assert large["data"] == {"text/plain": "large", "text/html": "x" * 3_000_000}
    words = "larger\n[text/html is not shown: it has 40,000,000 bytes, and the limit is 33,554,432. Set IPEngine."
    assert larger["data"]["text/plain"].startswith(words)
    ran.display_outputs()
    assert "[display:0] plain" in capsys.readouterr().out


def test_displays_arrive_while_the_cell_runs(view: Any) -> None:
    ran = view.execute(
        "import time\nfrom IPython.display import display\nh = display(0, display_id=True)\n"
        "for i in range(1, 2000):\n    h.update(i)\n    time.sleep(0.02)"
    )
    while not ran.outputs or ran.outputs[0]["data"]["text/plain"] in ("0", "1"):
        ran.wait(0.05)
    view.client.send_signal("SIGINT", 0)
    with pytest.raises(RemoteError, match="KeyboardInterrupt"):
        ran.get(SECONDS)


def test_a_function_displays_too_once_there_is_a_shell(view: Any) -> None:
    view.execute("1").get(SECONDS)

    def shows() -> None:
        from IPython.display import display

        display(5)

    ran = view.apply_async(shows)
    ran.get(SECONDS)
    assert [each["data"] for each in ran.outputs] == [{"text/plain": "5"}]
