"""The errors: the tree that the module's docstring draws, and errors of engines."""

import re
import subprocess
import sys

import pytest

from engineroom import errors
from engineroom.errors import CompositeError, EngineroomError, RemoteError
from tests.patience import SECONDS

INFO = {"engine_id": 2, "engine_uuid": "ab", "method": "apply"}


def remote(name="ValueError", engine=2):
    return RemoteError(name, "bad", f"Traceback\n{name}: bad", {**INFO, "engine_id": engine})


def test_the_docstring_draws_the_tree_as_it_is():
    parents = {0: "EngineroomError"}
    drawn = {"EngineroomError"}
    for line in errors.__doc__.splitlines():
        if match := re.match(r"    ([ │]*)[├└]── (\w+)", line):
            depth, name = len(match[1]) // 4 + 1, match[2]
            assert getattr(errors, name).__mro__[1].__name__ == parents[depth - 1], name
            parents[depth] = name
            drawn.add(name)
    assert drawn == {
        kind.__name__ for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, EngineroomError)
    }


def test_a_remote_error(capsys):
    error = remote()
    assert str(error) == "[2:apply] ValueError: bad"
    assert repr(error) == "<Remote[2]:ValueError(bad)>"
    assert error._render_traceback_() == error.render_traceback() == ["Traceback", "ValueError: bad"]
    error.print_traceback()
    assert capsys.readouterr().out == "Traceback\nValueError: bad\n"
    assert (error.original, error.engine_info) == (None, INFO)
    assert str(RemoteError("A", "b")) == "[Engine Exception] A: b"
    assert RemoteError("A", "b").render_traceback() == ["No traceback available"]


def test_a_composite_error(capsys):
    error = CompositeError("two failed", [remote(engine=0), ("KeyError", "'k'", "", INFO)])
    assert str(error) == "two failed\n[0:apply] ValueError: bad\n[2:apply] KeyError: 'k'"
    assert repr(error) == "CompositeError(2)"
    assert error.elist == [
        ("ValueError", "bad", "Traceback\nValueError: bad", {**INFO, "engine_id": 0}),
        ("KeyError", "'k'", "", INFO),
    ]
    assert error.render_traceback(1) == ["[2:apply]:", "No traceback available"]
    error.print_traceback(0)
    assert capsys.readouterr().out == "[0:apply]:\nTraceback\nValueError: bad\n"
    with pytest.raises(RemoteError, match="ValueError"):
        error.raise_exception()
    with pytest.raises(IndexError, match="index 7 does not exist"):
        error.raise_exception(7)


def test_a_composite_error_is_a_group():
    error = CompositeError("failed", [remote(), remote("KeyError")])
    assert isinstance(error, ExceptionGroup)
    caught = []
    try:
        raise error
    except* RemoteError as group:
        caught.extend(group.exceptions)
    assert caught == list(error.exceptions)
    some, others = error.split(lambda member: getattr(member, "ename", "") == "KeyError")
    assert isinstance(some, CompositeError)
    assert [member.ename for member in (*some.exceptions, *others.exceptions)] == ["KeyError", "ValueError"]


def test_composite_errors_flatten():
    inner = CompositeError("inner", [remote(engine=0), remote(engine=1)])
    outer = CompositeError("outer", [inner, remote(engine=2)])
    assert [member.engine_info["engine_id"] for member in outer.exceptions] == [0, 1, 2]


def test_only_the_first_tracebacks_are_drawn():
    error = CompositeError("many", [remote(engine=n) for n in range(10)])
    assert str(error).endswith("[3:apply] ValueError: bad\n... 6 more exceptions ...")
    assert error.render_traceback()[-1] == "... 6 more exceptions ..."
    assert "[4:apply]:" not in error.render_traceback()


def test_the_module_is_light():
    code = "import sys; import engineroom.errors; print({'IPython', 'numpy', 'asyncio', 'pickle'} & {*sys.modules})"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=SECONDS)
    assert run.stdout.strip() == "set()"
