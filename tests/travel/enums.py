"""Enums of `__main__`, with behaviour."""

import enum
import operator

from tests.travel.carry import close, made, row, title

title("Enums: with methods, `Flag`, `IntEnum`, `StrEnum`, `auto`, aliases, `_missing_`, created by a function call")


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
made(
    lambda: Color.RED,
    lambda c: c is Color.RED and c.other is Color.BLUE and Color(1) is c and Color["CRIMSON"] is c,
    same=operator.is_,
)
made(
    lambda: Color.CRIMSON,
    lambda c: Color("red") is c and type(c).favourite() is Color.BLUE and len(Color) == 2,
    same=operator.is_,
)
made(
    lambda: Permission.READ | Permission.WRITE,
    lambda p: p is Permission.BOTH and Permission.READ in p,
    same=operator.is_,
)
made(lambda: ~Permission.READ, lambda p: p == Permission.WRITE and Permission(0) == Permission.READ & p)
made(lambda: Level.HIGH, lambda level: level > Level.LOW and level + 1 == 11 and level is Level.HIGH, same=operator.is_)
made(lambda: Mode.FAST, lambda m: m == "fast" and Mode("slow!") is Mode.SLOW, same=operator.is_)
made(lambda: Bits.A | 8, lambda b: int(b) == 9 and Bits.A in b)
made(
    lambda: Planet.EARTH,
    lambda p: p.heavy and p.radius == 6.37 and Planet((0.64, 3.39)) is Planet.MARS,
    same=operator.is_,
)
made(lambda: Coordinate.PY, lambda c: c == b"\x01" and c.label == "P.Y" and Coordinate(1) is c, same=operator.is_)
made(lambda: Numbered.TWO, lambda n: n.value == "two" and list(Numbered) == [Numbered.ONE, n], same=operator.is_)
made(lambda: Shape.CIRCLE, lambda s: s.area(2) == 12 and str(s) == "the circle", same=operator.is_)
made(lambda: Operation.TIMES, lambda o: o(2, 3) == 6 and Operation.ADD == 1, same=operator.is_)
made(lambda: Plain.A, lambda p: p is Plain.A, same=operator.is_)
made(lambda: Animal.DOG, lambda a: a is Animal.DOG and a.value == 2, same=operator.is_)
row({Color.RED: [Level.LOW]}, lambda d: d[Color.RED][0] is Level.LOW)

close()
