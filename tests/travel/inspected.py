"""What `inspect` and its relatives say of functions and classes of `__main__`, in a task as in the script."""

import dataclasses
import enum
import functools
import inspect
import linecache
import os
import typing

from tests.travel.carry import close, made, row, title

title("The source of functions and classes, signatures, type hints, docstrings: `inspect`, `typing.get_type_hints`")
HERE = os.getpid()


class Plain:
    """What it is for."""

    def method(self, x: "int", *, y: "Plain | None" = None) -> "Plain":
        """What it does."""
        return self  # end of method

    class Inner:
        size = 1  # end of inner


@dataclasses.dataclass(
    frozen=True,
)
class Decorated:
    x: int
    y: "typing.Optional[Plain]" = None  # end of decorated


class Colour(enum.Enum):
    RED = 1  # end of colour


class Pair(typing.NamedTuple):
    a: int
    b: str  # end of pair


class Typed(typing.TypedDict):
    key: int  # end of typed


def traced(function):
    @functools.wraps(function)
    def inside(*args):
        return function(*args)

    return inside


class Wrapped:
    @staticmethod
    @traced
    def only():
        text = """
class Wrapped:
    no = 1
"""
        return text + "."  # end of wrapped


class Child(Plain):
    pass  # end of child


def local():
    class Local:
        @property
        def size(self):
            return 1  # end of local

    return Local


Local = local()
ENDS = [(Plain, "inner"), (Plain.Inner, "inner"), (Plain.method, "method"), (Decorated, "decorated"), (Pair, "pair")]
ENDS += [(Colour, "colour"), (Typed, "typed"), (Wrapped, "wrapped"), (Child, "child"), (Local, "local")]
ENDS += [(Wrapped.only, "wrapped"), (Local.size.fget, "local")]


def start_of(thing):
    """The first line of its definition, which has no decorators or is preceded by them."""
    kind = "class" if isinstance(thing, type) else "def"
    return f"{kind} {thing.__name__}"


def shows_source(thing, end):
    if os.getpid() == HERE:  # inspect does not find all of them in a notebook
        return True
    lines, first = inspect.getsourcelines(thing)
    assert lines[-1].endswith(f"# end of {end}\n"), lines
    assert any(line.lstrip().startswith(start_of(thing)) for line in lines), lines
    assert lines[0].lstrip().startswith(("class", "def", "@")), lines
    assert "".join(lines) == inspect.getsource(thing)
    assert linecache.getlines(inspect.getsourcefile(thing))[first - 1 : first - 1 + len(lines)] == lines
    assert inspect.getfile(thing) == inspect.getsourcefile(thing)
    return True


for thing, end in ENDS:
    row(thing, functools.partial(lambda end, thing: shows_source(thing, end), end), same=None)
row([thing for thing, _ in ENDS], lambda things: all(map(shows_source, things, [end for _, end in ENDS])), same=None)
made(lambda: Child(), lambda c: shows_source(type(c), "child") and shows_source(type(c).__mro__[1], "inner"), same=None)
made(lambda: Decorated(1), lambda d: shows_source(type(d), "decorated"))

SIGNED = [Plain.method, Decorated, Pair, Wrapped.only, local]
PARAMETERS = [["self", "x", "y"], ["x", "y"], ["a", "b"], [], []]
row(SIGNED, lambda found: [list(inspect.signature(each).parameters) for each in found] == PARAMETERS, same=None)
row(Plain, lambda c: typing.get_type_hints(c.method) == {"x": int, "y": c | None, "return": c}, same=None)
row(Decorated, lambda c: typing.get_type_hints(c) == {"x": int, "y": Plain | None}, same=None)
row(Typed, lambda c: typing.get_type_hints(c) == {"key": int}, same=None)
row(Plain, lambda c: (inspect.getdoc(c), inspect.getdoc(c.method)) == ("What it is for.", "What it does."), same=None)
row(Child, lambda c: inspect.getdoc(c) == "What it is for.", same=None)

close()
