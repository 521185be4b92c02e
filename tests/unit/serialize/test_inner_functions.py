"""Code that chooses the builtins of the functions it makes."""

import builtins
import dis
import importlib.util
import pickle
import sys
from pathlib import Path
from types import CodeType, FunctionType

import pytest

from engineroom.serialize.functions.inner import Builtins, original_of, with_builtins


@pytest.fixture
def chosen():
    module = Builtins()
    vars(module).update(vars(builtins), helper=lambda x: x * 10)
    return module


def run(source, chosen):
    """The namespace in which a module of this source ran, its own builtins being the usual ones."""
    namespace = {"__name__": "__main__", "__builtins__": builtins}
    exec(with_builtins(compile(source, "<module>", "exec"), chosen), namespace)
    assert namespace["__builtins__"] is builtins
    return namespace


@pytest.mark.parametrize(
    "body",
    [
        "lambda: helper(1)",
        "lambda n=1: helper(n)",
        "lambda *, n=1: helper(n)",
        "[lambda: helper(1)][0]",
        "(lambda k: lambda: helper(k))(1)",
        "(lambda k, m: lambda a=0, *, b=0: helper(k + m + a + b))(1, 0)",
        "lambda: [helper(x) for x in [1]][0]",
        "lambda: list(helper(x) for x in [1])[0]",
        "lambda: {helper(x): 1 for x in [1]}.popitem()[0]",
        "lambda: [[helper(y) for y in [x]] for x in [1]][0][0]",
        "lambda: list(map(lambda x: helper(x), [1]))[0]",
        "lambda: [f for f in [lambda x: helper(x)]][0](1)",
    ],
)
def test_expressions(chosen, body):
    assert run(f"f = {body}", chosen)["f"]() == 10


STATEMENTS = [
    """
    def g(a: helper(1) = 1, *, b: int = 0) -> int:
        return helper(a + b)
    return g()
    """,
    """
    class A:
        made = helper(1)
        def m(self): return [self.made for _ in [1]][0]
    return A().m()
    """,
    """
    class A:
        class B:
            def m(self): return helper(1)
    return A.B().m()
    """,
    """
    class A:
        def m(self): return 10
    class B(A):
        def m(self): return super().m() * helper(1) // 10
    return B().m()
    """,
    """
    try:
        raise ValueError
    except ValueError:
        return (lambda: helper(1))()
    """,
    """
    for i in [1]:
        try:
            continue
        finally:
            f = lambda: helper(i)
    return f()
    """,
    """
    with open('/dev/null') as file:
        return [helper(x) for x in [1]][0]
    """,
    """
    def g():
        try:
            yield (lambda: helper(1))()
        finally:
            closed.append(1)
    closed = []
    it = g()
    try:
        return next(it)
    finally:
        it.close()
        assert closed
    """,
    """
    async def g():
        return [helper(x) async for x in h()][0]
    async def h():
        yield 1
    import asyncio
    return asyncio.run(g())
    """,
    """
    import dataclasses
    @dataclasses.dataclass
    class P:
        x: int = 1
        def y(self): return [helper(self.x) for _ in [1]][0]
    return [helper(P().x) for _ in [1]][0]
    """,
]


@pytest.mark.parametrize("body", STATEMENTS)
def test_statements(chosen, body):
    assert run(f"def f():\n{body}", chosen)["f"]() == 10


def test_arguments_that_need_more_than_a_byte(chosen):
    lines = [f"    x{n} = 'constant {n}'; f{n} = lambda: (helper({n}), x{n})" for n in range(700)]
    made = run("\n".join(["def f():", *lines, "    return f0, f350, f699"]), chosen)["f"]()
    assert [function() for function in made] == [
        (0, "constant 0"),
        (3500, "constant 350"),
        (6990, "constant 699"),
    ]


def test_loops_and_handlers_around_many_functions(chosen):
    source = """
def f(n):
    out = []
    for i in range(n):
        try:
            g = lambda: helper(i)
            if i % 3 == 0:
                raise KeyError([lambda: helper(j) for j in [i]][0]())
            out.append(g())
        except KeyError as error:
            out.append(-error.args[0])
        else:
            out.append((lambda: i)())
        while True:
            h = lambda k=i: helper(k)
            if h() >= 0:
                break
    return out
"""
    expected = []
    for i in range(10):
        expected += [-10 * i] if i % 3 == 0 else [10 * i, i]
    assert run(source, chosen)["f"](10) == expected


def test_the_line_of_an_error(chosen):
    f = run("def f():\n    g = lambda: helper(1)\n    h = [x for x in [g]]\n    return 1 / 0", chosen)["f"]
    with pytest.raises(ZeroDivisionError) as raised:
        f()
    assert raised.traceback[-1].lineno == 3


def test_the_original_is_known(chosen):
    code = compile("f = lambda: [lambda: x for x in y]", "<module>", "exec")
    changed = with_builtins(code, chosen)
    assert changed is not code
    assert original_of(changed) is code
    assert original_of(code) is code
    assert {changed: 1}[changed] == 1
    plain = compile("f = 1", "<module>", "exec")
    assert with_builtins(plain, chosen) is plain


def test_a_copy_elsewhere_has_the_usual_builtins(chosen):
    assert pickle.loads(pickle.dumps(chosen)) is builtins  # noqa: TID251 -- as another pickler does


if sys.version_info >= (3, 12):

    def test_type_parameters(chosen):
        function = "def f[T: helper(1)](x: T) -> T:\n    return [helper(y) for y in [x]][0]"
        names = run(f"{function}\nclass C[T]:\n    m = helper(1)\ntype A = helper(1)", chosen)
        assert names["f"](1) == 10
        assert names["C"].m == 10
        assert names["A"].__value__ == 10


_MODULES = ["argparse", "ast", "asyncio.base_events", "dataclasses", "enum", "inspect", "typing", "statistics"]


@pytest.mark.parametrize("name", _MODULES)
def test_modules_of_the_standard_library(chosen, name):
    path = Path(importlib.util.find_spec(name).origin)
    code = compile(path.read_bytes(), str(path), "exec")
    changed = with_builtins(code, chosen)
    for before, after in pairs(code, changed):
        check(before, after)
    package = name.rpartition(".")[0]
    names = {"__name__": f"again.{name}", "__package__": package, "__builtins__": builtins}
    sys.modules[names["__name__"]] = sys  # for what looks its own module up
    try:
        exec(changed, names)
    finally:
        del sys.modules[names["__name__"]]
    made = [value for value in names.values() if type(value) is FunctionType and value.__globals__ is names]
    assert made
    assert all(function.__builtins__ is vars(chosen) for function in made)


def pairs(before, after):
    yield before, after
    for one, other in zip(before.co_consts, after.co_consts, strict=False):
        if isinstance(one, CodeType):
            yield from pairs(one, other)


def check(before, after):
    """All instructions are where they were, but for those that made functions."""
    old = {i.offset: i for i in dis.get_instructions(before)}
    new = {i.offset: i for i in dis.get_instructions(after)}
    diverted = 0
    for offset, instruction in old.items():
        if instruction.opname == "MAKE_FUNCTION":
            diverted += 1
            assert new[offset].opname == "JUMP_FORWARD"
        elif (offset + 2 in old and old[offset + 2].opname == "MAKE_FUNCTION") or instruction.opname == "EXTENDED_ARG":
            continue
        else:
            assert (new[offset].opname, new[offset].argval) == (instruction.opname, instruction.argval) or (
                isinstance(instruction.argval, CodeType)
            )
    if diverted:
        back = [i for i in new.values() if i.offset >= len(before.co_code) and i.opname == "JUMP_BACKWARD_NO_INTERRUPT"]
        assert len(back) == diverted
        assert {i.argval for i in back} == {o + 2 for o, i in old.items() if i.opname == "MAKE_FUNCTION"}
    assert list(lines(after))[: len(before.co_code) // 2] == list(lines(before))


def lines(code):
    for start, end, line in code.co_lines():
        yield from [line] * ((end - start) // 2)
