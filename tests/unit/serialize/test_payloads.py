"""Values there and back."""

import datetime as dt
import decimal
import gc
import operator
import sys
import threading
import weakref
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from engineroom.errors import PackError, ProtocolError
from engineroom.protocol.messages import INLINE_LIMIT
from engineroom.serialize.functions.packing import pack_call, unpack_call
from engineroom.serialize.payloads import pack, unpack
from tests.examples import drawn
from tests.unit.serialize.conftest import joined, pickled_and_back

atoms = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.complex_numbers(allow_nan=False)
    | st.text()
    | st.binary()
    | st.decimals(allow_nan=False)
    | st.datetimes()
    | st.binary().map(bytearray)
    | st.sampled_from(["__main__", len, dict, dt, decimal.Decimal, ..., pytest])
)
hashable = st.none() | st.booleans() | st.integers() | st.text() | st.binary()
values = st.recursive(
    atoms,
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(hashable, inner)
        | st.sets(hashable)
        | st.frozensets(hashable)
    ),
    max_leaves=20,
)
dtypes = (
    npst.scalar_dtypes() | npst.array_dtypes() | npst.unicode_string_dtypes() | npst.nested_dtypes(max_itemsize=200)
)
arrays = npst.arrays(dtypes, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=5))


def there_and_back(value, **options):
    return unpack(joined(pack(value, **options)))


@drawn(150)
@given(values, st.booleans())
def test_plain_values(value, copy):
    back = there_and_back(value, copy=copy)
    assert back == value
    assert type(back) is type(value)


@drawn(150)
@given(arrays, st.booleans(), st.sampled_from(["as it is", "transposed", "every other", "reversed", "read-only"]))
def test_arrays(array, copy, how):
    if how == "transposed":
        array = array.T
    elif how == "read-only":
        array.flags.writeable = False
    elif array.ndim and how == "every other":
        array = array[::2]
    elif array.ndim and how == "reversed":
        array = array[::-1]
    back = there_and_back({"a": [array]}, copy=copy)["a"][0]
    reference = pickled_and_back(array)  # numpy itself loses the byte order of some dtypes
    assert (back.dtype, back.shape, back.tobytes()) == (reference.dtype, reference.shape, reference.tobytes())


@drawn(50)
@given(st.lists(values, max_size=4), st.dictionaries(st.text(), values, max_size=3))
def test_calls(args, kwargs):
    assert unpack_call(joined(pack_call(tuple(args), kwargs))) == (tuple(args), kwargs)


@pytest.mark.parametrize(
    "size", [0, 1, 100, INLINE_LIMIT - 200, INLINE_LIMIT, INLINE_LIMIT + 1, (1 << 20) + 7, 3 << 20]
)
@pytest.mark.parametrize("kind", [bytes, bytearray, np.frombuffer])
@pytest.mark.parametrize("place", [lambda x: x, lambda x: (x, x), lambda x: (([x], 1), {"k": x}), lambda x: {"a": x}])
def test_sizes(size, kind, place):
    value = place(kind(bytes(range(256)) * (size // 256 + 1))[:size])
    body = pack(value)
    assert (type(body) is bytes) == (len(joined(body)) <= INLINE_LIMIT)
    back = unpack(joined(body))
    assert repr(back) == repr(value)


@pytest.mark.parametrize("size", [10, 1 << 20])
def test_a_pack_is_a_snapshot(size):
    array, data = np.zeros(size, "u1"), bytearray(size)
    body = pack([array, data])
    array[0] = data[0] = 1
    back = unpack(joined(body))
    assert (back[0][0], back[1][0]) == (0, 0)


def test_without_copy_long_buffers_are_not_copied():
    array = np.zeros(1 << 20, "u1")
    body = pack(array, copy=False)
    array[0] = 1
    assert unpack(joined(body))[0] == 1


def test_large_bytes_are_not_copied_at_all():
    data = bytes(1 << 20)
    assert any(segment.obj is data for segment in pack({"a": [data]}))


@pytest.mark.parametrize("size", [10, 1 << 20])
@pytest.mark.parametrize("arrived", [bytearray, bytes, memoryview])
def test_received_arrays_are_writable_and_private(size, arrived):
    array = np.arange(size)
    received = arrived(bytes(joined(pack(array))))
    back = unpack(received)
    back[0] = 7
    assert unpack(arrived(bytes(joined(pack(array)))))[0] == 0


def test_a_read_only_array_stays_so():
    array = np.arange(3)
    array.flags.writeable = False
    assert not there_and_back(array).flags.writeable


def test_large_received_arrays_lie_in_the_received_memory():
    received = joined(pack(np.zeros(1 << 17)))
    back = unpack(received)
    assert np.shares_memory(back, np.frombuffer(received, "u1"))
    assert back.flags.aligned


def test_the_same_bytes_twice_stay_one_object():
    data = bytes(1 << 20)
    listed = [data, data]
    back = there_and_back([listed, listed, data])
    assert back[0] is back[1]
    assert back[0][0] is back[0][1]
    assert back == [listed, listed, data]


@pytest.mark.parametrize(
    "view",
    [
        memoryview(b"abc"),
        memoryview(bytearray(100_000)),
        memoryview(np.arange(12.0).reshape(3, 4)),
        memoryview(np.arange(12).reshape(3, 4))[::2],
        memoryview(np.zeros((3, 0))),
        memoryview(b""),
    ],
)
def test_memoryviews(view):
    back = there_and_back({"v": view})["v"]
    assert (back.format, back.tobytes()) == (view.format, view.tobytes())
    assert back.shape == view.shape or 0 in view.shape


def test_the_memory_of_a_view_is_let_go():
    class Array(np.ndarray):
        pass

    array = np.zeros(1 << 20, "u1").view(Array)
    watch = weakref.ref(array)
    body = pack(np.asarray(array))
    del array
    gc.collect()
    assert watch() is None
    del body


def test_other_threads_run_while_a_large_value_is_packed():
    array = np.zeros(1 << 28, "u1")
    ticks = 0
    done = threading.Event()

    def tick():
        nonlocal ticks
        while not done.wait(0.001):
            ticks += 1

    thread = threading.Thread(target=tick)
    thread.start()
    body = pack(array)
    done.set()
    thread.join()
    assert ticks >= 3
    assert sum(map(len, body)) > 1 << 28


def test_what_looks_like_main_is_only_text():
    assert there_and_back(["__main__", b"__main__"]) == ["__main__", b"__main__"]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ((n for n in ()), "^a 'generator' cannot be sent to an engine: it is a 'generator'. Send its items in a list"),
        (threading.Lock(), "^a '_thread.lock' cannot be sent to an engine: it is a '_thread.lock'. A lock works"),
        ({"a": [1, threading.Lock()]}, r"^a 'dict' .*: value\['a'\]\[1\] is a '_thread.lock'. A lock works"),
        (
            [{threading.Event()}],
            r"value\[0\] has the member <threading.Event.*>; that member is a 'threading.Event'. A lock",
        ),
    ],
)
def test_what_cannot_be_packed_is_named(value, words):
    with pytest.raises(PackError, match=words):
        pack(value)


def test_an_argument_that_cannot_be_packed_is_named():
    with pytest.raises(
        PackError, match=r"^argument 2 of 'fit' cannot be sent to an engine: it is a 'generator'\. Send "
    ):
        pack_call((1, (n for n in ())), {}, name="fit")
    with pytest.raises(
        TypeError, match=r"^argument 'lock' of 'fit' cannot be sent to an engine: it is a '_thread.lock'"
    ):
        pack_call((1,), {"lock": threading.Lock()}, name="fit")


def test_a_function_that_cannot_be_packed(engine, notebook):
    f = notebook.run("import threading\nlock = threading.Lock()\ndef g(): return lock\ndef f(): return g()")
    words = (
        r"^the function 'f' cannot be sent to an engine: it uses the global 'g'; 'g' uses the global 'lock'; "
        r"'lock' is a '_thread.lock'\. A lock works within one process: create it in the function that uses it\.$"
    )
    with pytest.raises(PackError, match=words):
        engine.call(f)
    notebook.run("def outer(x):\n    def f(): return x\n    return f\nf = outer(lock)")
    with pytest.raises(PackError, match=r"'f' .*: it uses 'x' of an enclosing function; 'x' is a '_thread.lock'"):
        engine.call(notebook["f"])


def test_a_result_that_cannot_be_packed(engine, notebook):
    with pytest.raises(PackError, match=r"a 'list' cannot be sent to the client: value\[0\] is a '_thread.lock'"):
        engine.call(notebook.run("def f():\n    import threading\n    return [threading.Lock()]"))


def test_what_is_nested_too_deeply():
    value = []
    for _ in range(100_000):
        value = [value]
    with pytest.raises(PackError, match="a 'list' cannot be sent to an engine: it is nested too deeply"):
        pack(value)
    while value:  # let it go without a recursion as deep
        value = value.pop()


@pytest.mark.skipif(sys.version_info >= (3, 12), reason="from Python 3.12 on the limit is not for what is written in C")
@pytest.mark.parametrize("depth", [5_000, 100_000])
def test_what_is_nested_deeply_travels_where_the_limit_of_recursion_is_high(depth):
    value = []
    for _ in range(depth):
        value = [value]
    limit, stack = sys.getrecursionlimit(), threading.stack_size()
    sys.setrecursionlimit(1_000_000)
    try:
        back = there_and_back(value)
    finally:
        sys.setrecursionlimit(limit)
    assert threading.stack_size() == stack
    levels = 0
    while value:
        value, back, levels = value.pop(), back.pop(), levels + 1
    assert (levels, back) == (depth, [])


class Next:
    def __init__(self, next_):
        self.next = next_


@pytest.mark.skipif(sys.version_info[:2] == (3, 12), reason="Python 3.12 has a low limit for what is written in C")
@pytest.mark.parametrize("wrap", [lambda it: [it], lambda it: {"a": it}, Next, lambda it: lambda: it])
def test_thousands_of_levels_travel_at_the_usual_limit_of_recursion(wrap):
    value, usual = None, sys.getrecursionlimit()
    for _ in range(1000):
        value = wrap(value)
    assert type(there_and_back(value)) is type(value)
    assert sys.getrecursionlimit() == usual


def test_an_object_that_refuses():
    with pytest.raises(PackError, match=r"it is a '.*Refuses': ValueError: never me"):
        pack(Refuses())


class Refuses:
    def __reduce__(self):
        raise ValueError("never me")


@pytest.mark.parametrize("packed", [b"\x01", b"\x01" + bytes(7), b"\x01" + bytes(3) + b"\x02\0\0\0" + bytes(16) + b"x"])
def test_garbage(packed):
    with pytest.raises(ProtocolError, match="a packed value"):
        unpack(packed)


def test_functions_of_modules_inside_values():
    assert there_and_back([operator.add, np.sin]) == [operator.add, np.sin]


class Holder:
    def __init__(self, held):
        self.held = held


@pytest.mark.parametrize(
    "deep", [lambda its: [[[[its]]]], Holder, lambda its: {Held(its): 1}, lambda its: [its] * 1000]
)
@pytest.mark.parametrize("kind", [bytearray, lambda size: [bytes(size)], lambda size: {"a": [bytearray(size)]}])
def test_what_is_changed_in_one_place_is_changed_in_the_other(deep, kind):
    large = kind(100_000)
    back = unpack(joined(pack((large, {"deep": deep(large)}, 5))))
    assert type(back[0]) is type(large)
    assert found_in(back[1]["deep"]) is back[0]
    assert len(joined(pack((large, deep(large))))) < 150_000


class Held(Holder):
    def __hash__(self):
        return 1


def found_in(its):
    """Return the first thing in `its` that is as large as what was put there."""
    while True:
        if isinstance(its, Holder):
            return its.held
        first = next(iter(its))
        if isinstance(its, bytearray) or isinstance(first, bytes) or first == "a":
            return its
        its = first


class Picture:
    """It can be seen as an array, as a picture of Pillow, and is none."""

    __array_interface__: ClassVar[dict[str, object]] = {"shape": (1,), "typestr": "|u1", "version": 3}


@pytest.mark.parametrize("value", [Picture(), [Picture()], {"picture": Picture()}])
def test_what_can_be_seen_as_an_array_is_not_asked_what_only_arrays_have(value: object) -> None:
    assert type(unpack(joined(pack(value)))) is type(value)
