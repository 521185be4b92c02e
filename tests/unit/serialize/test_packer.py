"""A function's bytes are used again exactly as long as it would pickle the same."""

import functools
import gc
import math
import threading
import weakref

import pytest

from engineroom.errors import PackError
from engineroom.serialize.chunks.items import each_item
from engineroom.serialize.functions.packing import FunctionPacker
from engineroom.serialize.references import Reference


@pytest.fixture
def packer():
    return FunctionPacker()


def test_an_unchanged_function_is_packed_once(packer, notebook):
    f = notebook.run(
        "import math\nk = 2\ndef g(x): return x * k\ndef f(x, y=(1, 'a')): return [g(math.floor(x)) for _ in y]"
    )
    first = packer.pack(f)
    assert packer.pack(f) is first
    assert (len(first.hash), first.name) == (16, "f")


def test_what_is_called_by_another_function_is_packed_once_for_each_caller(packer, notebook):
    f = notebook.run("def f(x): return x")
    alone, called = packer.pack(f), packer.pack(f, each_item)
    assert packer.pack(f, each_item) is called
    assert packer.pack(f) is alone
    assert called.hash not in {alone.hash, packer.pack(f, sorted).hash}


@pytest.mark.parametrize("caller", [None, each_item])
@pytest.mark.parametrize(
    "edit",
    [
        "k = 3",
        "def g(x): return -x * k",
        "def h(x): return -x",
        "f.__defaults__ = (2,)",
        "f.__kwdefaults__ = {'z': 4}",
        "f.__kwdefaults__['z'] = 4",
        "f.__code__ = other.__code__",
        "g.__code__ = (lambda x: 0).__code__",
        "g.__defaults__ = (0,)",
        "import cmath as math",
        "f.extra = 2",
        "def len(x): return 7",
        "cell.cell_contents = 6",
    ],
)
def test_after_an_edit_it_is_packed_anew(packer, notebook, edit, caller):
    notebook.run(
        """
import math
k = 2
def h(x): return x
def g(x): return h(x) * k
def outer():
    c = 5
    def f(x, y=1, *, z=3): return g(math.floor(x)) + len([y]) + z + c
    return f
f = outer()
other = (lambda c: lambda x, y=1, *, z=3: c)(1)
f.extra = 1
cell = f.__closure__[0]
"""
    )
    f = notebook["f"]
    first = packer.pack(f, caller)
    assert packer.pack(f, caller) is first
    notebook.run(edit)
    assert packer.pack(f, caller).hash != first.hash


def test_what_may_change_unnoticed_is_packed_each_time(packer, notebook):
    f = notebook.run("xs = [1]\nf = lambda: xs")
    first = packer.pack(f)
    assert packer.pack(f) is not first
    assert packer.pack(f) == first
    notebook["xs"].append(2)
    assert packer.pack(f).hash != first.hash


def test_the_engine_gets_the_edited_function(engine, notebook):
    f = notebook.run("k = 1\ndef helper(): return k\nf = lambda: helper()")
    assert engine.call(f) == 1
    notebook.run("k = 2")
    assert engine.call(f) == 2
    notebook.run("def helper(): return -k")
    assert engine.call(f) == -2


def test_what_a_call_changes_is_not_there_in_the_next(engine, notebook):
    notebook.run("import numpy as np\nxs = []\na = np.zeros(2)\nb = np.zeros(2)\nb.flags.writeable = False")
    f = notebook.run("def f(y=[]):\n    xs.append(1); y.append(1); a[0] += 1\n    return len(xs), len(y), float(a[0])")
    assert [engine.call(f), engine.call(f)] == [(1, 1, 1.0), (1, 1, 1.0)]
    assert (notebook["xs"], float(notebook["a"][0])) == ([], 0.0)
    notebook["a"][0] = 5
    assert engine.call(f) == (1, 1, 6.0)


def test_the_packer_keeps_no_function_alive(packer, notebook):
    def gone(x):
        return x

    packer.pack(gone)
    watch = weakref.ref(gone)
    del gone
    gc.collect()
    assert watch() is None
    assert len(packer) == 0


def test_the_packer_remembers_a_bounded_number(packer):
    functions = [eval("lambda: 1", {"__name__": "__main__"}) for _ in range(600)]
    for function in functions:
        packer.pack(function)
    assert len(packer) == 512


def test_modules_registered_by_value(engine, notebook):
    import textwrap as module

    import cloudpickle

    packer = FunctionPacker()
    by_name = packer.pack(module.shorten)
    cloudpickle.register_pickle_by_value(module)
    try:
        assert len(FunctionPacker().pack(module.shorten).body) > len(by_name.body) + 100
        assert packer.pack(module.shorten).hash != by_name.hash
        assert engine.call(module.shorten, "a b c", 3, placeholder="") == "a b"
    finally:
        cloudpickle.unregister_pickle_by_value(module)
    assert packer.pack(module.shorten).hash == by_name.hash


@pytest.mark.parametrize(
    ("make", "name"),
    [
        (lambda: len, "len"),
        (lambda: math.sqrt, "sqrt"),
        (lambda: functools.partial(print, 1), "print"),
        (lambda: Reference("a.b"), "a.b"),
        (lambda: "x".join, "str.join"),
        (lambda: dict, "dict"),
        (lambda: lambda: 0, "<lambda>"),
    ],
)
def test_names(packer, make, name):
    assert packer.pack(make()).name == name


def test_something_that_is_no_function(packer):
    with pytest.raises(PackError, match="expected a function, got an object of type 'int'"):
        packer.pack(3)


def test_many_threads(packer, notebook):
    functions = [notebook.run(f"f = lambda: {n}") for n in range(50)]
    found = []

    def work():
        found.append([packer.pack(function).hash for function in functions])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [found[0]] * 4
