"""Classes of `__main__` that have ways of their own."""

import abc
import copyreg
import ctypes
import enum
import operator
import weakref

from tests.travel.carry import close, made, row, title

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
row(Base, lambda b: bool(b.__abstractmethods__), same=operator.is_)
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
        return __class__.__name__


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
row(Parent, lambda p: p.child_class is ChildOf, same=operator.is_)

title(
    "Classes that define their own pickling: `__reduce__`, `__getstate__`, `__setstate__`, `__getnewargs__`, `copyreg`, `__new__`"
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


class Newish(tuple):
    def __new__(cls, a, b):
        return super().__new__(cls, (a, b))

    def __getnewargs__(self):
        return tuple(self)


class Registered:
    def __init__(self, x):
        self.x = x


class MyList(list):
    extra = 1


class MyDict(dict):
    def __missing__(self, key):
        return key * 2


class MyFloat(float):
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
made(lambda: SENTINEL, lambda s: s is SENTINEL and with_default(), same=operator.is_)
made(lambda: MISSING, lambda s: s is MISSING and type(s) is Missing, same=operator.is_)
made(lambda: [SENTINEL, SENTINEL], lambda s: s[0] is s[1])

title("Weak references inside: `WeakValueDictionary`, `WeakKeyDictionary`, `WeakSet`")


class Holder:
    def __init__(self):
        self.items = [Sentinel()]
        self.seen = weakref.WeakSet(self.items)
        self.names = weakref.WeakValueDictionary(dog=self.items[0])
        self.keys = weakref.WeakKeyDictionary({self.items[0]: 1})


made(Holder, lambda h: list(h.seen) == h.items and h.names["dog"] is h.items[0] and h.keys[h.items[0]] == 1, same=None)

title("`ctypes` structures, unions, arrays, and pointer types")


class Pair(ctypes.Structure):
    _fields_ = [("x", ctypes.c_char), ("y", ctypes.c_double)]

    def total(self):
        return ord(self.x) + self.y


class Tight(ctypes.BigEndianStructure):
    _fields_ = [("x", ctypes.c_char), ("y", ctypes.c_int), ("bits", ctypes.c_uint, 3)]
    _pack_ = 1


class Either(ctypes.Union):
    _fields_ = [("i", ctypes.c_int), ("f", ctypes.c_float)]


class Linked(Pair):
    _anonymous_ = ("either",)


Linked._fields_ = [("either", Either), ("pairs", Pair * 2), ("next", ctypes.POINTER(Linked))]


class Whole(ctypes.c_int):
    def twice(self):
        return self.value * 2


def same_bytes(one, other):
    return bytes(one) == bytes(other)


def chained():
    one = Linked(b"a", 1.5)
    one.next = ctypes.pointer(Linked(i=5))
    return one.next.contents.i == 5


made(lambda: Pair(b"a", 2.5), lambda p: p.total() == 99.5, same=same_bytes)
made(lambda: Tight(b"a", 2, 5), lambda p: (p.y, p.bits, ctypes.sizeof(p)) == (2, 5, 9), same=same_bytes)
made(lambda: Either(3), lambda e: e.i == 3, same=same_bytes)
made(lambda: (Pair * 2)((b"a", 1), (b"b", 2)), lambda a: a[1].total() == 100, same=same_bytes)
made(lambda: (ctypes.c_int * 2 * 2)((1, 2), (3, 4)), lambda a: a[1][0] == 3, same=same_bytes)
made(lambda: Whole(4), lambda w: w.twice() == 8, same=same_bytes)
row(Linked, lambda c: chained() and c(b"a", 1.5).total() == 98.5, same=operator.is_)

close()
