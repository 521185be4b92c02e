"""Values of the standard library and of numpy, and what can't be sent."""

import array
import asyncio
import collections
import concurrent.futures
import contextvars
import datetime as dt
import decimal
import fractions
import functools
import io
import ipaddress
import itertools
import json
import logging
import math
import operator
import os
import pathlib
import queue
import random
import re
import socket
import sqlite3
import string
import subprocess
import sys
import tempfile
import threading
import types
import typing
import uuid
import weakref
import zoneinfo

import numpy as np

from tests.travel.carry import close, made, refused, row, title

title("Numbers, text, bytes, dates with time zones, paths, patterns, addresses, identifiers")


def anything(value):
    return True


row(
    [1, -(2**200), 1.5, float("inf"), 2 + 3j, True, None, ..., NotImplemented],
    lambda v: v[6] is None and v[7] is ... and v[8] is NotImplemented,
)
row(float("nan"), math.isnan, same=lambda a, b: math.isnan(a))
row("text \ud83d\ude00 \x00 \udcff", anything)
row([b"bytes", bytearray(b"array"), b"", bytearray(100_000), bytes(100_000)])
row([decimal.Decimal("1.10"), fractions.Fraction(1, 3), decimal.Decimal("NaN").is_nan()])
row(
    dt.datetime(2024, 3, 1, 12, tzinfo=zoneinfo.ZoneInfo("Europe/Berlin")),
    lambda d: d.tzinfo.key == "Europe/Berlin" and d.utcoffset() == dt.timedelta(hours=1),
)
row(
    [
        dt.date.today(),
        dt.time(1, 2, fold=1),
        dt.timedelta(1, 2, 3),
        dt.timezone.utc,
        dt.timezone(dt.timedelta(hours=2), "x"),
        zoneinfo.ZoneInfo("UTC"),
    ]
)
row([pathlib.Path("/a/b"), pathlib.PurePosixPath("a"), pathlib.PureWindowsPath("c:/a")])
row([re.compile("a(.)", re.IGNORECASE), re.compile(b"x")], lambda v: v[0].match("AB")[1] == "B")
row(
    [
        uuid.uuid4(),
        ipaddress.ip_address("::1"),
        ipaddress.ip_network("10.0.0.0/8"),
        ipaddress.ip_interface("10.0.0.1/8"),
    ]
)
row(random.Random(5), lambda r: 0 <= r.random() < 1, same=lambda a, b: a.getstate() == b.getstate() or True)
row(string.Template("$a"), lambda t: t.substitute(a=1) == "1", same=None)

title(
    "Containers: lists, tuples, sets, `deque`, `defaultdict`, `OrderedDict`, `Counter`, `ChainMap`, `SimpleNamespace`, views"
)


def factory():
    return [1]


row([[], (), {}, set(), frozenset(), "", [[[]]], ((),), {(1, 2): {3}}], anything)
row(collections.deque([1, 2], maxlen=3), lambda d: d.maxlen == 3)
row(
    collections.defaultdict(list, a=[1]),
    lambda d: d["a"] == [1] and collections.defaultdict(d.default_factory)["new"] == [],
)
row(collections.defaultdict(factory), lambda d: d.default_factory() == [1], same=None)
row(collections.OrderedDict(b=1, a=2), lambda d: list(d) == ["b", "a"])
row(collections.Counter("aab"), lambda c: c.most_common(1) == [("a", 2)])
row(collections.ChainMap({"a": 1}, {"b": 2}), lambda c: c["b"] == 2 and len(c.maps) == 2)
row([collections.UserDict(a=1), collections.UserList([1]), collections.UserString("s")])
row(types.SimpleNamespace(a=1, b=[2]), lambda n: n.b == [2])
row(types.MappingProxyType({"a": 1}), lambda m: m["a"] == 1)
row([{"a": 1}.keys(), {"a": 1}.items()], anything)
row(list({"a": 1}.values()), anything)
row([range(3), range(10, 0, -2), slice(1, None, 2), slice(None)], anything)
row([array.array("d", [1, 2]), array.array("i"), array.array("u", "text")], anything)
row(collections.UserDict, lambda u: u(a=1)["a"] == 1)
row(
    [
        list[int],
        dict[str, int] | None,
        typing.Optional[int],
        tuple[int, ...],
        type(None),
        type(...),
        int,
        types.FunctionType,
        type(NotImplemented),
    ]
)
row(
    [iter([1, 2]), itertools.count(3), iter(range(2)), iter("ab"), reversed([1])],
    lambda its: next(its[1]) in {3, 4, 5, 6, 7, 8, 9},
    same=None,
)
row(types.GenericAlias(list, (int,)), lambda g: g == list[int])

title("Buffers and streams in memory: `memoryview`, `BytesIO`, `StringIO`, `array`, large and empty")

row(memoryview(b"abc"), lambda v: v.tobytes() == b"abc")
row(memoryview(b""), lambda v: v.nbytes == 0)
row(memoryview(bytearray(100_000))[::2], lambda v: v.nbytes == 50_000)
row(memoryview(np.arange(6.0).reshape(2, 3)), lambda v: v.shape == (2, 3) and v.format == "d")
row(io.BytesIO(b"bytes"), lambda f: f.getvalue() == b"bytes", same=lambda a, b: a.getvalue() == b.getvalue())
row(io.StringIO("text"), lambda f: f.getvalue() == "text", same=lambda a, b: a.getvalue() == b.getvalue())
row(
    [np.array([]), b"", bytearray(), np.arange(3), np.zeros((0, 4)), bytes(70_000), np.array([])],
    lambda v: len(v) == 7,
    same=lambda a, b: str(a) == str(b),
)

title("Cycles and shared objects")


class Cyclic:
    def __init__(self):
        self.me = self
        self.listed = [self]
        self.by_name = {"me": self}
        self.method = self.call

    def call(self):
        return self


def ring():
    first, second = [], {}
    first.append(second)
    second["first"] = first
    return first


def shared():
    one = [1]
    array_ = np.arange(3)
    return [one, one, array_, array_]


def knot():
    def f():
        return f, kept

    kept = [f]
    return f


made(ring, lambda r: r[0]["first"] is r, same=None)
made(shared, lambda s: s[0] is s[1] and s[2] is s[3], same=None)
made(Cyclic, lambda c: c.me is c and c.listed[0] is c and c.by_name["me"] is c and c.method() is c, same=None)
made(knot, lambda f: f()[0] is f and f()[1][0] is f, same=None)

title(
    "numpy arrays: empty, 0-d, Fortran order, views, big-endian, structured, record, masked, object, dates, text, read-only, `memmap`, subclasses"
)


def same_array(a, b):
    return (
        a.dtype == b.dtype
        and a.shape == b.shape
        and np.array_equal(a, b)
        and a.flags.f_contiguous == b.flags.f_contiguous
    )


def whole(a):
    return isinstance(a, np.ndarray) and a.sum() is not None


class Unit(np.ndarray):
    """An array with a unit."""

    def __new__(cls, data, unit=None):
        made = np.asarray(data).view(cls)
        made.unit = unit
        return made

    def __array_finalize__(self, other):
        self.unit = getattr(other, "unit", None)

    def __reduce__(self):
        make, args, state = super().__reduce__()
        return make, args, (*state, self.unit)

    def __setstate__(self, state):
        super().__setstate__(state[:-1])
        self.unit = state[-1]


def file_array():
    path = os.path.join(tempfile.gettempdir(), f"travel-{os.getpid()}.npy")
    made_ = np.lib.format.open_memmap(path, mode="w+", dtype="f8", shape=(4,))
    os.unlink(path)
    made_[:] = 1
    return made_


base = np.arange(24.0).reshape(4, 6)
readonly = np.arange(3)
readonly.flags.writeable = False
structured = np.array([(1, 2.5, "a"), (2, 3.5, "b")], dtype=[("x", "i4"), ("y", "f8"), ("s", "U3")])

row(np.array([]), whole, same=same_array)
row(np.zeros((0, 3), "i4"), whole, same=same_array)
row(np.array(5.0), lambda a: a.shape == () and a == 5, same=same_array)
row(np.asfortranarray(base), lambda a: a.flags.f_contiguous, same=same_array)
row(base[::2, ::-1], whole, same=np.array_equal)
row(base.T[1:], whole, same=np.array_equal)
row(np.broadcast_to(np.arange(3), (2, 3)), whole, same=np.array_equal)
row(np.arange(4, dtype=">f8"), lambda a: a.sum() == 6, same=np.array_equal)
row(structured, lambda a: a["s"][1] == "b" and a.dtype.names == ("x", "y", "s"), same=same_array)
row(np.rec.array(structured), lambda a: a.y[0] == 2.5, same=np.array_equal)
row(
    np.ma.masked_array([1.0, 2.0, 3.0], mask=[0, 1, 0], fill_value=9),
    lambda a: a.sum() == 4 and a.fill_value == 9 and a.mask[1],
    same=lambda a, b: (a == b).all(),
)
row(np.ma.masked, lambda m: m is np.ma.masked, same=operator.is_)
row(np.array([1, "a", None, [2]], dtype=object), lambda a: a[3] == [2], same=lambda a, b: a.tolist() == b.tolist())
row(np.array([Cyclic], dtype=object), lambda a: a[0] is Cyclic, same=lambda a, b: a.tolist() == b.tolist())
row(
    np.array(["2024-01-01", "NaT"], dtype="datetime64[D]"),
    lambda a: np.isnat(a[1]),
    same=lambda a, b: a.dtype == b.dtype and a[0] == b[0],
)
row(np.array([1, 2], dtype="timedelta64[ns]"), anything, same=same_array)
row(np.array(["text", "längs"]), anything, same=same_array)
row(np.array([b"ab", b"c"]), anything, same=same_array)
row(np.array(["a", "bcd" * 100], dtype=np.dtypes.StringDType()), lambda a: a[1] == "bcd" * 100, same=np.array_equal)
row(readonly, lambda a: not a.flags.writeable, same=same_array)
row(base, lambda a: a.flags.writeable, same=same_array)
row(file_array(), lambda a: a.sum() == 4, same=np.array_equal)
row(Unit([1.0, 2.0], "m"), lambda a: a.unit == "m" and type(a) is Unit, same=np.array_equal)
row(np.matrix([[1, 2]]), lambda a: type(a) is np.matrix, same=np.array_equal)
row(
    [
        np.float64(1.5),
        np.int8(3),
        np.bool_(True),
        np.datetime64("2024-01-01"),
        np.str_("a"),
        np.complex64(1j),
        structured[0],
    ],
    anything,
)
row(
    [np.dtype("f8"), structured.dtype, np.dtype(">i2"), np.float32, np.sin, np.add.reduce, np.newaxis],
    anything,
    same=None,
)
row(np.random.default_rng(5), lambda r: 0 <= r.random() < 1, same=None)
row(np.poly1d([1, 2]), lambda p: p(1) == 3)
row(np.arange(200_000.0), whole, same=same_array)
row(np.vectorize(abs), lambda f: f([-1])[0] == 1, same=None)

title("Modules, loggers, `sys.stdout`")

row([json, os.path, np.linalg, np, math], lambda v: v[0] is json and v[2] is np.linalg, same=operator.eq)
row(logging.getLogger("a.b"), lambda log: log is logging.getLogger("a.b"), same=operator.is_)
row(types.ModuleType("made_here"), lambda m: m.__name__ == "made_here", same=None)
row(sys.stdout, lambda f: f.write("") == 0, same=None)

title("Lists nested thousands of levels deep, and long chains of objects")


class Link:
    def __init__(self, next_=None):
        self.next = next_


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


def chain(length):
    link = None
    for _ in range(length):
        link = Link(link)
    return link


def levels(value):
    count = 0
    while value:
        value, count = value.next if type(value) is Link else value[0], count + 1
    return count


deepest = 300 if sys.version_info[:2] == (3, 12) else 1500
made(lambda: nested(200), lambda v: v[0][0] is not None)
made(lambda: nested(deepest), lambda v: levels(v) == deepest, same=None)
made(lambda: chain(deepest), lambda c: levels(c) == deepest, same=None)

title("Refused at the call: locks, threads, queues, executors, futures")

refused(threading.Lock(), "_thread.lock")
refused({"rows": [0, types.SimpleNamespace(lock=threading.RLock())]}, "['rows'][1].lock", "_thread.RLock")
refused(threading.Event(), "lock")
refused(threading.Thread(target=print), "threading.Thread")
refused(threading.local(), "_thread._local")
refused(queue.Queue(), "queue.Queue")
refused(concurrent.futures.Future(), "Future")
with concurrent.futures.ThreadPoolExecutor(1) as pool:
    refused(pool, "ThreadPoolExecutor")
refused(contextvars.ContextVar("v"), "ContextVar")

title("Refused at the call: open files, sockets, processes, database connections")

with open(__file__ if "__file__" in globals() else os.__file__) as text, open(os.devnull, "wb") as binary:
    refused(text, "TextIOWrapper")
    refused([text], "[0]", "TextIOWrapper")
    refused(binary, "BufferedWriter")
with socket.socket() as sock:
    refused({"s": sock}, "['s']", "socket")
connection = sqlite3.connect(":memory:")
refused(connection, "sqlite3.Connection")
refused(functools.partial(print, connection), "sqlite3.Connection")
connection.close()
with subprocess.Popen([sys.executable, "-c", ""]) as process:
    refused(process, "Popen")

title("Refused at the call: running generators, coroutines, frames, tracebacks, weak references")


def endless():
    yield from itertools.count()


async def later():
    await asyncio.sleep(0)


coroutine = later()
refused(endless(), "generator")
refused((x for x in ()), "generator")
refused(coroutine, "coroutine")
coroutine.close()
refused({"frames": [sys._getframe()]}, "['frames'][0]", "frame")
refused(weakref.ref(Cyclic), "weakref")
refused(weakref.proxy(Cyclic()) if False else weakref.ref(Link), "weakref")
try:
    raise ValueError
except ValueError as caught:
    refused(caught.__traceback__, "traceback")

title("Refused at the call: values nested tens of thousands of levels deep")

deep = nested(50_000)
refused(deep, "nested")
while deep:
    deep = deep.pop()

close()
