"""The functions that an engine has."""

import pickle

import pytest

from engineroom.serialize.functions.packing import HEAD, REUSABLE, FunctionPacker, packed_again
from engineroom.serialize.functions.table import FunctionTable, MissingFunction
from engineroom.serialize.published import published


def packed(count):
    packer = FunctionPacker()
    return [packer.pack(eval(f"lambda: {n}", {"__name__": "__main__"})) for n in range(count)]


def test_the_least_recently_used_function_is_forgotten():
    table = FunctionTable(2)
    first, second, third = packed(3)
    table.add(first.hash, first.body)
    table.add(second.hash, second.body)
    assert table.get(first.hash)() == 0
    table.add(third.hash, third.body)
    with pytest.raises(MissingFunction) as caught:
        table.get(second.hash)
    assert caught.value.hash == second.hash
    assert (table.get(first.hash)(), table.get(third.hash)(), len(table)) == (0, 2, 2)


def test_a_forgotten_function_can_be_added_again():
    table = FunctionTable(1)
    first, second = packed(2)
    table.add(first.hash, first.body)
    table.add(second.hash, second.body)
    assert first.hash not in table
    table.add(first.hash, first.body)
    assert table.get(first.hash)() == 0


def test_their_size_is_bounded_too():
    functions = packed(3)
    table = FunctionTable(10, max_bytes=2 * len(functions[0].body) + 10)
    for function in functions:
        table.add(function.hash, function.body)
    assert len(table) == 2


def test_the_same_function_is_unpacked_once():
    table = FunctionTable(10)
    (function,) = packed(1)
    table.add(function.hash, bytearray(function.body))
    assert table.get(function.hash) is table.get(function.hash)


def not_it():
    return False


def test_what_came_under_the_hash_of_something_else_is_not_used():
    table = FunctionTable()
    truth, lie = packed(2)
    table.add(truth.hash, lie.body, not_it)
    with pytest.raises(MissingFunction) as caught:
        table.get(truth.hash)
    assert caught.value.hash == truth.hash
    assert [table.was_wrong(truth.hash), table.was_wrong(truth.hash)] == [True, False]
    table.add(truth.hash, truth.body, lambda: True)
    assert table.get(truth.hash)() == 0


def test_nor_is_what_came_as_one_of_its_parts():
    data = bytearray(2 << 20)
    function = FunctionPacker().pack(eval("lambda: data", {"__name__": "__main__", "data": data}))
    value = published("a published value")
    table = FunctionTable()
    for part, use in ((function.parts[0], table.get), (value, table.ensure)):
        whole = function if part is not value else FunctionPacker().carrying(None, b"\x80", [value])
        table.add(whole.hash, whole.body)
        table.add(part.hash, b"".join(part.segments()), not_it)
        with pytest.raises(MissingFunction) as caught:
            use(whole.hash)
        assert caught.value.hash == part.hash
        assert table.was_wrong(part.hash)
        assert part.hash not in table


@pytest.mark.parametrize(
    ("body", "words"), [(b"", "out of bounds"), (b"\x02", "out of bounds"), (b"\xff" * 5, "no function")]
)
def test_what_is_no_function_at_all_is_an_error_of_its_call(body, words):
    table = FunctionTable()
    table.add(b"h" * 16, body)
    with pytest.raises((TypeError, IndexError), match=words):
        table.get(b"h" * 16)


def test_evicted_functions_on_an_engine(engine, notebook):
    functions = [notebook.run(f"f = lambda: {n}") for n in range(8)]
    assert [engine.call(f) for f in functions * 2] == [*range(8)] * 2


def test_a_missing_module_is_named(engine, notebook, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def g(): return 1\nclass A: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    f = notebook.run("import only_here\nf = lambda: only_here.g()")
    with pytest.raises(ModuleNotFoundError, match=r"engine has no module 'only_here' \(needed to unpack .* '<lambda>'"):
        engine.call(f)
    with pytest.raises(ModuleNotFoundError, match=r"'only_here' \(needed to unpack the function 'g'\)"):
        engine.call(notebook["only_here"].g)
    with pytest.raises(ModuleNotFoundError, match=r"engine has no module 'only_here' \(needed to unpack the arguments"):
        engine.call(len, [notebook["only_here"].A()])
    assert engine.call(len, [1]) == 1


def test_a_published_value_stays_until_it_is_released():
    table = FunctionTable(2, max_bytes=1000)
    value = published(list(range(5000)))
    table.add(value.hash, b"".join(value.segments()))
    function = packed_again(b"f" * 16, b"".join((HEAD.pack(REUSABLE, 0, 1), value.hash, pickle.dumps(len))), (value,))
    table.add(function.hash, function.body)
    assert table.get(function.hash)("ab") == 2
    for other in packed(3):
        table.add(other.hash, other.body)
    assert table.published(value.hash) is not None
    assert function.hash not in table
    table.add(function.hash, function.body)
    table.release(value.hash)
    table.release(value.hash)
    assert table.published(value.hash) is None
    with pytest.raises(MissingFunction):
        table.get(function.hash)
    table.release(packed(1)[0].hash)
    assert len(table) == 1
