"""Tracebacks show the file, the line and the source of what travelled by value."""

import inspect
import linecache
import re

import pytest

from engineroom.errors import RemoteError
from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.sources import received, source_of
from engineroom.serialize.payloads import pack, unpack
from tests.unit.serialize.conftest import joined

CELL = """\
import functools

def helper(x):
    return (x + 1) / (x - x)

def f(x=0):
    return helper(x) + (
        1)

class Model:
    def fit(self):
        raise ValueError("no fit")

def decorated(function):
    @functools.wraps(function)
    def inside(*args):
        return function(*args)
    return inside

@decorated
def g():
    raise KeyError("k")

async def h():
    raise LookupError("late")

def generates():
    yield from (1 / n for n in (1, 0))

def listed():
    return list(generates())
"""


def defined(notebook, name, code=CELL):
    """Run a cell of which this process knows the source, as IPython does; return its names."""
    linecache.cache[name] = (len(code), None, code.splitlines(keepends=True), name)
    exec(compile(code, name, "exec", dont_inherit=True), notebook.names)
    return notebook.names


def remote_text(engine, function, *args):
    with pytest.raises(RemoteError) as caught:
        engine.call(function, *args)
    return caught.value.traceback


def test_a_function_of_a_cell_shows_line_source_and_the_failing_part(engine, notebook):
    names = defined(notebook, "<ipython-input-3-aa>")
    lines = remote_text(engine, names["f"]).splitlines()
    marks = [line for line in lines if not line.strip(" ~^")]
    assert [line for line in lines if line not in marks] == [
        "Traceback (most recent call last):",
        '  File "<ipython-input-3-aa>", line 7, in f',
        "    return helper(x) + (",
        '  File "<ipython-input-3-aa>", line 4, in helper',
        "    return (x + 1) / (x - x)",
        "ZeroDivisionError: division by zero",
    ]
    assert "           ~~~~~~~~^~~~~~~~~" in marks


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Model", 'raise ValueError("no fit")'),
        ("g", 'raise KeyError("k")'),
        ("h", 'raise LookupError("late")'),
        ("listed", "yield from (1 / n for n in (1, 0))"),
    ],
)
def test_methods_wrapped_functions_coroutines_and_generators_show_their_source(engine, notebook, name, shown):
    names = defined(notebook, "<ipython-input-4-bb>")
    function = names["Model"]().fit if name == "Model" else names[name]
    text = remote_text(engine, function)
    number = next(number for number, line in enumerate(CELL.splitlines(), 1) if shown in line)
    assert re.search(rf'"<ipython-input-4-bb>", line {number}, in .*\n    {re.escape(shown)}\n', text)


def test_the_source_of_a_script_is_that_of_the_moment_it_was_sent(engine, notebook, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(CELL)
    exec(compile(CELL, str(script), "exec", dont_inherit=True), notebook.names)
    function = notebook["helper"]
    source_of(function.__code__)
    script.write_text("# somebody has edited it\n" * 30)
    assert f'File "{script}", line 4, in helper\n    return (x + 1) / (x - x)' in remote_text(engine, function, 0)


def test_a_later_function_of_the_same_file_leaves_the_lines_of_the_earlier_one(engine, notebook):
    names = defined(notebook, "<ipython-input-5-cc>")
    engine.push(kept=names["helper"])
    engine.call(names["decorated"], abs)
    assert "    return (x + 1) / (x - x)\n" in remote_text(engine, notebook.run("f = lambda: kept(0)"))


def test_an_engine_can_inspect_what_it_got(engine, notebook):
    names = defined(notebook, "<ipython-input-6-dd>")
    engine.push(model=names["Model"], helper=names["helper"])
    assert engine.pull("__import__('inspect').getsource(helper)") == inspect.getsource(names["helper"])


def test_code_without_a_name_of_its_own_has_no_source(engine, notebook):
    exec(compile("def f():\n    return 1 / 0\n", "<string>", "exec"), notebook.names)
    assert source_of(notebook["f"].__code__) == ()
    assert re.search(r'File "<string>", line 2, in f\nZeroDivision', remote_text(engine, notebook["f"]))


def test_the_lines_of_a_statement_that_ends_far_below_and_its_closing_brackets(notebook):
    code = "f = lambda: [\n    1,\n    2,\n]\ng = 3\n"
    names = defined(notebook, "<ipython-input-7-ee>", code)
    assert "".join(source_of(names["f"].__code__)) == "f = lambda: [\n    1,\n    2,\n]\n"


def test_equal_functions_of_two_cells_have_their_own_lines(notebook):
    one = defined(notebook, "<one>", "f = lambda: 1  # one\n")["f"]
    two = defined(notebook, "<two>", "f = lambda: 1  # two\n")["f"]
    assert one.__code__ == two.__code__
    assert [source_of(function.__code__) for function in (one, two, one)] == [
        ("f = lambda: 1  # one\n",),
        ("f = lambda: 1  # two\n",),
        ("f = lambda: 1  # one\n",),
    ]


def test_a_client_keeps_its_own_lines_when_a_function_comes_back(notebook):
    function = defined(notebook, "<ipython-input-8-ff>")["helper"]
    body = joined(pack(function))
    linecache.cache["<ipython-input-8-ff>"] = (1, None, ["mine\n"], "<ipython-input-8-ff>")
    unpack(body)
    assert linecache.getlines("<ipython-input-8-ff>") == ["mine\n"]


def test_what_was_received_is_bounded(monkeypatch):
    monkeypatch.setattr(home, "namespace", {})
    others = [f"<other {number}>" for number in range(499)]
    for name in ("<a>", "<b>", *others, "<c>"):
        received(name, 3, ("x\n", "y\n"))
    assert linecache.getlines("<a>") == []
    assert linecache.getlines("<c>") == ["...\n", "...\n", "x\n", "y\n"]
    received("<c>", 2, ("w\n",))
    assert linecache.getlines("<c>") == ["...\n", "w\n", "x\n", "y\n"]
    received("<d>", 10**9, ("z\n",))
    assert linecache.getlines("<d>") == []
    for name in ("<b>", *others, "<c>"):
        linecache.cache.pop(name, None)
