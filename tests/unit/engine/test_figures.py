"""Which backend figures get in tasks, and when they are shown."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from engineroom.engine import figures

INLINE = "module://matplotlib_inline.backend_inline"


def chosen(monkeypatch: pytest.MonkeyPatch, environment: str | None) -> str:
    """Return the backend of a matplotlib that has just been imported."""
    if environment is None:
        monkeypatch.delenv("MPLBACKEND", raising=False)
    else:
        monkeypatch.setenv("MPLBACKEND", environment)
    matplotlib = SimpleNamespace(rcParams={"backend": environment or "from a file"})
    figures.choose_inline(matplotlib)
    return matplotlib.rcParams["backend"]


@pytest.mark.parametrize(("environment", "backend"), [(None, INLINE), ("", INLINE), ("agg", "agg"), (INLINE, INLINE)])
def test_figures_are_displays_unless_the_environment_names_a_backend(
    monkeypatch: pytest.MonkeyPatch, environment: str | None, backend: str
) -> None:
    assert chosen(monkeypatch, environment) == backend


def test_without_the_backend_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert chosen(monkeypatch, None) == "from a file"


def test_figures_are_shown_at_the_end_of_a_task_but_not_while_another_one_waits() -> None:
    shown: list[str] = []
    waiting: list[int] = []
    acts: list[Callable[[], object]] = []
    watched = figures.watched(acts.append, lambda: waiting)
    watched["matplotlib_inline.backend_inline"](SimpleNamespace(flush_figures=lambda: shown.append("figure")))
    acts[0]()
    waiting.append(1)
    acts[0]()
    waiting.clear()
    acts[0]()
    assert shown == ["figure", "figure"]


ASKS = """
import os, sys
from engineroom.engine.import_watch import ImportWatch
from engineroom.engine import shell_on_demand
made = []
def make():
    made.append(1)
    from IPython.core.interactiveshell import InteractiveShell
    return InteractiveShell.instance()
ImportWatch(shell_on_demand.watched(make)).start()
{code}
print(len(made), get_ipython() is not None)
"""


@pytest.mark.parametrize(
    ("code", "printed"),
    [
        ("from IPython import get_ipython\nassert not made", "0 True"),  # it is made when the last line asks
        ("from IPython import get_ipython\nget_ipython()\nget_ipython()", "1 True"),
        ("from IPython.display import display\ndisplay(1)\nfrom IPython import get_ipython", "1\n1 True"),
        (
            (
                "from IPython import get_ipython\n"
                "if os.fork() == 0:\n    os._exit(10 + (get_ipython() is not None))\n"
                "assert os.waitstatus_to_exitcode(os.wait()[1]) == 10"
            ),
            "0 True",
        ),
    ],
)
def test_ipython_finds_its_shell_as_soon_as_a_task_asks(code: str, printed: str) -> None:
    said = subprocess.run([sys.executable, "-c", ASKS.format(code=code)], capture_output=True, text=True, check=True)
    assert said.stdout == f"{printed}\n"


def test_nothing_is_imported_before_a_task_does() -> None:
    code = "import sys, engineroom.engine.app\nprint([m for m in ('matplotlib', 'IPython') if m in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout == "[]\n"
