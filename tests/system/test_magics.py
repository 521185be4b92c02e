"""%px and the magics beside it, typed in IPython."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from engineroom import Client, Cluster
from engineroom.errors import CompositeError, EngineError, EngineroomError, RemoteError, TaskTimeout
from engineroom.magics.parallel_magics import ParallelMagics
from engineroom.magics.syntax import CellSyntaxError
from engineroom.protocol.questions import AskNames
from engineroom.transport.wire import Wire
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.held_tasks import Mark, wait_for_file
from tests.system.typed_in_ipython import Typed, ipython


@pytest.fixture(scope="module")
def shell() -> Iterator[Any]:
    with ipython() as shell:
        yield shell


@pytest.fixture(scope="module")
def rc(shell: Any, cluster: Cluster) -> Iterator[Client]:
    """Yield a client that was made inside IPython."""
    del shell
    with cluster.connect_client_sync() as client:
        client.wait_for_engines(2, timeout=SECONDS)
        yield client


@pytest.fixture
def typed(shell: Any, rc: Client, capsys: pytest.CaptureFixture[str]) -> Typed:
    typed = Typed(shell, capsys)
    rc.activate()
    shell.user_ns["rc"] = rc
    typed.right("%pxconfig --stream --fold --no-verbose --progress-after 2 --signal-on-interrupt SIGINT")
    return typed


def magics(shell: Any) -> ParallelMagics:
    found: ParallelMagics = shell.magics_manager.registry["ParallelMagics"]
    return found


def test_a_line_runs_on_all_engines(typed: Typed, rc: Client) -> None:
    assert typed.right("%px import os; mine = os.getpid()") == ""
    assert len(set(rc[:]["mine"])) == 2
    said = typed.right("%px print('hello'); 40 + 2")
    assert "hello" in said
    assert "42" in said


def test_values_from_here_are_put_into_lines_but_not_into_cells(typed: Typed, rc: Client) -> None:
    typed.right("here = 3")
    typed.right("%px there = $here + {here}")
    assert rc[:]["there"] == [6, 6]
    typed.right("%%px\nthere = '{here}'")
    assert rc[:]["there"] == ["{here}"] * 2


def test_a_cell_has_all_of_ipython(typed: Typed) -> None:
    said = typed.right(
        "%%px -t 0\nimport asyncio\nawait asyncio.sleep(0)\n!echo from a command\n%time 1\n"
        "from IPython.display import display\ndisplay('shown')\n'the value'"
    )
    for words in ("from a command", "Wall time", "'shown'", "'the value'"):
        assert words in said
    assert "/tmp" in typed.right("%px cd /tmp")


def test_targets_are_those_of_the_flag_for_this_cell_only(typed: Typed, rc: Client) -> None:
    typed.right("%px where = 'nowhere'")
    typed.right("%%px --targets 1:\nwhere = 'one'")
    typed.right("mine = [0]")
    typed.right("%%px -t mine\nwhere = 'zero'")
    assert rc[:]["where"] == ["zero", "one"]
    assert magics(typed.shell).targets == "all"
    assert "there is no engine 7" in typed("%%px -t 7\n1").text
    assert "names no engines" in typed("%%px -t seven\n1").errors


def test_without_waiting_a_cell_returns_its_result(typed: Typed) -> None:
    assert "AsyncResult" in typed.right("%%px --noblock -o kept\nprint('later')\n1")
    assert typed.shell.user_ns["kept"] is magics(typed.shell).last_result
    said = typed.right("%pxresult -o again")
    assert "later" in said
    assert typed.shell.user_ns["again"] is typed.shell.user_ns["kept"]
    assert "later" in typed.right("%result")


@pytest.mark.parametrize("line", ["%px if x", "%px --targets 0 x = 1"])
def test_a_mistake_is_shown_once_and_sent_to_nobody(typed: Typed, rc: Client, line: str) -> None:
    before = len(rc.history)
    shown = typed(line)
    assert isinstance(shown.error, CellSyntaxError)
    assert shown.text.count("SyntaxError") == 1
    assert "^" in shown.text
    assert len(rc.history) == before


def test_an_error_is_shown_once_and_has_no_frames_of_ours(typed: Typed) -> None:
    shown = typed("%%px\nx = 1\n1 / 0")
    assert isinstance(shown.error, CompositeError)
    assert shown.text.count("ZeroDivisionError: division by zero") == 1
    assert "interactiveshell.py" not in shown.text
    assert "engineroom" not in shown.text
    one = typed("%%px -t 0\nprint('before')\n1 / 0")
    assert isinstance(one.error, ZeroDivisionError)
    assert "before" in one.text


def test_an_engine_that_lags_ends_at_its_limit(typed: Typed) -> None:
    assert isinstance(typed("%%px -t 0 --time-limit 0.2\nwhile True: pass").error, TaskTimeout)


def test_a_kept_cell_runs_on_engines_that_come_later(typed: Typed, rc: Client) -> None:
    typed.right("%%px --keep\nkept_name = 1")
    assert [call.what for call in rc.kept] == ["execute kept_name = 1"]
    rc.forget()


def test_a_cell_runs_here_too(typed: Typed, rc: Client) -> None:
    said = typed.right("%%px --local\nboth = 6\nprint('both')")
    assert said.count("both") >= 2
    assert typed.shell.user_ns["both"] == 6
    assert rc[:]["both"] == [6, 6]
    shown = typed("%%px --local\nhere_and_there = both\n{}['x'] if 'rc' in globals() else 1")
    assert "KeyError" in shown.text
    assert "too: see its traceback above" in shown.text


def test_the_configuration_is_shown_and_set(typed: Typed) -> None:
    assert typed.right("%pxconfig") == (
        "--block --targets all --stream --fold --no-verbose --progress-after 2 --signal-on-interrupt SIGINT\n"
    )
    typed.right("%pxconfig -a -t 1 --no-stream --no-fold --verbose --progress-after -1 --signal-on-interrupt 0")
    assert "Async parallel execution on engine(s): 1\n" in typed.right("%px 1")
    found = magics(typed.shell)
    assert (found.block, found.targets) == (False, 1)
    assert typed.right("%pxconfig") == (
        "--noblock --targets 1 --no-stream --no-fold --verbose --progress-after -1 --signal-on-interrupt 0\n"
    )
    assert "there is no engine 9" in typed("%pxconfig -t 9").text
    assert found.targets == 1


def test_autopx_sends_cells_until_it_is_said_again(typed: Typed, rc: Client) -> None:
    assert "enabled" in typed.right("%autopx")
    try:
        typed.right("auto = 1\nauto += 1")
        assert rc[:]["auto"] == [2, 2]
        assert "auto" not in typed.shell.user_ns
        assert "ZeroDivisionError" in typed("1 / 0").text
        assert typed.right("%pxconfig").startswith("--block")
        assert "SyntaxError" in typed("if auto").text
    finally:
        assert "disabled" in typed.right("before = 2\n%autopx\nafter = 3")
    assert typed.shell.user_ns["after"] == 3
    assert "before" not in typed.shell.user_ns
    assert rc[:]["before"] == [2, 2]


def test_a_reply_says_what_its_cell_printed(rc: Client) -> None:
    replies = rc[:].execute("import sys; print('a'); print('b', file=sys.stderr); 3", silent=False).get()
    for engine, reply in enumerate(replies):
        assert (reply.stdout, reply["stderr"], reply.engine_id, reply.status) == ("a\n", "b\n", engine, "ok")
        assert reply.submitted <= reply.received
        assert reply.started <= reply.completed


def test_suffixes_tell_views_apart(typed: Typed, rc: Client) -> None:
    assert rc.activate(targets=0, suffix="0").block
    rc[1].activate("_one")
    typed.right("%px0 number = 'zero'")
    typed.right("%px_one number = 'one'")
    typed.right("rc.wait()")
    assert rc[:]["number"] == ["zero", "one"]
    assert "--targets 0 " in typed.right("%pxconfig0")
    typed.right("%%px0\nnumber = 2")
    assert rc[0]["number"] == 2
    with pytest.raises(ValueError, match="cannot be part of a magic's name"):
        rc.activate(suffix="a b")
    with pytest.raises(ValueError, match="%pxdiff is another magic"):
        rc.activate(suffix="diff")


def test_engines_that_disagree_are_told(typed: Typed) -> None:
    typed.right("%px import os; same, pid, lock = {'b': 1, 'a': [2]}, os.getpid(), __import__('threading').Lock()")
    assert typed.right("%pxdiff same").startswith("same: all 2 engines have the same value: dict of 2 {'a': [2]")
    assert typed.right("%pxdiff pid").startswith("pid: 2 different values on 2 engines\n[0] int ")
    assert "cannot be compared" in typed.right("%pxdiff lock")
    typed.right("%%px -t 1\nonly_here = 1")
    assert "[0] no value: NameError" in typed.right("%pxdiff only_here")
    assert isinstance(typed("%pxdiff a b").error, CellSyntaxError)


def interrupt_when(condition: Any) -> threading.Thread:
    """Press Ctrl-C as soon as `condition()` is true."""

    def press() -> None:
        until(condition)
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=press)
    thread.start()
    return thread


HOLDS = "import time\nprint('begun', flush=True)\nopen({path!r}, 'a').close()\ntime.sleep({seconds})\n"


def test_ctrl_c_interrupts_the_engines_and_shows_what_there_is(typed: Typed, tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    pressed = interrupt_when(begun.exists)
    shown = typed(f"%%px -t 0\n{HOLDS.format(path=str(begun), seconds=2 * SECONDS)}")
    pressed.join()
    assert isinstance(shown.error, RemoteError)
    assert shown.error.ename == "KeyboardInterrupt"
    assert "begun" in shown.text
    assert "Interrupted: sending SIGINT to engine 0 ..." in shown.errors


def test_ctrl_c_without_a_signal_leaves_the_cell_running(typed: Typed, rc: Client, tmp_path: Path, mark: Mark) -> None:
    begun = tmp_path / "begun"
    pressed = interrupt_when(begun.exists)
    waits = (
        f"import os, time\nopen({str(begun)!r}, 'a').close()\nwhile not os.path.exists({str(mark)!r}): time.sleep(0.01)"
    )
    shown = typed(f"%%px -t 0 --signal-on-interrupt 0\n{waits}\nprint('went on')")
    pressed.join()
    assert isinstance(shown.error, KeyboardInterrupt)
    assert shown.error.__suppress_context__
    assert "The cell still runs on engine 0: %pxresult waits for it" in shown.errors
    mark.set()
    assert "went on" in typed.right("%pxresult")
    rc.wait()


def test_a_dead_engine_is_an_error_and_others_show_what_they_have(typed: Typed, tmp_path: Path) -> None:
    with Cluster(n=2, profile_dir=tmp_path / "profile_dies", restart_dead_engines=False) as other:
        other.activate()
        other[:].push({"first": min(other[:].apply_sync(os.getpid))}, block=True)
        shown = typed("%%px\nimport os\nprint('alive', flush=True)\nif os.getpid() == first: os._exit(3)\n'value'")
        assert isinstance(shown.error, EngineError | CompositeError)
        assert "exit code 3" in shown.text
        assert "'value'" in shown.text
        until(lambda: len(other.ids) == 1)
    shown = typed("%px 1")
    assert "%px has lost its cluster" in shown.errors
    assert shown.errors.count("Start a cluster") < 2


def test_the_first_client_has_the_magics_until_another_is_activated(shell: Any, typed: Typed, cluster: Cluster) -> None:
    first = magics(shell).view
    with cluster.connect_client_sync() as second:
        assert magics(shell).view is first
        shell.user_ns["second"] = second
        said = typed.right("second.activate()")
        assert said.count("%px now runs on <Client: 2 engines") == 1
        assert "no longer on" in said
        assert typed.right("%px 1") is not None
    with cluster.connect_client_sync() as third:
        assert magics(shell).view is not None
        assert magics(shell).view.client is third  # type: ignore[union-attr]  # the second is closed


OUTSIDE = """
import sys, engineroom
with engineroom.Client({path!r}) as rc:
    rc[:].apply_sync(abs, 1)
    rc[:].execute('1').get()
print([name for name in sys.modules if name.split('.')[0] in ('IPython', 'rich', 'ipywidgets') or 'magics' in name])
"""


def test_a_client_outside_of_ipython_loads_nothing_of_it(cluster: Cluster) -> None:
    code = OUTSIDE.format(path=str(cluster.client_connection_file))
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS)
    assert ran.stdout == "[]\n"


def test_starting_with_activate_has_the_magics(shell: Any, typed: Typed, tmp_path: Path) -> None:
    cluster = Cluster(n=1, profile_dir=tmp_path / "profile_activated")
    client = cluster.start_and_connect_sync(activate=True)
    try:
        assert magics(shell).view.client is client  # type: ignore[union-attr]  # there is one
        assert "3" in typed.right("%px 1 + 2")
    finally:
        client.close()
        cluster.stop_cluster_sync()


def completed(typed: Typed, text: str) -> list[str]:
    """Return what tab offers at the end of `text` that engines have."""
    with provisionalcompleter():
        return [each.text for each in typed.shell.Completer.completions(text, len(text)) if each.type == "engine"]


def test_tab_completes_names_that_live_on_engines(typed: Typed, rc: Client, mark: Mark) -> None:
    typed.right("%%px\nimport types\nfar_away = types.SimpleNamespace(inner=1)\nfar_off = 2")
    assert completed(typed, "%px far_") == ["far_away", "far_off"]
    assert completed(typed, "%%px\nx = f(far_away.in") == ["far_away.inner"]
    assert completed(typed, "far_") == []
    busy = rc[:].apply_async(wait_for_file, str(mark))
    try:
        assert completed(typed, "%px far_o") == ["far_off"]
    finally:
        mark.set()
        busy.get(SECONDS)


def test_names_of_engines_that_are_gone_are_none(rc: Client) -> None:
    with pytest.raises(EngineroomError, match="engine 99 is not connected"):
        rc._session.ask(AskNames(99, "a"), "names")


def test_ctrl_c_while_the_cell_is_being_written_interrupts_it(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Wire._write_record

    def write_and_raise(wire: Wire, record: bytes) -> None:
        monkeypatch.setattr(Wire, "_write_record", write)
        write(wire, record)
        raise KeyboardInterrupt

    typed.right("%px import time")
    monkeypatch.setattr(Wire, "_write_record", write_and_raise)
    shown = typed(f"%%px -t 0\ntime.sleep({2 * SECONDS})")
    assert isinstance(shown.error, RemoteError)
    assert shown.error.ename in {"KeyboardInterrupt", "TaskAborted"}


def test_the_local_part_of_a_cell_runs_here_also_while_cells_go_to_the_engines(typed: Typed) -> None:
    typed.right("%autopx")
    try:
        assert typed.right("%%px --local\nprint('both')").splitlines() == ["both", "[stdout:0-1] both"]
        assert typed.right("print('there')") == "[stdout:0-1] there\n"
    finally:
        typed.right("%autopx")


def test_errors_below_other_magics_show_no_frames_of_ipython(typed: Typed) -> None:
    shown = typed("%%time\n%px 1/0")
    assert "ZeroDivisionError: division by zero" in shown.text
    assert "interactiveshell" not in shown.text


def test_where_nobody_looks_output_comes_at_the_end(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPP_NONINTERACTIVE", "1")
    assert typed.right("%px print('once')").splitlines() == ["[stdout:0-1] once"]


def test_help_lists_the_flags(typed: Typed) -> None:
    for name in ("%px?", "%%px?"):
        assert "--signal-on-interrupt" in typed.right(name)
