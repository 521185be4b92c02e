"""What scripts written for ipyparallel do, on real engines."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

import engineroom as er
from engineroom import Client
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.held_tasks import Mark, wait_for_file


def test_names_with_dots_and_brackets_are_set_where_they_say(rc: Client) -> None:
    view = rc[:]
    view.execute("class Box: pass\nbox, row = Box(), {'n': [0, 1]}", block=True)
    view["box.lid"] = "shut"
    view.push({"row['n'][0]": 7, "plain": 1}, block=True)
    assert view["box.lid"] == ["shut", "shut"]
    assert view["row"] == [{"n": [7, 1]}] * 2
    assert view["'box.lid' in globals() or '__value_to_assign' in globals()"] == [False, False]
    for name in ("not a name", "f()", "1", "a, b", "nosuch.part", ""):
        with pytest.raises(er.RemoteError):
            rc[0].push({name: 1}, block=True)


def test_one_engine_is_asked_for_its_own_queue(rc: Client, mark: Mark) -> None:
    held = rc[0].apply_async(wait_for_file, str(mark))
    behind = rc[0].apply_async(abs, 1)
    until(lambda: rc.queue_status(0)["queue"] == 2)
    assert set(rc.queue_status(0)) == {"queue", "completed", "tasks"}
    assert set(rc.queue_status([0])) == {0, "unassigned"}
    listed = rc.queue_status(0, verbose=True)
    assert listed["queue"] == held.msg_ids + behind.msg_ids
    assert rc.queue_status(verbose=True)[0] == listed
    assert rc.queue_status(verbose=True)["unassigned"] == []
    mark.set()
    behind.get(SECONDS)


def test_a_cell_is_known_by_its_code_and_its_value(rc: Client, capsys: pytest.CaptureFixture[str]) -> None:
    one = rc[0].execute("print('seen'); 6 * 7", silent=False)
    one.get(SECONDS)
    assert one.execute_input == "print('seen'); 6 * 7"
    assert one.execute_result.text == "42"
    several = rc[:].execute("import sys; print('far'); print('wide', file=sys.stderr); 6 * 7", silent=False)
    several.display_outputs()
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("[stdout:0-1] far\nOut[0-1]: 42\n", "[stderr:0-1] wide\n")
    several.display_outputs(fold=False)
    shown = capsys.readouterr()
    assert shown.out.count("[stdout:0] far\n[stdout:1] far\n") == 1
    assert shown.err == "[stderr:0] wide\n[stderr:1] wide\n"
    assert shown.out.count("42") == 2
    several.display_outputs(groupby="engine", result_only=True)
    assert "far" not in capsys.readouterr().out
    with pytest.raises(ValueError, match="groupby"):
        several.display_outputs(groupby="colour")


def test_packed_once_and_used_by_many(rc: Client) -> None:
    array = np.arange(1000)
    packed = er.PrePickled(array)
    array[0] = 7
    assert rc[:].apply_sync(lambda a, b: int(a.sum()) + int(b["x"].sum()), packed, {"x": packed}) == [999000, 999000]
    assert rc.load_balanced_view().map_sync(len, [packed, packed]) == [1000, 1000]
    with pytest.raises(er.PackError):
        er.PrePickled(threading.Lock())


def test_values_are_packed_by_hand(rc: Client) -> None:
    buffers = er.serialize_object({"a": np.arange(3), "f": lambda: 5})
    value, rest = er.deserialize_object([*buffers, b"more"])
    assert value["f"]() == 5
    assert value["a"].tolist() == [0, 1, 2]
    assert rest == [b"more"]
    f, args, kwargs = er.unpack_apply_message(er.pack_apply_message(pow, (2, 3), {"mod": 5}))
    assert f(*args, **kwargs) == 3


def test_pickling_is_chosen_to_no_harm(rc: Client) -> None:
    for choose in (rc[:].use_dill, rc[:].use_cloudpickle, rc[:].use_pickle):
        assert choose().get(SECONDS) == [None, None]
    er.use_cloudpickle()
    assert rc[0].apply_sync(lambda: 3) == 3


def test_a_function_of_a_module_may_see_the_engines_names(
    rc: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "module_of_the_users.py").write_text(
        "from engineroom import interactive\n"
        "offset = 1\n"
        "@interactive\ndef near(): return base + offset\n"
        "def far(): return base\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    import module_of_the_users as module  # type: ignore[import-not-found]

    view = rc[:]
    view.push({"base": 100}, block=True)
    assert view.apply_sync(module.near) == [101, 101]
    view.push({"offset": 2}, block=True)
    assert view.apply_sync(module.near) == [102, 102]
    assert module.near.__name__ == "near"


def test_imports_run_on_the_engines_too(rc: Client, capsys: pytest.CaptureFixture[str]) -> None:
    with rc[:].sync_imports():
        import json as of_engines

        from numpy import linalg
    assert "importing linalg from numpy on engine(s)\n" in capsys.readouterr().out
    assert of_engines.dumps(1) == "1"
    assert rc[:].apply_sync(lambda: (of_engines.__name__, linalg.norm([3, 4]))) == [("json", 5.0)] * 2
    assert rc[0]["linalg.__name__"] == "numpy.linalg"
    with rc[0].sync_imports(local=False, quiet=True):
        import decimal as far
    assert rc[0].apply_sync(lambda: far.Decimal(1) + 1) == 2
    assert rc[1].apply_sync(lambda: far.Decimal(1) + 1) == 2  # it travels with the function
    with pytest.raises(er.RemoteError, match="no_such_module"), rc[0].sync_imports(local=False):
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401


def test_imports_bring_along_modules_that_engines_lack(
    rc: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "only_there").mkdir()
    (tmp_path / "only_there" / "__init__.py").touch()
    (tmp_path / "only_there" / "inner.py").write_text("value = 5\n")
    monkeypatch.syspath_prepend(tmp_path)
    with rc[:].sync_imports(quiet=True):
        from only_there import inner  # type: ignore[import-not-found]
    assert rc[:].apply_sync(lambda: inner.value) == [5, 5]


def test_a_future_as_an_argument_arrives_as_its_result(rc: Client) -> None:
    view = rc.load_balanced_view()
    assert view.apply_sync(abs, view.apply_async(int, "-3")) == 3


def test_executors_by_the_path_that_other_libraries_look_at(rc: Client) -> None:
    import engineroom.client.view

    assert isinstance(rc.executor(), engineroom.client.view.ViewExecutor)
