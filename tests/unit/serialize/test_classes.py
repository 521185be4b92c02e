"""Classes of `__main__` travel by value and stay themselves."""

import pytest


@pytest.fixture
def shapes(notebook):
    notebook.run(
        """
import abc, dataclasses, enum, functools, math, typing
factor = 2

class Base(abc.ABC):
    made = 0
    def __init__(self, x):
        super().__init__()
        self.x = x
    @abc.abstractmethod
    def area(self): ...
    def scaled(self):
        return [self.area() * factor for _ in [1]][0]
    @property
    def double(self): return self.x * factor
    @functools.cached_property
    def root(self): return math.sqrt(self.x)

class Square(Base):
    __slots__ = ("y",)
    def __init__(self, x):
        super().__init__(x)
        self.y = x
    def area(self): return self.x * self.y

@dataclasses.dataclass(frozen=True, order=True)
class Point:
    x: int
    y: int = 0
    tags: list = dataclasses.field(default_factory=list)
    def norm(self): return math.hypot(self.x, self.y)

class Color(enum.Enum):
    RED = 1
    BLUE = 2
    @property
    def other(self): return Color.BLUE if self is Color.RED else Color.RED

class Pair(typing.NamedTuple):
    left: int
    right: int

class Oops(ValueError):
    def __init__(self, code, detail):
        super().__init__(f"{code}: {detail}")
        self.code = code
"""
    )
    return notebook


def test_instances_there_and_back(engine, shapes):
    square = shapes["Square"](4)
    back = engine.call(shapes.run("f = lambda s: (s, type(s) is Square, s.scaled(), s.double, s.root)"), square)
    assert type(back[0]) is shapes["Square"]
    assert back[1:] == (True, 32, 8, 2.0)


def test_methods_on_the_engine_see_the_engines_names_first(engine, shapes):
    square = shapes["Square"](4)
    engine.push(factor=10)
    assert engine.call(shapes.run("f = lambda s: s.scaled()"), square) == 160
    assert square.scaled() == 32


def test_dataclasses_enums_and_named_tuples(engine, shapes):
    point, color = shapes["Point"], shapes["Color"]
    f = shapes.run("f = lambda p, c: (dataclasses.replace(p, y=4), c.other, c is Color.RED, Pair(1, 2), p < Point(9))")
    back = engine.call(f, point(3), color.RED)
    assert back[0] == point(3, 4)
    assert back[0].norm() == 5
    assert back[1] is color.BLUE
    assert back[2:] == (True, (1, 2), True)
    assert type(back[3]) is shapes["Pair"]


def test_a_dataclass_is_extended_on_the_engine(engine, shapes):
    engine.push(Point=shapes["Point"])
    engine.execute(
        "import dataclasses\n@dataclasses.dataclass(frozen=True)\nclass Point3(Point):\n    z: int = 5\np = Point3(1)"
    )
    point = engine.pull("p")
    assert (point.x, point.z, point.norm()) == (1, 5, 1.0)
    assert isinstance(point, shapes["Point"])
    assert type(engine.pull("p")) is type(point)


def test_identity_holds_over_calls(engine, shapes):
    engine.push(kept=shapes["Point"](1))
    assert engine.call(shapes.run("f = lambda p: type(p) is type(kept) and p == kept"), shapes["Point"](1))


def test_what_comes_back_never_changes_a_class_that_was_defined_here(engine, shapes):
    norm, made = shapes["Point"].norm, shapes["Square"].made
    engine.call(shapes.run("def f(s):\n    Square.made = 99\n    return Point(1), s"), shapes["Square"](1))
    assert shapes["Point"].norm is norm
    assert shapes["Square"].made is made


def test_an_edited_class_is_new_on_the_engine(engine, shapes):
    f = shapes.run("f = lambda: Point(3, 4).norm()")
    assert engine.call(f) == 5
    shapes["Point"].norm = lambda self: -1
    assert engine.call(f) == -1
    shapes.run("class Point:\n    def __init__(self, *a): pass\n    def norm(self): return -2")
    assert engine.call(f) == -2


def test_an_exception_class(engine, shapes):
    with pytest.raises(shapes["Oops"], match="7: bad") as caught:
        engine.call(shapes.run("def f(): raise Oops(7, 'bad')"))
    assert caught.value.code == 7
    assert type(caught.value.original) is shapes["Oops"]


def test_a_class_that_execute_defined(engine):
    engine.execute(
        "class Local:\n    def __init__(self): self.x = 1\n    def get(self): return [self.x for _ in [1]]\n"
        "local = Local()"
    )
    local = engine.pull("local")
    assert local.get() == [1]
    assert engine.call(isinstance, local, engine.pull("Local")) is True
    engine.push(back=local)
    assert engine.pull("type(back) is Local")
