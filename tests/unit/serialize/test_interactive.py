"""Functions from a notebook, run on an engine in another process."""

import pytest


def test_the_engines_names_come_before_the_clients(engine, notebook):
    f = notebook.run("a = 1\nf = lambda: a")
    assert engine.call(f) == 1
    engine.push(a=7)
    assert engine.call(f) == 7


def test_a_name_that_only_the_engine_has(engine, notebook):
    engine.push(a=7)
    assert engine.call(notebook.run("f = lambda: a")) == 7


def test_a_name_that_nobody_has(engine, notebook):
    with pytest.raises(NameError, match="name 'a' is not defined"):
        engine.call(notebook.run("f = lambda: a"))


def test_captured_names_are_not_written_to_the_namespace(engine, notebook):
    assert engine.call(notebook.run("import math\na = 2\ndef g(): return a\nf = lambda: g() * math.floor(1.5)")) == 2
    assert engine.names() == []
    with pytest.raises(NameError):
        engine.pull("a")
    with pytest.raises(NameError):
        engine.call(notebook.run("del a\nf = lambda: a"))


def test_global_writes_go_to_the_namespace(engine, notebook):
    engine.call(notebook.run("x = 0\ndef f():\n    global x, y\n    x += 1\n    y = 5"))
    assert engine.pull("[x, y]") == [1, 5]
    assert notebook["x"] == 0


@pytest.mark.parametrize(
    "body",
    [
        "[helper(x) for x in xs]",
        "list(helper(x) for x in xs)",
        "list(map(lambda x: helper(x), xs))",
        "(lambda: (lambda: [helper(x) for x in xs])())()",
        "list({helper(x): 1 for x in xs})",
        "list(steps(xs))",
        "Inner.made",
        "inner()",
        "eval('[helper(x) for x in xs]', globals(), {'xs': xs})",
        "deep(xs)",
    ],
)
def test_functions_inside_see_what_was_captured(engine, notebook, body):
    notebook.run(
        f"""
import math
offset = 10

def helper(x):
    return sum(math.floor(y + offset) for y in [x])

def steps(xs):
    for x in xs:
        yield helper(x)

def deep(xs):
    return list(map(lambda x: list(steps([x]))[0], xs))

def f(xs):
    class Inner:
        made = [helper(1), helper(2)]
    def inner():
        return [helper(x) for x in xs]
    return {body}
"""
    )
    assert engine.call(notebook["f"], [1, 2]) == [11, 12]
    assert engine.names() == []


def test_a_function_among_the_arguments(engine, notebook):
    notebook.run("k = 3\ndef helper(x): return x * k\ndef apply(f, xs): return [f(x) for x in xs]")
    assert engine.call(notebook["apply"], lambda_in(notebook, "lambda x: [helper(y) for y in [x]]"), [1, 2]) == [
        [3],
        [6],
    ]
    assert list(engine.call(sorted, [3, 1, 2], key=lambda_in(notebook, "lambda x: (lambda: -helper(x))()"))) == [
        3,
        2,
        1,
    ]


def lambda_in(notebook, source):
    return notebook.run(f"f = {source}")


def test_a_pushed_function_keeps_what_it_captured(engine, notebook):
    notebook.run("import math\nk = 3\ndef helper(x): return math.floor(x) * k")
    engine.push(g=lambda_in(notebook, "lambda xs: list(map(lambda x: helper(x), xs))"))
    engine.execute("result = g([1, 2])")
    assert engine.pull("result") == [3, 6]
    assert engine.names() == ["g", "result"]


def test_builtins_that_appear_after_a_push(engine, notebook):
    engine.push(g=notebook.run("k = 3\nf = lambda: [k for _ in [1]][0]"))
    engine.execute("import builtins\nbuiltins.appeared = 2")
    engine.execute("result = appeared + g()")
    assert engine.pull("result") == 5
    engine.execute("del builtins.appeared")


def test_what_a_pushed_function_refers_to_is_the_engines_if_it_has_it(engine, notebook):
    engine.push(g=notebook.run("k = 3\nf = lambda: k"), k=4)
    engine.execute("result = g()")
    assert engine.pull("result") == 4


def test_the_namespace_has_its_usual_builtins_afterwards(engine, notebook):
    engine.call(notebook.run("a = 1\nf = lambda: a"))
    with pytest.raises(ZeroDivisionError):
        engine.call(notebook.run("a = 0\nf = lambda: 1 / a"))
    assert engine.pull("__builtins__ is __import__('builtins')")


def test_recursion(engine, notebook):
    notebook.run("def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)")
    assert engine.call(notebook["even"], 10) is True
    assert engine.call(notebook.run("def f(n): return 1 if n < 2 else n * f(n - 1)"), 5) == 120
    assert (
        engine.call(
            notebook.run("def outer():\n    def g(n): return 1 if n < 2 else n * g(n - 1)\n    return g\nf = outer()"),
            5,
        )
        == 120
    )


def test_a_function_that_hides_a_builtin(engine, notebook):
    assert engine.call(notebook.run("def len(x): return -1\nf = lambda x: len(x)"), []) == -1
    assert engine.call(notebook.run("del len\nf = lambda x: len(x)"), []) == 0


def test_builtins_that_appear_later(engine, notebook):
    f = notebook.run("a = 1\nf = lambda: (a, appeared)")
    with pytest.raises(NameError):
        engine.call(f)
    engine.execute("import builtins\nbuiltins.appeared = 2")
    try:
        assert engine.call(f) == (1, 2)
    finally:
        engine.execute("del builtins.appeared")


def test_decorated_functions(engine, notebook):
    notebook.run(
        """
import contextlib, functools
calls = 10

def twice(function):
    @functools.wraps(function)
    def wrapper(*args):
        return [function(*args), function(*args), calls]
    return wrapper

@twice
def f(x):
    return x + calls

@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

@contextlib.contextmanager
def held(x):
    yield x + calls

def g(x):
    with held(x) as value:
        return value

@functools.singledispatch
def kind(x):
    return "any"

@kind.register
def _(x: int):
    return "int"
"""
    )
    assert engine.call(notebook["f"], 1) == [11, 11, 10]
    assert engine.call(notebook["fib"], 50) == 12586269025
    assert engine.call(notebook["g"], 1) == 11
    assert engine.call(notebook["kind"], 1) == "int"
    assert engine.call(notebook["kind"], "") == "any"


def test_closures_are_fresh_for_each_call(engine, notebook):
    notebook.run(
        """
def outer():
    n = 0
    def count():
        nonlocal n
        n += 1
        return n
    return count
f = outer()
"""
    )
    assert [engine.call(notebook["f"]), engine.call(notebook["f"])] == [1, 1]
    notebook["f"]()
    assert engine.call(notebook["f"]) == 2


def test_functions_that_share_a_variable_share_it_on_the_engine(engine, notebook):
    notebook.run(
        """
def make():
    n = 0
    def add(): nonlocal n; n += 1
    def read(): return n
    return add, read
add, read = make()
def f():
    add(); add()
    return read()
"""
    )
    assert engine.call(notebook["f"]) == 2
    assert notebook["read"]() == 0


def test_coroutines_and_generators(engine, notebook):
    notebook.run(
        "import asyncio\nk = 2\nasync def f(x):\n    await asyncio.sleep(0)\n    return [await g(y) for y in x]"
    )
    notebook.run("async def g(y):\n    return (lambda: y * k)()")
    assert engine.call(notebook["f"], [1, 2]) == [2, 4]
    notebook.run("def h(n):\n    yield from (i * k for i in range(n))\nf = lambda n: sum(h(n))")
    assert engine.call(notebook["f"], 4) == 12


def test_partials_methods_and_instances(engine, notebook):
    notebook.run(
        """
import functools
k = 5
class A:
    def __init__(self, x): self.x = x
    def method(self, y): return self.x + y + k
    def __call__(self, y): return self.method(y)
    @classmethod
    def make(cls, x): return cls(x).method(0)
    @staticmethod
    def add(x, y): return [x + y + k for _ in [1]]
a = A(1)
p = functools.partial(a.method, 2)
"""
    )
    assert engine.call(notebook["p"]) == 8
    assert engine.call(notebook["a"], 2) == 8
    assert engine.call(notebook["a"].method, 2) == 8
    assert engine.call(notebook["A"].make, 1) == 6
    assert engine.call(notebook["A"].add, 1, 2) == [8]
    assert engine.call(notebook["A"], 1).x == 1


def test_importable_things_travel_by_reference(engine):
    from operator import itemgetter

    import numpy as np

    assert engine.call(len, [1, 2]) == 2
    assert engine.call("a-b".split, "-") == ["a", "b"]
    assert engine.call(itemgetter(1), [1, 2]) == 2
    assert engine.call(np.add, 1, 2) == 3
    assert engine.call(np.mean, [1, 3]) == 2
    assert engine.call(dict, a=1) == {"a": 1}


def test_submodules(engine, notebook):
    notebook.run("import xml.dom.minidom\nf = lambda: xml.dom.minidom.Document.__name__")
    assert engine.call(notebook["f"]) == "Document"


def test_a_function_that_comes_back(engine, notebook):
    notebook.run("k = 2\ndef helper(x): return x * k\ndef f(): return lambda x: [helper(y) for y in [x]]")
    assert engine.call(notebook["f"])(3) == [6]
    engine.execute("z = 4\ndef made(x):\n    return [x * z for _ in [1]]")
    assert engine.pull("made")(2) == [8]
    assert engine.call(engine.pull("made"), 2) == [8]


def test_attributes_defaults_and_annotations(engine, notebook):
    notebook.run("def f(x, y=2, *, z: int = 3) -> int:\n    'words'\n    return x + y + z + f.extra\nf.extra = 4")
    assert engine.call(notebook["f"], 1) == 10
    returned = engine.call(notebook.run("g = f\ndef f(): return g"))
    assert (returned.__doc__, returned.__annotations__["z"], returned.__name__) == ("words", int, "f")
