"""References to objects in the engines' namespaces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.serialize.functions.interactive import home


class Reference:
    """Stands for the value of `name`, a name or an expression, in an engine's namespace at the time of the call.

    You can use it anywhere in the arguments of a call, push it, or call it:
    `view.apply(f, Reference("a"))`, `view.apply(Reference("model.fit"), data)`. TypeError: the name is no str.
    """

    def __init__(self, name: str) -> None:
        if not isinstance(name, str):
            raise TypeError(f"a Reference needs a name or an expression as a str, not {type(name).__name__!r}")
        self.name = name

    if TYPE_CHECKING:  # a view may call it, on an engine

        def __call__(self, *args: Any, **kwargs: Any) -> Any: ...

    def __repr__(self) -> str:
        return f"<Reference: {self.name!r}>"

    def __eq__(self, other: object) -> bool:
        return self.name == other.name if isinstance(other, Reference) else NotImplemented

    def __hash__(self) -> int:
        return hash((Reference, self.name))

    def __reduce__(self) -> tuple[Any, ...]:
        return resolve, (self.name,)


def resolve(name: str) -> Any:
    """Return what the expression `name` is on this engine; where there is none, the Reference to it."""
    if home.namespace is None:
        return Reference(name)
    home.resolved += 1
    return eval(name, home.namespace)  # an expression is what a Reference promises


class ReferencedCall:
    """A function that is a Reference: looked up at each call, so that it is the one of that moment."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return resolve(self.name)(*args, **kwargs)
