"""Large arrays and bytes that functions bring along: sent once, shared, private to each call, bounded."""

import functools
import gc
from pickle import PickleBuffer

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.serialize.functions.large_parts import LARGE, PartStore
from engineroom.serialize.functions.packing import FunctionPacker
from engineroom.serialize.functions.table import FunctionTable, MissingFunction

pytestmark = pytest.mark.filterwarnings("ignore:.*is sent with the function")


@pytest.fixture
def packer():
    return FunctionPacker()


@pytest.fixture
def data(notebook):
    notebook.names["np"] = np
    notebook.run("data = np.arange(2 * 1024 * 1024 // 8)")
    return notebook["data"]


def delivered(table, packed):
    for part in packed.parts:
        table.add(part.hash, bytearray(b"".join(part.segments())))
    table.add(packed.hash, packed.body)
    return table.get(packed.hash)


def test_functions_over_the_same_array_share_it(packer, notebook, data):
    first, second = (packer.pack(notebook.run(f"f = lambda i: data[i] + {n}")) for n in range(2))
    assert (len(first.parts), first.copied, second.copied) == (1, data.nbytes, 0)
    assert first.parts[0] is second.parts[0]
    assert len(first.body) < 10_000
    assert first.hash != second.hash
    assert packer.pack(notebook["f"]).hash == second.hash


def test_a_change_in_place_is_noticed(packer, notebook, data):
    f = notebook.run("f = lambda i: data[i]")
    before = packer.pack(f)
    data[-1] = 0
    after = packer.pack(f)
    assert after.hash != before.hash
    assert after.parts[0].hash != before.parts[0].hash
    table = FunctionTable()
    assert delivered(table, after)(-1) == 0
    assert delivered(table, before)(-1) == len(data) - 1
    data[-1] = len(data) - 1
    assert packer.pack(f).hash == before.hash


def test_a_call_that_changes_its_array_changes_nobody_elses(engine, notebook, data):
    f = notebook.run("def f(i):\n    data[i] += 1\n    return int(data[i])")
    assert [engine.call(f, 5), engine.call(f, 5)] == [6, 6]
    assert data[5] == 5
    assert engine.call(notebook.run("f = lambda: int(data[5])")) == 5


@pytest.mark.parametrize(
    "make",
    [
        "bytes(range(256)) * 8192",
        "bytearray(range(256)) * 8192",
        "np.arange(1 << 20).reshape(1024, 1024).T",
        "np.arange(1 << 20, dtype='>f4')[1:]",
        "np.zeros((1 << 18,), dtype=[('a', 'i4'), ('b', 'f8')])",
        "[np.ones(1 << 18), np.zeros(1 << 18)]",
        "memoryview(bytes(1 << 21))",
        "'text' * (1 << 19)",
    ],
)
def test_every_kind_arrives_as_it_was(engine, notebook, make):
    notebook.names["np"] = np
    notebook.run(f"value = {make}\nk = value\ndef f(): return k")
    back, value = engine.call(notebook["f"]), notebook["value"]
    assert type(back) is type(value)
    for one, other in zip(back, value, strict=True) if isinstance(value, list) else [(back, value)]:
        assert one == other if not isinstance(other, np.ndarray) else np.array_equal(one, other)
    if isinstance(value, np.ndarray):
        assert (back.dtype, back.flags.writeable) == (value.dtype, True)


def test_bytes_are_one_object_for_all_functions(packer, notebook):
    notebook.run("raw = bytes(2 << 20)\ndef helper(): return raw\nf = lambda: (raw, helper())\ng = lambda: raw")
    f, g = packer.pack(notebook["f"]), packer.pack(notebook["g"])
    assert f.copied == g.copied == 0
    table = FunctionTable()
    one, two = delivered(table, f)()
    assert one is two is delivered(table, g)()


def test_closures_partials_and_methods_share_too(packer, notebook, data):
    notebook.run(
        """
import functools
def make(d): return lambda i: d[i]
class A:
    def __init__(self, d): self.d = d
    def m(self, i): return self.d[i]
f, g, h = make(data), functools.partial(np.take, data), A(data).m
"""
    )
    packed = [packer.pack(notebook[name]) for name in "fgh"]
    assert len({part for each in packed for part in each.parts}) == 1
    table = FunctionTable()
    assert [delivered(table, each)(7) for each in packed] == [7, 7, 7]


def test_small_arrays_stay_in_the_function(packer, notebook):
    notebook.names["np"] = np
    packed = packer.pack(notebook.run("data = np.arange(100)\nf = lambda: data"))
    assert packed.parts == ()


def test_a_missing_part_is_named_until_all_are_there(packer, notebook):
    notebook.names["np"] = np
    f = packer.pack(notebook.run("a, b = np.zeros(1 << 18), np.ones(1 << 18)\nf = lambda: (a + b).sum()"))
    table = FunctionTable(max_bytes=3 << 20)
    table.add(f.hash, f.body)
    for part in f.parts:
        with pytest.raises(MissingFunction) as missing:
            table.get(f.hash)
        assert missing.value.hash == part.hash
        table.add(part.hash, b"".join(part.segments()))
    assert table.get(f.hash)() == 1 << 18


def test_parts_count_and_the_oldest_are_forgotten(packer, notebook):
    notebook.names["np"] = np
    table = FunctionTable(max_bytes=9 << 20)
    small = packer.pack(notebook.run("f = lambda: 1"))
    delivered(table, small)
    packed = [packer.pack(notebook.run(f"a = np.full(1 << 19, {n})\nf = lambda: int(a[0])")) for n in range(4)]
    assert [delivered(table, each)() for each in packed] == [0, 1, 2, 3]
    assert [each.parts[0].hash in table for each in packed] == [False, False, True, True]
    assert small.hash in table
    with pytest.raises(MissingFunction):
        table.get(packed[0].hash)
    assert table.get(packed[3].hash)() == 3


def test_a_function_with_more_parts_than_fit_runs_all_the_same(packer, notebook):
    notebook.names["np"] = np
    table = FunctionTable(max_bytes=5 << 20)
    f = packer.pack(
        notebook.run("xs = [np.full(1 << 18, n) for n in range(4)]\nf = lambda: sum(int(x[0]) for x in xs)")
    )
    parts = {part.hash: b"".join(part.segments()) for part in f.parts}
    table.add(f.hash, f.body)
    for _ in range(5):
        try:
            assert table.get(f.hash)() == 6
            break
        except MissingFunction as missing:
            table.add(missing.hash, parts[missing.hash])
    else:
        pytest.fail("it never had all of its parts")


def test_what_is_kept_is_bounded_and_what_is_in_use_is_known():
    store = PartStore(kept=3 << 20)
    arrays = [np.full(1 << 18, n) for n in range(4)]
    buffers = [memoryview(array) for array in arrays]
    in_use, _ = store.part(PickleBuffer(arrays[0]))
    for array in arrays[1:]:
        store.part(PickleBuffer(array))
    gc.collect()
    copied = [store.part(PickleBuffer(array))[1] for array in arrays]
    assert copied[0] == 0, "it is still in use"
    assert copied[1] == buffers[1].nbytes, "it was forgotten"
    assert in_use.length == 2 << 20


@given(st.integers(0, 3 * LARGE), st.integers(0, 2**32), st.booleans(), st.integers(0, 2**32))
def test_equal_content_is_one_part_and_other_content_is_not(size, seed, as_bytes, place):
    store = PartStore()
    content = np.random.default_rng(seed).bytes(size)
    one, _ = store.part(PickleBuffer(content if as_bytes else bytearray(content)))
    same, copied = store.part(PickleBuffer(bytes(bytearray(content)) if as_bytes else bytearray(content)))
    assert (same, copied) == (one, 0)
    assert b"".join(one.segments())[64:] == content
    if size:
        changed = bytearray(content)
        changed[place % size] ^= 1
        other, _ = store.part(PickleBuffer(changed))
        assert other.hash != one.hash
        assert not one.equals(memoryview(changed))


def test_a_warning_names_the_variable_its_size_and_what_to_do(packer, notebook, recwarn):
    notebook.names["np"] = np
    notebook.run(
        "data = np.zeros(2 << 20)\nsmall = np.zeros(10)\ndef helper(): return data\ndef f(): return helper(), small"
    )
    packer.pack(notebook["f"])
    packer.pack(notebook.run("f = lambda: data"))
    (warning,) = recwarn
    assert str(warning.message) == (
        "'f' uses the variable 'data' (17 MB). It is sent with the function, and again whenever it changes. "
        "To keep it on the engines instead, run `view['data'] = data`, "
        "and pass `engineroom.Reference('data')` to the function as an argument."
    )
    assert warning.filename == __file__


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (
            "def make(d): return lambda: d\nf = make(np.zeros(2 << 20))",
            "a lambda uses the variable 'd' of an enclosing",
        ),
        ("f = functools.partial(len, np.zeros(2 << 20))", "an argument of a partial (17 MB)"),
        ("def f(x=np.zeros(2 << 20)): return x", "'f' uses a default value (17 MB)"),
        ("class A:\n    def m(self): pass\na = A()\na.x = np.zeros(2 << 20)\nf = a.m", "the A that it belongs to,"),
        ("text = 'x' * (11 << 20)\nf = lambda: text", "the variable 'text' (12 MB)"),
        ("xs = {'k': [float(x) for x in range(2 << 20)]}\nf = lambda: xs", "the variable 'xs' (19 MB)"),
    ],
)
def test_what_else_is_warned_of(packer, notebook, source, words):
    notebook.names.update(np=np, functools=functools)
    with pytest.warns(UserWarning, match="It is sent with the function") as warned:
        packer.pack(notebook.run(source))
    assert [words in str(each.message) for each in warned] == [True]
