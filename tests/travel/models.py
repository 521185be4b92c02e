"""Classes made with pydantic and attrs."""

import enum
import typing

import attrs
import pydantic
from pydantic import dataclasses as pydantic_dataclasses

from tests.travel.carry import close, made, row, title

title("pydantic models, with validators, computed fields, generics, settings, nested and recursive")


class Kind(enum.StrEnum):
    A = enum.auto()


class Part(pydantic.BaseModel):
    name: str
    kind: Kind = Kind.A


class User(pydantic.BaseModel):
    """A user."""

    model_config = pydantic.ConfigDict(frozen=True, extra="forbid")
    id: int
    parts: list[Part] = pydantic.Field(default_factory=list, max_length=3)
    secret: pydantic.SecretStr | None = None
    _private: int = pydantic.PrivateAttr(default=7)

    @pydantic.field_validator("id")
    @classmethod
    def positive(cls, value):
        if value < 0:
            raise ValueError("negative")
        return value

    @pydantic.computed_field
    @property
    def size(self) -> int:
        return len(self.parts)

    def doubled(self):
        return self.model_copy(update={"id": self.id * 2})


class Admin(User):
    level: typing.Literal["low", "high"] = "low"


T = typing.TypeVar("T")


class Box(pydantic.BaseModel, typing.Generic[T]):
    content: T


class Tree(pydantic.BaseModel):
    value: int
    children: list["Tree"] = []


@pydantic_dataclasses.dataclass
class Pair:
    left: int
    right: int = 2


def refuses(user):
    try:
        type(user)(id=-1)
    except pydantic.ValidationError as error:
        return "negative" in str(error)


made(
    lambda: User(id="5", parts=[{"name": "p"}]),
    lambda u: u.id == 5 and u.size == 1 and u.parts[0].kind is Kind.A and refuses(u),
)
made(
    lambda: User(id=1),
    lambda u: (
        u.doubled().id == 2 and u._private == 7 and User.model_validate_json(u.model_dump_json(exclude={"size"})) == u
    ),
)
made(lambda: Admin(id=1, level="high"), lambda a: isinstance(a, User) and a.level == "high" and refuses(a))
made(lambda: Box[int](content="3"), lambda b: b.content == 3, same=lambda a, b: a.content == b.content)
made(
    lambda: Tree(value=1, children=[Tree(value=2)]), lambda t: t.children[0].value == 2 and type(t.children[0]) is Tree
)
made(lambda: Pair("1"), lambda p: p.left == 1 and p.right == 2)
row(User, lambda u: u(id=3).id == 3 and "id" in u.model_json_schema()["properties"], same=lambda a, b: a is b)
row(pydantic.TypeAdapter(list[int]), lambda a: a.validate_python(["1"]) == [1], same=None)

title("attrs classes: slots, frozen, validators, converters, factories")


@attrs.define
class Point:
    x: int = attrs.field(converter=int)
    y: int = attrs.field(default=0, validator=attrs.validators.instance_of(int))
    tags: list = attrs.Factory(list)

    def norm(self):
        return abs(self.x) + abs(self.y)


@attrs.frozen
class Fixed:
    x: int
    inner: Point | None = None


@attrs.define(slots=False)
class Loose:
    x: int = attrs.field()

    @x.validator
    def _check(self, attribute, value):
        if value < 0:
            raise ValueError("negative")


@attrs.define
class Child(Point):
    z: int = 3

    def norm(self):
        return super().norm() + self.z


made(lambda: Point("3"), lambda p: p.norm() == 3 and attrs.asdict(p)["tags"] == [] and not hasattr(p, "__dict__"))
made(lambda: Fixed(1, Point(2)), lambda f: attrs.evolve(f, x=5).x == 5 and hash(Fixed(1)) is not None)
made(lambda: Loose(1), lambda p: p.x == 1 and attrs.fields(type(p)).x.validator is not None)
made(lambda: Child(1), lambda c: c.norm() == 4 and isinstance(c, Point))
row(attrs.fields(Point), lambda fs: fs.x.default is attrs.NOTHING, same=None)
close()
