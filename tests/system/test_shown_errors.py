"""What people see when something raises on engines: in a script, in IPython, and in logs."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import engineroom as er
from engineroom import Client, Cluster
from tests.patience import SECONDS

SCRIPT = """\
import sys
import engineroom as er

def inner(x):
    return (x + 1) / (x - x)

def bad(x=0):
    return inner(x)

class Model:
    def fit(self):
        raise KeyError("weights")

if __name__ == "__main__":
    rc = er.Client(profile_dir=sys.argv[1], cluster_id=sys.argv[3])
    dv = rc[:]
    exec(compile(sys.argv[2], "call.py", "exec"))
"""


def shown(cluster: Cluster, tmp_path: Path, call: str, **environment: str) -> str:
    """Return what a script prints that makes this call, with short paths, and without marks below lines."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    (tmp_path / "call.py").write_text(call)
    run = subprocess.run(
        [sys.executable, str(script), str(cluster.profile_dir), call, cluster.cluster_id],
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        cwd=tmp_path,
        env={**os.environ, **environment},
    )
    return without_marks(run.stderr.replace(f"{tmp_path}/", ""))


def without_marks(text: str) -> str:
    """Return `text` without the lines that mark a part of the line above, which differ between versions of Python."""
    return "".join(line for line in text.splitlines(keepends=True) if line.strip(" ~^\n") or line == "\n")


def test_one_engine(cluster: Cluster, tmp_path: Path) -> None:
    assert shown(cluster, tmp_path, "rc[0].apply_sync(bad)") == textwrap.dedent(
        """\
        engineroom.errors.RemoteTraceback: [0:apply]:
        Traceback (most recent call last):
          File "script.py", line 8, in bad
            return inner(x)
          File "script.py", line 5, in inner
            return (x + 1) / (x - x)
        ZeroDivisionError: division by zero

        The above exception was the direct cause of the following exception:

        Traceback (most recent call last):
          File "script.py", line 17, in <module>
            exec(compile(sys.argv[2], "call.py", "exec"))
          File "call.py", line 1, in <module>
            rc[0].apply_sync(bad)
        engineroom.errors.RemoteError[ZeroDivisionError]: [0:apply] ZeroDivisionError: division by zero
        """
    )


def test_several_engines(cluster: Cluster, tmp_path: Path) -> None:
    assert shown(cluster, tmp_path, "dv.apply_sync(Model().fit)") == textwrap.dedent(
        """\
        engineroom.errors.RemoteTraceback: [0-1:apply]: the same error, 2 times
        Traceback (most recent call last):
          File "script.py", line 12, in fit
            raise KeyError("weights")
        KeyError: 'weights'

        The above exception was the direct cause of the following exception:

        Traceback (most recent call last):
          File "script.py", line 17, in <module>
            exec(compile(sys.argv[2], "call.py", "exec"))
          File "call.py", line 1, in <module>
            dv.apply_sync(Model().fit)
        engineroom.errors.CompositeError[KeyError]: one or more exceptions raised in: apply:Model.fit
        [0-1:apply] KeyError: 'weights'
        """
    )


def test_an_executed_cell(cluster: Cluster, tmp_path: Path) -> None:
    shown(cluster, tmp_path, "rc[0].execute('first = 1', block=True)")  # engine 0 has another client's first cell
    text = shown(cluster, tmp_path, "dv.execute('a = 0\\nb = 1 / a', block=True)")
    assert text.startswith(
        textwrap.dedent(
            """\
            engineroom.errors.RemoteTraceback: [0-1:execute]: the same error, 2 times
            Traceback (most recent call last):
              File "<cell 1>", line 2, in <module>
                b = 1 / a
            ZeroDivisionError: division by zero

            """
        )
    )


def test_a_cell_that_is_no_python_is_shown_once(cluster: Cluster, tmp_path: Path) -> None:
    text = shown(cluster, tmp_path, "dv.execute('a = = 1', block=True)")
    assert text.count("    a = = 1\n") == 1
    assert len(text.splitlines()) == 8


def test_a_function_of_an_earlier_cell_keeps_its_source(rc: Client) -> None:
    rc[0].execute("def divide(x):\n    return x / 0", block=True)
    rc[0].execute("1 + 1", block=True)
    with pytest.raises(ZeroDivisionError) as caught:
        rc[0].execute("divide(3)", block=True)
    assert isinstance(caught.value, er.RemoteError)
    cell = r'File "<cell \d+>", line'
    shown = rf"{cell} 1, in <module>\n    divide\(3\)\n  {cell} 2, in divide\n    return x / 0\n"
    assert re.search(shown, without_marks(caught.value.traceback))


def test_a_file_that_engines_run(rc: Client, tmp_path: Path) -> None:
    path = tmp_path / "run.py"
    path.write_text("a = 0\nb = 1 / a\n")
    with pytest.raises(ZeroDivisionError) as caught:
        rc[:].run(path, block=True)
    assert isinstance(caught.value, er.CompositeError)
    assert f'File "{path}", line 2, in <module>\n    b = 1 / a\n' in caught.value.traceback


def test_all_frames_on_demand(cluster: Cluster, tmp_path: Path) -> None:
    text = shown(cluster, tmp_path, "rc[0].apply_sync(bad)", ENGINEROOM_DEBUG="1")
    assert "/engineroom/client/results/async_result.py" in text


def test_ipython_shows_the_call_and_the_remote_error(cluster: Cluster, tmp_path: Path) -> None:
    place = {"profile_dir": str(cluster.profile_dir), "cluster_id": cluster.cluster_id}
    cells = f"import engineroom as er; dv = er.Client(**{place!r})[:]\n"
    cells += "f = lambda: [1, 2][3]\ndv.apply_sync(f)\n"
    run = subprocess.run(
        [sys.executable, "-m", "IPython", "--colors=nocolor", "--no-banner", "--simple-prompt", "--quick"],
        input=cells,
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
        env={**os.environ, "IPYTHONDIR": str(tmp_path)},
    )
    assert textwrap.dedent(
        """\
            Cell In[3], line 1
              dv.apply_sync(f)

            one or more exceptions raised in: apply:<lambda>
            [0-1:apply]: the same error, 2 times
            Traceback (most recent call last):
              Cell In[2], line 1, in <lambda>
                f = lambda: [1, 2][3]
            IndexError: list index out of range
            """
    ) in without_marks(run.stdout)
    assert run.stderr == ""


def test_logs_have_the_remote_traceback(rc: Client, caplog: pytest.LogCaptureFixture) -> None:
    try:
        rc[:].apply_sync(int, "x")
    except ValueError:
        logging.getLogger("mine").exception("it failed")
    assert "RemoteTraceback: [0-1:apply]: the same error, 2 times" in caplog.text
    assert "/engineroom/" not in caplog.text


def test_an_error_of_an_error(rc: Client) -> None:
    def late() -> None:
        try:
            {}["key"]
        except KeyError as error:
            raise ValueError("late") from error

    with pytest.raises(ValueError, match="late") as caught:
        rc[0].apply_sync(late)
    assert isinstance(caught.value, er.RemoteError)
    assert "direct cause" in caught.value.traceback
    assert isinstance(caught.value.original, ValueError)
    assert isinstance(caught.value.original.__cause__, KeyError)
