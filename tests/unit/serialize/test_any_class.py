"""Classes put together at random: they arrive as they were, and come back as the script's own."""

import cloudpickle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import drawn

NAMES = st.sampled_from(["a", "b", "__c", "_d", "e1"])
VALUES = st.integers(-5, 5) | st.sampled_from(["'text'", "None", "1.5", "(1, 2)"])
BASES = st.sampled_from(["", "object", "abc.ABC", "Hooked", "Slotted", "Plain", "Plain, Slotted", "Generic[T]", "list"])
METHODS = st.sampled_from(
    [
        "def m0(self): return type(self).__name__, helper(1)",
        "def m1(self): return super().__repr__ is not None and __class__.__name__",
        "@property\ndef m2(self): return [helper(x) for x in [1]]",
        "@classmethod\ndef m3(cls): return cls.__qualname__",
        "@staticmethod\ndef m4(): return helper(2)",
        "@functools.cached_property\ndef m5(self): return helper(3)",
        "def m6(self, other: 'K' = None): return isinstance(self, K)",
        "def __eq__(self, other): return type(other) is type(self)",
        "def __hash__(self): return 5",
        "class Inner:\n    x = 3\n    def m(self): return K.__name__",
    ]
)
FIELDS = st.sampled_from(
    [
        "int = 1",
        "list = dataclasses.field(default_factory=list)",
        "'K' = None",
        "int = dataclasses.field(default=2, metadata={1: 2})",
    ]
)
HEAD = """
import abc, dataclasses, enum, functools
from typing import Generic, TypeVar
T = TypeVar("T")
made = []

def helper(x):
    return x + 1

class Hooked:
    def __init_subclass__(cls, **options):
        made.append((cls.__name__, options))

class Slotted:
    __slots__ = ("of_base", "__weakref__")

class Plain:
    pass
"""


def definition(head, lines):
    body = "\n".join(lines).replace("\n", "\n    ")
    return f"{HEAD}\n{head}:\n    {body}\n"


@st.composite
def class_definitions(draw):
    slots = draw(st.none() | st.lists(NAMES, max_size=3, unique=True))
    base = draw(BASES.filter(lambda base: base != "list" or not slots))
    names = slots if slots is not None else draw(st.lists(NAMES, max_size=3, unique=True))
    lines = [f"__slots__ = {tuple(slots)!r}"] if slots is not None else [f"{name} = {draw(VALUES)}" for name in names]
    lines += draw(st.lists(METHODS, max_size=4, unique=True))
    lines += ["def set(self):", *(f"    self.{name} = {draw(VALUES)}" for name in names), "    return self"]
    lines += ["def get(self):", f"    return [{', '.join(f'self.{name}' for name in names)}]"]
    return definition(f"class K({base})", lines)


@st.composite
def dataclass_definitions(draw):
    options = draw(st.dictionaries(st.sampled_from(["frozen", "slots", "kw_only", "unsafe_hash"]), st.booleans()))
    fields = draw(st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True))
    lines = [f"{name}: {draw(FIELDS)}" for name in fields]
    lines += draw(st.lists(METHODS.filter(lambda m: "__" not in m and "cached" not in m), max_size=2, unique=True))
    lines += ["def set(self): return self", "def get(self): return dataclasses.astuple(self)"]
    written = ", ".join(f"{name}={value}" for name, value in options.items())
    return definition(f"@dataclasses.dataclass({written})\nclass K", lines)


@st.composite
def enum_definitions(draw):
    kind = draw(
        st.sampled_from(["enum.Enum", "enum.IntEnum", "enum.Flag", "enum.IntFlag", "str, enum.Enum", "enum.StrEnum"])
    )
    names = draw(st.lists(st.sampled_from(["A", "B", "C", "D"]), min_size=1, max_size=4, unique=True))
    if "str" in kind.lower():
        lines = [f"{name} = {draw(st.sampled_from(['x', 'y', 'z']))!r}" for name in names]
    elif draw(st.booleans()):
        lines = [f"{name} = enum.auto()" for name in names]
    else:
        lines = [f"{name} = {draw(st.integers(1, 4))}" for name in names]
    lines += ["def __init__(self, *args): self.extra = args"] if draw(st.booleans()) else ["extra = enum.nonmember(1)"]
    lines += ["def set(self): return self", "def get(self): return self.name, self.value, self.extra"]
    lines += draw(
        st.lists(METHODS.filter(lambda m: "__eq" not in m and "__hash" not in m and "Inner" not in m), max_size=2)
    )
    return definition(f"class K({kind})", lines) + f"k = K.{names[-1]}\n"


@drawn(60)
@given(class_definitions() | dataclass_definitions() | enum_definitions())
def test_any_class_is_itself_there_and_back(far_process, code):
    engine = far_process
    engine.reset()
    names = {"__name__": "__main__"}
    exec(compile(code, "<cell>", "exec", dont_inherit=True), names)
    value = names["k"] if "k" in names else names["K"]().set()
    made = list(names["made"])
    check = "def f(v): return type(v) is K and v.get(), vars(v) if hasattr(v, '__dict__') else None, made"
    exec(check, names)
    got, own, made_there = engine.call(names["f"], value)
    assert got == value.get()
    assert own == getattr(value, "__dict__", None)
    assert made_there == made  # no hook ran again
    engine.push(kept=value)
    for back in (engine.call(names["f"].__class__((lambda v: v).__code__, names), value), engine.pull("kept")):
        assert type(back) is names["K"]
        assert back.get() == value.get()
    assert engine.pull("type(kept).__slots__" if "__slots__" in vars(names["K"]) else "None") == vars(names["K"]).get(
        "__slots__"
    )
    assert names["made"] == made


@pytest.mark.parametrize("times", [1, 2])
def test_a_class_that_cloudpickle_has_loaded_here_still_travels(engine, notebook, times):
    notebook.run(
        """
import dataclasses, enum, functools, typing

@dataclasses.dataclass
class P:
    x: int
    _: dataclasses.KW_ONLY
    y: list = dataclasses.field(default_factory=list)
    z: typing.ClassVar[int] = 1
    def norm(self): return abs(self.x)

class Color(enum.Enum):
    RED = 1
    def get(self): return self.value
"""
    )
    for _ in range(times):
        cloudpickle.loads(cloudpickle.dumps(notebook["P"]))  # noqa: TID251 -- as joblib does
        cloudpickle.loads(cloudpickle.dumps(notebook["Color"]))  # noqa: TID251 -- as joblib does
    f = notebook.run(
        "def f(p, c):\n"
        "    fields = {field.name: field for field in dataclasses.fields(p)}\n"
        "    assert fields['x'].default is dataclasses.MISSING and fields['x']._field_type is dataclasses._FIELD\n"
        "    assert fields['x'].default_factory is dataclasses.MISSING and fields['y'].kw_only\n"
        "    return dataclasses.replace(p, x=-4), c.get(), c is Color.RED, P(1).y"
    )
    back = engine.call(f, notebook["P"](3), notebook["Color"].RED)
    assert back == (notebook["P"](-4), 1, True, [])
    assert type(back[0]) is notebook["P"]
