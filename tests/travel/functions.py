"""Functions of `__main__`, as what is called, as arguments and as results."""

import asyncio
import contextlib
import functools
import math
import operator
import typing
from collections.abc import Callable

from tests.travel.carry import close, made, row, title

title("Closures, also with `nonlocal`, defaults and keyword defaults")


def outer(x, *, scale=2):
    count = 0

    def inner(y, z=3, *, w=4):
        nonlocal count
        count += 1
        return (x + y * scale + z + w, count)

    return inner


def reader_and_writer():
    value = 0

    def read():
        return value

    def write(new):
        nonlocal value
        value = new

    return read, write


def shared(pair):
    read, write = pair
    write(7)
    return read() == 7


row(outer(1), lambda f: f(1)[0] == 10 and f.__kwdefaults__ == {"w": 4}, same=None)
row(reader_and_writer(), shared, same=None)
row(lambda x, factor=3: x * factor, lambda f: f(2) == 6, same=None)

title("Recursive and mutually recursive functions")


def fact(n):
    return 1 if n < 2 else n * fact(n - 1)


def even(n):
    return n == 0 or odd(n - 1)


def odd(n):
    return n != 0 and even(n - 1)


def nest():
    def local_fact(n):
        return 1 if n < 2 else n * local_fact(n - 1)

    def ping(n):
        return "ping" if n == 0 else pong(n - 1)

    def pong(n):
        return "pong" if n == 0 else ping(n - 1)

    return local_fact, ping


row(fact, lambda f: f(5) == 120, same=None)
row(even, lambda f: f(10) and not f(7), same=None)
row(nest(), lambda fs: fs[0](5) == 120 and fs[1](3) == "pong", same=None)

title("Decorated functions: `functools.wraps`, decorators with state, decorator classes")


def logged(function):
    @functools.wraps(function)
    def wrapper(*args, **kwargs):
        wrapper.calls += 1
        return function(*args, **kwargs)

    wrapper.calls = 0
    return wrapper


def times(n):
    return lambda function: functools.wraps(function)(lambda *args: n * function(*args))


class Counted:
    def __init__(self, function):
        functools.update_wrapper(self, function)
        self.function, self.calls = function, 0

    def __call__(self, *args):
        self.calls += 1
        return self.function(*args)


@logged
def add(a, b):
    """Add."""
    return a + b


@times(3)
@logged
def one():
    return 1


@Counted
def counted(a):
    return a + 1


@contextlib.contextmanager
def tag(words):
    words.append("in")
    yield words
    words.append("out")


def within(manager):
    words = []
    with manager(words):
        words.append("within")
    return words == ["in", "within", "out"]


row(add, lambda f: f(1, 2) == 3 and f.__name__ == "add" and f.__doc__ == "Add." and f.__wrapped__(1, 1) == 2, same=None)
row(one, lambda f: f() == 3 and f.__name__ == "one", same=None)
row(counted, lambda f: f(1) == 2 and f.__name__ == "counted", same=None)
row(tag, within, same=None)

title(
    "`functools`: partial, partialmethod, lru_cache, cache, singledispatch, cached_property, total_ordering, cmp_to_key"
)


@functools.lru_cache(maxsize=10)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


@functools.cache
def square(n):
    return n * n


@functools.singledispatch
def shown(value):
    return "something"


@shown.register
def _(value: int):
    return "int"


@shown.register(list)
def _(value):
    return "list of " + shown(value[0])


class Box:
    def __init__(self, side):
        self.side = side

    def scaled(self, by, plus=0):
        return self.side * by + plus

    twice = functools.partialmethod(scaled, 2, plus=1)

    @functools.cached_property
    def area(self):
        return self.side**2

    @functools.singledispatchmethod
    def kind(self, value):
        return "other"

    @kind.register
    def _(self, value: str):
        return "str"

    @functools.lru_cache  # noqa: B019
    def slow(self):
        return self.side + 1

    def __eq__(self, other):
        return type(other) is Box and self.side == other.side

    def __hash__(self):
        return self.side


@functools.total_ordering
class Version:
    def __init__(self, n):
        self.n = n

    def __eq__(self, other):
        return self.n == other.n

    def __lt__(self, other):
        return self.n < other.n

    __hash__ = None


def compare(a, b):
    return (a > b) - (a < b)


row(functools.partial(add, 1, b=2), lambda f: f() == 3, same=None)
row(functools.partial(functools.partial(math.pow, 2), 3), lambda f: f() == 8, same=None)
row(fib, lambda f: f(30) == 832040 and f.cache_parameters()["maxsize"] == 10, same=None)
row(square, lambda f: f(3) == 9 and f.cache_info().maxsize is None, same=None)
row(shown, lambda f: (f(1), f([1]), f("")) == ("int", "list of int", "something"), same=None)
made(lambda: Box(3), lambda b: (b.twice(), b.area, b.kind("a"), b.kind(1), b.slow()) == (7, 9, "str", "other", 4))
row([Version(2), Version(1)], lambda vs: sorted(vs)[0].n == 1 and vs[0] >= vs[1])
row(functools.cmp_to_key(compare), lambda key: sorted([3, 1, 2], key=key) == [1, 2, 3], same=None)
row(functools.reduce, lambda f: f(add, [1, 2, 3]) == 6)
row(operator.itemgetter(1), lambda f: f([1, 2]) == 2, same=None)
row(operator.methodcaller("upper"), lambda f: f("a") == "A", same=None)
row(operator.attrgetter("real"), lambda f: f(1) == 1, same=None)

title("Methods: bound, class, static, of built-in objects, of classes with `__call__`")


class Account:
    opened = 0

    def __init__(self, balance=0):
        self.balance = balance

    def deposit(self, amount):
        self.balance += amount
        return self.balance

    @classmethod
    def rich(cls):
        return cls(1000)

    @staticmethod
    def fee(amount):
        return amount // 10

    def __call__(self, amount):
        return self.balance + amount

    def __eq__(self, other):
        return type(other) is Account and self.balance == other.balance

    __hash__ = None


row(Account(5).deposit, lambda f: f(0) == 5 and type(f.__self__) is Account, same=None)
row(Account.rich, lambda f: f().balance == 1000 and f.__self__ is Account, same=None)
row(Account.fee, lambda f: f(100) == 10, same=None)
row(Account.deposit, lambda f: f(Account(1), 2) == 3, same=None)
row(Account(5), lambda f: f(2) == 7)
row("abc".upper, lambda f: f() == "ABC", same=None)
row([3].append, lambda f: f(1) is None, same=None)
row(dict.fromkeys, lambda f: f("a") == {"a": None}, same=None)
row(str.upper, lambda f: f("a") == "A")
row(math.hypot, lambda f: f(3, 4) == 5)

title("Generator functions, `async def` functions and async generators")


def count_to(n):
    yield from range(n)


async def soon(x):
    await asyncio.sleep(0)
    return x + 1


async def twice(x):
    return await soon(await soon(x))


async def ticks(n):
    for i in range(n):
        yield await soon(i)


async def all_of(source):
    return [each async for each in source(3)]


def run(coroutine):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(coroutine)
    finally:
        loop.close()


async def check_ticks(f):
    return await all_of(f) == [1, 2, 3]


def lazily(f):
    return [*f(3)] == [0, 1, 2] and [x for x in f(2)] == [0, 1] and sum(i for i in f(3)) == 3


row(count_to, lazily, same=None)

title("Functions whose annotations use classes of the script")


def annotated(a: int, b: "Later", c: Callable[[int], str] | None = None, *rest: Account) -> "list[Later]":
    return [Later(a)]


class Later:
    def __init__(self, x):
        self.x = x


class Book:
    owner: "Later"
    books: "list[Book]"

    def find(self, key: "Later") -> "Book": ...


row(annotated, lambda f: f(1, None)[0].x == 1 and f.__annotations__["a"] is int, same=None)
row(annotated, lambda f: typing.get_type_hints(f)["b"].__name__ == "Later", same=None)
row(Book, lambda b: typing.get_type_hints(b)["books"] == list[b] and typing.get_type_hints(b.find)["return"] is b)

close()
