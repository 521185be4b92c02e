"""What `__main__` tells type checkers."""

import operator
import typing

from tests.travel.carry import close, made, row, title

title("Typing constructs: `TypedDict` in both forms, `NewType`, `TypeVar`, `ParamSpec`, aliases, annotations with them")


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
row(Movie, lambda m: m(year=1) == {"year": 1} and m.__required_keys__ == {"year"}, same=operator.is_)
row(Series, lambda m: m.__optional_keys__ == {"name"} and m.__annotations__["season"] is int, same=operator.is_)
row(Called, lambda m: m(n=1) == {"n": 1} and m.__total__, same=operator.is_)
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
row(T, lambda t: t.__name__ == "T" and t.__bound__.__name__ == "Movie", same=operator.is_)
row(S, lambda s: len(s.__constraints__) == 2, same=operator.is_)
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

close()
