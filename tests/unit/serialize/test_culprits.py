"""A value that can't be sent: the error gives the part of it, how to reach that, and what to do instead."""

import asyncio
import collections
import concurrent.futures
import contextvars
import functools
import os
import queue
import socket
import sqlite3
import sys
import threading
import types
import weakref
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pytest

from engineroom.errors import PackError
from engineroom.serialize.functions.packing import pack_call
from engineroom.serialize.payloads import pack, pack_names
from engineroom.serialize.refusals import culprits

LOCK = threading.Lock()


class Slotted:
    __slots__ = ("lock", "other")

    def __init__(self):
        self.lock = LOCK


@dataclass
class Held:
    lock: Any

    def method(self):
        return self.lock


class Row(NamedTuple):
    lock: Any


class Stated:
    def __getstate__(self):
        return {"handle": LOCK}


class Reduced:
    def __reduce__(self):
        return Held, (LOCK,)


def error_of(value, **how):
    with pytest.raises(PackError) as caught:
        pack(value, **how)
    return str(caught.value)


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ([[0, LOCK]], "value[0][1] is a"),
        ((0, (LOCK,)), "value[1][0] is a"),
        ({"rows": [1, Held(LOCK)]}, "value['rows'][1].lock is a"),
        ({("a", 1): LOCK}, "value[('a', 1)] is a"),
        ({LOCK: 1}, "it has the key <unlocked _thread.lock object at 0x"),
        ({LOCK}, "it has the member <unlocked _thread.lock object at 0x"),
        (collections.deque([1, LOCK]), "value[1] is a"),
        (collections.OrderedDict(a=LOCK), "value['a'] is a"),
        (collections.defaultdict(list, a=[LOCK]), "value['a'][0] is a"),
        (collections.ChainMap({"a": LOCK}), "value['a'] is a"),
        (types.SimpleNamespace(a=LOCK), "value.a is a"),
        (types.MappingProxyType({"a": LOCK}), "value['a'] is a"),
        (Slotted(), "value.lock is a"),
        (Row(LOCK), "value.lock is a"),
        (Held([{"a": Held(LOCK)}]), "value.lock[0]['a'].lock is a"),
        (Held(LOCK).method, "value.__self__.lock is a"),
        (functools.partial(print, 1, LOCK), "value.args[1] is a"),
        (functools.partial(print, sep=LOCK), "value.keywords['sep'] is a"),
        (ValueError("no", LOCK), "value.args[1] is a"),
        (Stated(), "value.handle is a"),
        (Reduced(), "value.__reduce__()[1][0] is a"),
        (np.array([[1, LOCK]], dtype=object), "value.flat[1] is a"),
        ([*range(5000), LOCK], "value[5000] is a"),
    ],
    ids=lambda each: each if isinstance(each, str) else type(each).__name__,
)
def test_the_path_to_the_part_is_what_one_would_write(value, where):
    message = error_of(value)
    assert where in message
    assert "is a '_thread.lock'. A lock works within one process: create it in the function that uses it." in message


@pytest.mark.parametrize(
    ("code", "where"),
    [
        ("def f(): return lock", "it uses the global 'lock'; 'lock' is a"),
        ("def f(): return held.lock", "it uses the global 'held'; held.lock is a"),
        ("def f(): return [lock for _ in [1]]", "it uses the global 'lock'; 'lock' is a"),
        (
            "def g(): return lock\ndef f(): return g()",
            "it uses the global 'g'; 'g' uses the global 'lock'; 'lock' is a",
        ),
        ("def f(a=lock): return a", "it has a default for 'a'; 'a' is a"),
        ("def f(*, a=1, b=lock): return a", "it has a default for 'b'; 'b' is a"),
        ("def f(): pass\nf.lock = lock", "it.lock is a"),
        (
            "def o(x):\n  def f(): return x\n  return f\nf = o([lock])",
            "it uses 'x' of an enclosing function; x[0] is a",
        ),
        ("class A:\n  lock = lock\ndef f(): return A", "it uses the global 'A'; A.lock is a"),
        ("class A:\n  def m(self): return lock\ndef f(): return A()", "'A'; A.m uses the global 'lock'; 'lock' is a"),
        ("class A:\n  lock = lock\na = A()\ndef f(): return a", "'a'; 'a' is a 'A'; A.lock is a"),
    ],
)
def test_what_a_function_uses_is_named(notebook, code, where):
    notebook.names.update(lock=LOCK, held=Held(LOCK))
    f = notebook.run(code)
    message = error_of(f)
    assert message.startswith("the function ")
    assert where.replace("it.lock", "value.lock") in message


@pytest.mark.parametrize(
    ("make", "advice"),
    [
        (threading.RLock, "create it in the function"),
        (threading.Condition, "create it in the function"),
        (lambda: threading.Thread(target=print), "create it in the function"),
        (threading.local, "create it in the function"),
        (queue.Queue, "send its items in a list"),
        (queue.SimpleQueue, "send its items in a list"),
        (concurrent.futures.Future, "send that: `future.result()`"),
        (lambda: (each for each in ()), "Send its items in a list"),
        (lambda: sys._getframe(), "Send its text"),
        (lambda: weakref.ref(Held), "Send the object that it refers to"),
        (lambda: contextvars.ContextVar("v"), "send their values"),
        (contextvars.Context, "send their values"),
    ],
)
def test_what_to_do_instead_is_said(make, advice):
    assert advice in error_of({"key": make()})


def test_files_sockets_and_connections():
    with open(os.devnull) as file, open(os.devnull, "rb", buffering=0) as raw:
        assert "open it in the function" in error_of(file)
        assert "open it in the function" in error_of(raw)
    with socket.socket() as sock:
        assert "connect in the function that uses it" in error_of(sock)
    connection = sqlite3.connect(":memory:")
    assert "value[0] is a 'sqlite3.Connection'. A connection belongs to one process" in error_of([connection])
    connection.close()


def test_coroutines():
    async def later():
        await asyncio.sleep(0)

    coroutine = later()
    assert "Send the `async def` function and its arguments" in error_of(coroutine)
    coroutine.close()


def test_arguments_are_called_as_the_function_calls_them():
    def fit(model, data):
        return model, data

    with pytest.raises(
        PackError, match=r"^argument 2 of 'fit' cannot be sent to an engine: data\['rows'\]\[3\]\.lock is"
    ):
        pack_call((1, {"rows": [1, 2, 3, Held(LOCK)]}), {}, name="fit", function=fit)
    with pytest.raises(PackError, match=r"^argument 'data' of 'fit' cannot be sent to an engine: data\[0\] is a"):
        pack_call((1,), {"data": [LOCK]}, name="fit", function=fit)
    with pytest.raises(PackError, match=r"^argument 3 of 'print' cannot be sent to an engine: argument\[0\] is a"):
        pack_call((1, 2, [LOCK]), {}, name="print", function=print)


def test_variables_are_called_by_their_names():
    with pytest.raises(
        PackError, match=r"^the variable 'bad' cannot be sent to an engine: bad\['a'\] is a '_thread.lock'"
    ):
        pack_names({"good": 1, "bad": {"a": LOCK}})


def test_a_cycle_is_no_endless_search():
    ring = [LOCK]
    ring.insert(0, ring)
    assert "value[1] is a '_thread.lock'" in error_of(ring)


def test_an_object_that_can_only_be_described():
    class Refuses:
        def __reduce__(self):
            raise ValueError("never me")

        def __repr__(self):
            raise TypeError("nor this")

    assert "value[0] is a" in error_of([Refuses()])
    assert "Refuses': ValueError: never me" in error_of([Refuses()])
    assert "never me" in error_of({Refuses(): 1})


@pytest.mark.parametrize(
    ("value", "words"), [(1, "an 'int'"), ([], "a 'list'"), (threading.Lock(), "a '_thread.lock'")]
)
def test_a_kind_has_its_article(value: object, words: str) -> None:
    assert culprits.kind_of(value) == words
