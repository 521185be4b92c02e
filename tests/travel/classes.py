"""Classes of `__main__`, their instances and their members."""

import abc
import collections
import copyreg
import dataclasses
import enum
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
    __slots__ = "only"  # noqa: PLC0205

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
    "Dataclasses: frozen, ordered, keyword-only, slots, weak references, `InitVar`, factories, inherited, made by a call"
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

title("Enums: with methods, `Flag`, `IntEnum`, `StrEnum`, `auto`, aliases, `_missing_`, made by a call")


class Color(enum.Enum):
    RED = 1
    BLUE = 2
    CRIMSON = 1

    @property
    def other(self):
        return Color.BLUE if self is Color.RED else Color.RED

    @classmethod
    def favourite(cls):
        return cls.BLUE

    @classmethod
    def _missing_(cls, value):
        return cls.RED if value == "red" else None


class Permission(enum.Flag):
    READ = enum.auto()
    WRITE = enum.auto()
    BOTH = READ | WRITE


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 10


class Mode(enum.StrEnum):
    FAST = enum.auto()
    SLOW = "slow!"


class Bits(enum.IntFlag, boundary=enum.KEEP):
    A = 1
    B = 2


class Planet(enum.Enum):
    EARTH = (5.97, 6.37)
    MARS = (0.64, 3.39)

    def __init__(self, mass, radius):
        self.mass, self.radius = mass, radius

    @property
    def heavy(self):
        return self.mass > 1


class Coordinate(bytes, enum.Enum):
    def __new__(cls, value, label):
        made = bytes.__new__(cls, [value])
        made._value_ = value
        made.label = label
        return made

    PX = (0, "P.X")
    PY = (1, "P.Y")


class Numbered(enum.Enum):
    @staticmethod
    def _generate_next_value_(name, start, count, last_values):
        return name.lower()

    ONE = enum.auto()
    TWO = enum.auto()


class Shape(enum.Enum):
    SQUARE = "square"
    CIRCLE = "circle"

    def area(self, side):
        return {Shape.SQUARE: lambda s: s * s, Shape.CIRCLE: lambda s: 3 * s * s}[self](side)

    def __str__(self):
        return f"the {self.value}"


class Operation(enum.Enum):
    ADD = enum.nonmember(1)
    TIMES = enum.member(lambda a, b: a * b)

    def __call__(self, *args):
        return self.value(*args)


class Plain(enum.Enum):
    _ignore_ = ["i"]
    A = object()


Animal = enum.Enum("Animal", "CAT DOG")
is_ = lambda a, b: a is b  # noqa: E731

made(
    lambda: Color.RED,
    lambda c: c is Color.RED and c.other is Color.BLUE and Color(1) is c and Color["CRIMSON"] is c,
    same=is_,
)
made(
    lambda: Color.CRIMSON,
    lambda c: Color("red") is c and type(c).favourite() is Color.BLUE and len(Color) == 2,
    same=is_,
)
made(lambda: Permission.READ | Permission.WRITE, lambda p: p is Permission.BOTH and Permission.READ in p, same=is_)
made(lambda: ~Permission.READ, lambda p: p == Permission.WRITE and Permission(0) == Permission.READ & p)
made(lambda: Level.HIGH, lambda level: level > Level.LOW and level + 1 == 11 and level is Level.HIGH, same=is_)
made(lambda: Mode.FAST, lambda m: m == "fast" and Mode("slow!") is Mode.SLOW, same=is_)
made(lambda: Bits.A | 8, lambda b: int(b) == 9 and Bits.A in b)
made(lambda: Planet.EARTH, lambda p: p.heavy and p.radius == 6.37 and Planet((0.64, 3.39)) is Planet.MARS, same=is_)
made(lambda: Coordinate.PY, lambda c: c == b"\x01" and c.label == "P.Y" and Coordinate(1) is c, same=is_)
made(lambda: Numbered.TWO, lambda n: n.value == "two" and list(Numbered) == [Numbered.ONE, n], same=is_)
made(lambda: Shape.CIRCLE, lambda s: s.area(2) == 12 and str(s) == "the circle", same=is_)
made(lambda: Operation.TIMES, lambda o: o(2, 3) == 6 and Operation.ADD == 1, same=is_)
made(lambda: Plain.A, lambda p: p is Plain.A, same=is_)
made(lambda: Animal.DOG, lambda a: a is Animal.DOG and a.value == 2, same=is_)
row({Color.RED: [Level.LOW]}, lambda d: d[Color.RED][0] is Level.LOW)

title("Named tuples, of both forms")


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

title(
    "Names of the type system: `TypedDict` of both forms, `NewType`, `TypeVar`, `ParamSpec`, aliases, annotations with them"
)


class Movie(typing.TypedDict, total=False):
    name: str
    year: typing.Required[int]


class Series(Movie):
    season: int


Called = typing.TypedDict("Called", {"in": str, "n": int})
UserId = typing.NewType("UserId", int)
Nested = typing.NewType("Nested", UserId)
Other = typing.NewType("AnotherName", str)
T = typing.TypeVar("T", bound=Movie)
S = typing.TypeVar("S", int, UserId)
P = typing.ParamSpec("P")
Ts = typing.TypeVarTuple("Ts")
Ids = list[UserId]
Table = dict[str, Movie] | None
Maker = typing.Callable[P, T]
Lit = typing.Literal["a", 1]
Anno = typing.Annotated[UserId, "an id"]


def typed(
    user: UserId, movie: Movie, called: Called, first: T, ids: Ids, table: Table, anno: Anno
) -> typing.Callable[P, T]:
    return user, movie


def generic(a: Nested, b: Other, *c: typing.Unpack[Ts]) -> typing.Self:
    return typing.get_type_hints(generic)


made(lambda: Movie(name="a", year=1), lambda m: m["year"] == 1)
row(Movie, lambda m: m(year=1) == {"year": 1} and m.__required_keys__ == {"year"}, same=is_)
row(Series, lambda m: m.__optional_keys__ == {"name"} and m.__annotations__["season"] is int, same=is_)
row(Called, lambda m: m(n=1) == {"n": 1} and m.__total__, same=is_)
row(UserId, lambda u: u(5) == 5 and u.__supertype__ is int and u.__name__ == "UserId", same=None)
row(Nested, lambda u: u.__supertype__.__supertype__ is int, same=None)
row(Other, lambda u: u.__name__ == "AnotherName", same=None)
row(
    typed,
    lambda f: (
        f(UserId(1), 2, 3, 4, 5, 6, 7) == (1, 2) and typing.get_type_hints(f)["movie"] is f.__annotations__["movie"]
    ),
    same=None,
)
row(generic, lambda f: f(1, 2)["a"].__name__ == "Nested", same=None)
row(T, lambda t: t.__name__ == "T" and t.__bound__.__name__ == "Movie", same=is_)
row(S, lambda s: len(s.__constraints__) == 2, same=is_)
row(P, lambda p: p.__name__ == "P", same=None)
row(Ts, lambda ts: ts.__name__ == "Ts", same=None)
row(Ids, lambda ids: typing.get_args(ids)[0].__name__ == "UserId", same=None)
row(Lit, lambda lit: typing.get_args(lit) == ("a", 1))
row(Anno, lambda a: a.__metadata__ == ("an id",), same=None)
row(
    [typing.Any, typing.Optional[int], list[int], typing.Self, int | str, typing.Callable[[int], str]],
    lambda ts: ts[1] == int | None,
)

title("Protocols and generic classes")


@typing.runtime_checkable
class Speaks(typing.Protocol):
    def speak(self) -> str: ...


class Sized(typing.Protocol[T]):
    size: int

    def get(self) -> T: ...


class Dog:
    def speak(self):
        return "woof"


class Cat(Speaks):
    def speak(self):
        return "meow"


class Stack(typing.Generic[T]):
    def __init__(self, *items):
        self.items = list(items)

    def push(self, item: T) -> "Stack[T]":
        self.items.append(item)
        return self

    def __eq__(self, other):
        return type(other) is Stack and self.items == other.items

    __hash__ = None


class IntStack(Stack[int]):
    pass


class Decorator(typing.Generic[P, T]):
    def __init__(self, function: typing.Callable[P, T]):
        self.function = function

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.function(*args, **kwargs)


made(Dog, lambda d: isinstance(d, Speaks) and not isinstance(3, Speaks), same=None)
made(Cat, lambda c: isinstance(c, Speaks) and c.speak() == "meow", same=None)
made(lambda: Stack(1).push(2), lambda s: s.items == [1, 2] and Stack[int](3).items == [3])
made(lambda: Stack[str]("a"), lambda s: s.push("b").items[0] == "a", same=None)
made(IntStack, lambda s: s.push(1).items[-1] == 1 and typing.get_args(type(s).__orig_bases__[0]) == (int,), same=None)
row(Decorator(len), lambda d: d("abc") == 3, same=None)
row(Stack[int], lambda s: s(1).items == [1] and typing.get_origin(s) is Stack, same=None)

title(
    "Abstract classes, metaclasses, `__init_subclass__`, `__set_name__`, `__class_getitem__`, descriptors, properties"
)


class Base(abc.ABC):
    @property
    @abc.abstractmethod
    def area(self): ...

    @classmethod
    @abc.abstractmethod
    def unit(cls): ...

    def double(self):
        return 2 * self.area


class Square(Base):
    def __init__(self, side):
        self.side = side

    @property
    def area(self):
        return self.side**2

    @area.setter
    def area(self, value):
        self.side = value**0.5

    @classmethod
    def unit(cls):
        return cls(1)


class Virtual:
    area = 3


Base.register(Virtual)


class Meta(type):
    made = []

    def __new__(mcls, name, bases, namespace, **options):
        made = super().__new__(mcls, name, bases, namespace)
        made.options = options
        return made

    def __init__(cls, name, bases, namespace, **options):
        super().__init__(name, bases, namespace)
        cls.initialised = True

    def __call__(cls, *args):
        built = super().__call__(*args)
        built.by_meta = True
        return built

    @property
    def upper(cls):
        return cls.__name__.upper()

    def __len__(cls):
        return 42

    def __iter__(cls):
        return iter([1, 2])


class WithMeta(metaclass=Meta, unit="m"):
    def __init__(self, x=1):
        self.x = x


class SubMeta(WithMeta):
    pass


class Prepared(type):
    @classmethod
    def __prepare__(mcls, name, bases):
        return {"prepared": name}


class FromPrepared(metaclass=Prepared):
    pass


class Singleton(type):
    _instances = {}

    def __call__(cls, *args):
        if cls not in cls._instances:
            cls._instances[cls] = super().__call__(*args)
        return cls._instances[cls]


class Config(metaclass=Singleton):
    def __init__(self):
        self.values = {"a": 1}


class Plugin:
    registry = {}

    def __init_subclass__(cls, /, key=None, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.key = key
        Plugin.registry[key] = cls


class Csv(Plugin, key="csv"):
    pass


class Strict:
    def __init_subclass__(cls, *, needed):
        cls.needed = needed


class Obeys(Strict, needed=5):
    pass


class Typed:
    def __set_name__(self, owner, name):
        self.name, self.owner = name, owner

    def __get__(self, instance, owner=None):
        return self if instance is None else instance.__dict__.get(self.name, 0)

    def __set__(self, instance, value):
        instance.__dict__[self.name] = int(value)


class Record:
    size = Typed()
    weight = Typed()

    def __init__(self, size):
        self.size = size

    def __class_getitem__(cls, item):
        return cls, item

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return f"dynamic {name}"


made(
    lambda: Square(2),
    lambda s: s.area == 4 and s.double() == 8 and isinstance(s, Base) and s.unit().side == 1,
    same=None,
)
row(Base, lambda b: bool(b.__abstractmethods__), same=is_)
made(Virtual, lambda v: isinstance(v, Base), same=None)
made(
    WithMeta,
    lambda w: w.by_meta and type(w).upper == "WITHMETA" and type(w).options == {"unit": "m"} and type(w).initialised,
    same=None,
)
made(SubMeta, lambda w: type(type(w)) is Meta and len(type(w)) == 42 and list(type(w)) == [1, 2], same=None)
made(FromPrepared, lambda f: f.prepared == "FromPrepared", same=None)
made(Config, lambda c: c.values == {"a": 1} and Config() is Config(), same=None)
made(Csv, lambda c: c.key == "csv" and Plugin.registry["csv"] is Csv, same=None)
made(Obeys, lambda o: o.needed == 5, same=None)
made(
    lambda: Record("3"),
    lambda r: r.size == 3 and r.weight == 0 and type(r).size.owner is Record and Record[1] == (Record, 1),
    same=None,
)
made(lambda: Record(4), lambda r: r.anything == "dynamic anything", same=None)

title(
    "Nested and local classes, classes that refer to themselves and to each other, `super()`, `__class__`, private names"
)


class Outer:
    class Inner:
        class Innermost(enum.Enum):
            A = 1

        def __init__(self):
            self.mark = Outer.Inner.Innermost.A

    def inner(self):
        return self.Inner()

    def __private(self):
        return type(self).__name__

    def asks(self):
        return self.__private()


def local():
    factor = 3

    class Local:
        def __init__(self, x):
            self.x = x

        def scaled(self):
            return self.x * factor

        def again(self):
            return Local(self.x + 1)

    return Local


Local = local()


class Parent:
    child_class = None

    def __init__(self):
        self.name = "parent"

    def children(self):
        return [ChildOf(self)]


class ChildOf(Parent):
    def __init__(self, parent):
        super().__init__()
        self.parent = parent
        self.name = f"child of {parent.name}"

    def who(self):
        return __class__.__name__  # noqa: F821


Parent.child_class = ChildOf


class Left(Parent):
    def __init__(self):
        super().__init__()
        self.left = True


class Right(Parent):
    def __init__(self):
        super().__init__()
        self.right = True


class Diamond(Left, Right):
    pass


made(Outer.Inner, lambda i: i.mark is Outer.Inner.Innermost.A and type(i).__qualname__ == "Outer.Inner", same=None)
made(Outer, lambda o: type(o.inner()) is Outer.Inner and o.asks() == "Outer", same=None)
made(lambda: Local(2), lambda o: o.scaled() == 6 and type(o.again()) is type(o), same=None)
made(
    lambda: ChildOf(Parent()),
    lambda c: c.name == "child of parent" and c.who() == "ChildOf" and type(c.children()[0]) is type(c),
    same=None,
)
made(Diamond, lambda d: d.left and d.right and type(d).__mro__[1:4] == (Left, Right, Parent), same=None)
row(Parent, lambda p: p.child_class is ChildOf, same=is_)

title(
    "Classes with ways of their own: `__reduce__`, `__getstate__`, `__setstate__`, `__getnewargs__`, `copyreg`, `__new__`"
)


class Reduced:
    def __init__(self, x):
        self.x = x
        self.lock = object()

    def __reduce__(self):
        return rebuilt, (self.x,)

    def __eq__(self, other):
        return type(other) is Reduced and self.x == other.x

    __hash__ = None


def rebuilt(x):
    return Reduced(x)


class Stateful:
    def __init__(self, path):
        self.path, self.cache = path, (n for n in [])

    def __getstate__(self):
        return {"path": self.path}

    def __setstate__(self, state):
        self.__dict__.update(state, cache=None)


class Newish(tuple):  # noqa: SLOT001
    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))

    def __getnewargs__(self):
        return tuple(self)


class Registered:
    def __init__(self, x):
        self.x = x


class MyList(list):  # noqa: SLOT000
    extra = 1


class MyDict(dict):
    def __missing__(self, key):
        return key * 2


class MyFloat(float):  # noqa: SLOT000
    unit = "m"


class Sentinel:
    def __reduce__(self):
        return "SENTINEL"

    def __repr__(self):
        return "SENTINEL"


SENTINEL = Sentinel()


class Unset(enum.Enum):
    UNSET = enum.auto()


class Missing:
    _only = None

    def __new__(cls):
        if cls._only is None:
            cls._only = super().__new__(cls)
        return cls._only

    def __reduce__(self):
        return "MISSING"


MISSING = Missing()
copyreg.pickle(Registered, lambda r: (Registered, (r.x,)))


def with_default(a=SENTINEL, b=MISSING):
    return a is SENTINEL and b is MISSING


made(lambda: Reduced(3), lambda r: r.x == 3)
made(lambda: Stateful("p"), lambda s: s.path == "p", same=None)
made(lambda: Newish(1, 2), lambda n: n == (1, 2))
row(Registered(3), lambda r: r.x == 3, same=None)
made(lambda: MyList([1, 2]), lambda m: m.extra == 1 and m + [3] == [1, 2, 3])
made(lambda: MyDict(a=1), lambda m: m["b"] == "bb" and m["a"] == 1)
made(lambda: MyFloat(2.5), lambda m: m * 2 == 5 and m.unit == "m")
made(lambda: SENTINEL, lambda s: s is SENTINEL and with_default(), same=is_)
made(lambda: MISSING, lambda s: s is MISSING and type(s) is Missing, same=is_)
made(lambda: [SENTINEL, SENTINEL], lambda s: s[0] is s[1])

title("Weak references inside: `WeakValueDictionary`, `WeakKeyDictionary`, `WeakSet`")


class Holder:
    def __init__(self):
        self.items = [Dog()]
        self.seen = weakref.WeakSet(self.items)
        self.names = weakref.WeakValueDictionary(dog=self.items[0])
        self.keys = weakref.WeakKeyDictionary({self.items[0]: 1})


made(Holder, lambda h: list(h.seen) == h.items and h.names["dog"] is h.items[0] and h.keys[h.items[0]] == 1, same=None)

close()
