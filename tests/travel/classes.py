"""Classes of `__main__`: with slots, dataclasses, named tuples."""

import collections
import dataclasses
import typing
import weakref

from tests.travel.carry import close, made, row, title

title(
    "Classes with `__slots__`: a tuple, one string, private, inherited, with `__dict__` or `__weakref__`, with defaults"
)


class Slotted:
    __slots__ = ("x", "y")

    def __init__(self, x=1, y=2):
        self.x, self.y = x, y

    def __eq__(self, other):
        return type(other) is type(self) and (self.x, self.y) == (other.x, other.y)

    def __hash__(self):
        return hash(self.x)


class OneSlot:
    __slots__ = "only"

    def __init__(self, only=5):
        self.only = only


class PrivateSlot:
    __slots__ = ["__hidden", "__dict__"]

    def __init__(self, hidden=6):
        self.__hidden = hidden
        self.free = "free"

    @property
    def hidden(self):
        return self.__hidden


class MoreSlots(Slotted):
    __slots__ = {"z": "the third coordinate"}

    def __init__(self, z=3):
        super().__init__()
        self.z = z


class NoSlots(Slotted):
    def __init__(self):
        super().__init__()
        self.anything = 1


class EmptySlots(Slotted):
    __slots__ = ()


class Mixed(EmptySlots, NoSlots):
    __slots__ = ("w",)

    def __init__(self):
        NoSlots.__init__(self)
        self.w = 9


class WeakSlots:
    __slots__ = ("__weakref__", "a", "b")

    def __init__(self):
        self.a = 1  # b stays unset


class SlotsWithState:
    __slots__ = ("x",)

    def __init__(self, x=1):
        self.x = x

    def __getstate__(self):
        return {"value": self.x + 100}

    def __setstate__(self, state):
        self.x = state["value"] - 100


class LeftSlots:
    __slots__ = ("_value",)

    def __init__(self):
        self._value = 1

    @property
    def value(self):
        return self._value


made(lambda: Slotted(3, 4), lambda s: (s.x, s.y) == (3, 4) and not hasattr(s, "__dict__") and type(s) is Slotted)
made(OneSlot, lambda s: s.only == 5 and not hasattr(s, "__dict__"), same=lambda a, b: a.only == b.only)
made(PrivateSlot, lambda s: s.hidden == 6 and s.free == "free", same=None)
made(MoreSlots, lambda s: (s.x, s.z) == (1, 3) and isinstance(s, Slotted) and not hasattr(s, "__dict__"))
made(MoreSlots, lambda s: type(s).__slots__ == {"z": "the third coordinate"})
made(NoSlots, lambda s: (s.x, s.anything) == (1, 1) and vars(s) == {"anything": 1})
made(Mixed, lambda s: (s.x, s.anything, s.w) == (1, 1, 9))
made(WeakSlots, lambda s: s.a == 1 and not hasattr(s, "b") and weakref.ref(s)() is s, same=None)
made(SlotsWithState, lambda s: s.x == 1, same=None)
made(LeftSlots, lambda s: s.value == 1, same=None)
row({Slotted: Slotted.x.__get__(Slotted(7))}, lambda d: d == {Slotted: 7})
row([Slotted, Slotted()], lambda pair: type(pair[1]) is pair[0])

title(
    "Dataclasses: frozen, ordered, keyword-only, slots, weak references, `InitVar`, factories, inherited, created by a function call"
)


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0
    tags: list = dataclasses.field(default_factory=list, compare=False, metadata={"unit": "m"})
    count: typing.ClassVar[int] = 3

    def norm(self):
        return abs(self.x) + abs(self.y)


@dataclasses.dataclass(frozen=True, order=True)
class Frozen:
    x: int
    y: "list[Frozen]" = ()


@dataclasses.dataclass(slots=True)
class SlottedPoint:
    x: int
    y: int = 4
    tags: list = dataclasses.field(default_factory=list)

    def shifted(self):
        return dataclasses.replace(self, x=self.x + 1)


@dataclasses.dataclass(slots=True, frozen=True, kw_only=True, order=True)
class Everything:
    x: int
    y: int = 2

    def both(self):
        return self.x + self.y == 3


@dataclasses.dataclass(slots=True)
class Child(SlottedPoint):
    z: int = 5

    def shifted(self):
        return SlottedPoint.shifted(self)


@dataclasses.dataclass(slots=True, weakref_slot=True)
class Weakly:
    x: int = 1


@dataclasses.dataclass
class WithInit:
    x: int
    scale: dataclasses.InitVar[int] = 2
    _: dataclasses.KW_ONLY = None
    z: int = 0
    total: int = dataclasses.field(init=False, repr=False)

    def __post_init__(self, scale):
        self.total = self.x * scale


@dataclasses.dataclass(unsafe_hash=True, repr=False, match_args=False)
class Hashed(Point):
    more: str = "m"


Made = dataclasses.make_dataclass("Made", [("a", int), ("b", str, "b")])


@dataclasses.dataclass
class Node:
    value: int
    left: "Node | None" = None
    parent: "Node | None" = dataclasses.field(default=None, repr=False, compare=False)


def tree():
    root = Node(1)
    root.left = Node(2, parent=root)
    return root


def as_made(point):
    return dataclasses.asdict(point), [f.name for f in dataclasses.fields(point)]


made(
    lambda: Point(1, 2, ["a"]),
    lambda p: p.norm() == 3 and p.count == 3 and dataclasses.fields(p)[2].metadata["unit"] == "m",
)
made(
    lambda: Point(1),
    lambda p: (
        dataclasses.replace(p, y=5) == Point(1, 5) and dataclasses.fields(Point)[0].default is dataclasses.MISSING
    ),
)
made(lambda: Frozen(1, (Frozen(2),)), lambda p: p < Frozen(2) and hash(p) == hash(Frozen(1, (Frozen(2),))))
made(lambda: SlottedPoint(1), lambda p: p.shifted() == SlottedPoint(2) and not hasattr(p, "__dict__"))
made(
    lambda: Everything(x=1),
    lambda p: p < Everything(x=2) and not hasattr(p, "__dict__") and {p: 1}[Everything(x=1)] and p.both(),
)
made(lambda: Child(1), lambda p: p.z == 5 and p.shifted().x == 2 and isinstance(p, SlottedPoint))
made(Weakly, lambda p: weakref.ref(p)() is p)
made(lambda: WithInit(3), lambda p: p.total == 6 and WithInit(4, 3, z=1).total == 12, same=lambda a, b: a == b)
made(lambda: Hashed(1), lambda p: p.more == "m" and hash(p) == hash(Hashed(1)))
made(lambda: Made(1), lambda p: as_made(p) == ({"a": 1, "b": "b"}, ["a", "b"]))
made(tree, lambda n: n.left.parent is n and n.left.value == 2)
row(dataclasses.fields(Point), lambda fs: fs[0].name == "x" and fs[0].default is dataclasses.MISSING, same=None)

title("Named tuples, in both forms")


class Pair(typing.NamedTuple):
    """A pair."""

    left: int
    right: int = 2

    def swapped(self):
        return Pair(self.right, self.left)


Triple = collections.namedtuple("Triple", "a b c", defaults=[3])
Quad = typing.NamedTuple("Quad", [("a", int), ("b", int)])


class Wide(collections.namedtuple("Wide", "a b")):
    __slots__ = ()

    def total(self):
        return self.a + self.b


made(lambda: Pair(1), lambda p: p.swapped() == (2, 1) and p._asdict() == {"left": 1, "right": 2} and type(p) is Pair)
made(lambda: Triple(1, 2), lambda t: t._replace(a=5) == (5, 2, 3) and t._fields == ("a", "b", "c"))
made(lambda: Quad(1, 2), lambda q: q.b == 2)
made(lambda: Wide(1, 2), lambda w: w.total() == 3 and not hasattr(w, "__dict__"))

close()
