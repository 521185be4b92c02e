"""Which part of a value can't travel, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple

from engineroom.errors import PackError, TooLargeToSend
from engineroom.serialize.by_value import pickler
from engineroom.serialize.functions.interactive import home
from engineroom.serialize.refusals.parts import Part, parts_of
from engineroom.serialize.refusals.sizes import cannot_be_sent, no_memory_for, size_of, too_large
from engineroom.serialize.refusals.staying import advice_for, stays
from engineroom.serialize.rules import otherwise

_DEPTH = 50
_PARTS = 100_000
_BOILERPLATE = ("cannot pickle ", "Can't pickle ", "can't pickle ")


def explain(value: object, what: str, error: BaseException, *, root: str = "value") -> str:
    """Return why `value` can't be packed: its innermost part that can't, where that is, and what to do instead.

    `what` names `value` in a sentence ("": by what it is), `root` in an expression. `error` is what packing raised.
    """
    return f"{cannot_be_sent(what or _described(value))}: {_reason(value, root, error)}"


def kind_of(value: object) -> str:
    """Return "a 'module.Type'" or "an 'int'", without the module for built-in types."""
    kind = type(value)
    module = "" if kind.__module__ == "builtins" else f"{kind.__module__}."
    name = f"{module}{kind.__qualname__}"
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} '{name}'"


class Named(NamedTuple):
    """One of several values that are packed together; `what` and `root`: as for `explain`."""

    what: str
    root: str
    value: object


def blame(values: Sequence[Named], error: PackError) -> PackError:
    """Return an error about the first of `values` that can't be packed by itself, or for which, of all of them, there
    is no memory; `error`, if that is not the reason."""
    if isinstance(error, TooLargeToSend):  # packing one by itself could kill this process
        size, place = max(((size_of(each.value), place) for place, each in enumerate(values)), default=(0, 0))
        return too_large(values[place].what, size) if size else error
    for each in values:
        failed = _failure(each.value)
        if failed is not None:
            return PackError(explain(each.value, each.what, failed, root=each.root))
    return error


def arguments(
    args: Sequence[object], kwargs: Mapping[str, object], name: str, function: Callable[..., Any] | None
) -> list[Named]:
    """Return the arguments of a call of `function`, with the names of its parameters as far as they are known."""
    of = f" of {name!r}" if name else ""
    known = _parameters(function, len(args))
    named = [
        Named(f"argument {number}{of}", parameter, value)
        for number, (parameter, value) in enumerate(zip(known, args, strict=True), 1)
    ]
    return [*named, *(Named(f"argument {key!r}{of}", key, value) for key, value in kwargs.items())]


def _parameters(function: Callable[..., Any] | None, count: int) -> list[str]:
    names: list[str] = []
    if function is not None:
        import inspect  # only needed now

        try:
            parameters = inspect.signature(function).parameters.values()
        except (TypeError, ValueError):  # of some functions written in C it is not known
            parameters = []  # type: ignore[assignment]
        positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
        names = [each.name for each in parameters if each.kind in positional][:count]
    return names + ["argument"] * (count - len(names))


def _described(value: object) -> str:
    name = getattr(value, "__qualname__", None)
    if isinstance(value, type):
        return f"the class {name!r}"
    return f"the function {name!r}" if callable(value) and isinstance(name, str) else kind_of(value)


def _reason(value: object, root: str, error: BaseException) -> str:
    if too_deep(error):
        return "it is nested too deeply. Send it in parts, or flatten it into a list."
    clauses, expression, seen = [], "it", {id(value)}
    for _ in range(_DEPTH):
        found = _failing_part(value, seen)
        if found is None:
            break
        part, error = found
        shown = root if expression == "it" and part.clause is None else expression
        if part.clause is None:
            expression = f"{shown}{part.path}"
        else:
            clauses.append(f"{_quoted(shown)} {part.clause}; ")
            expression = part.path
        value = part.value
        seen.add(id(value))
    return f"{''.join(clauses)}{_ending(value, expression, error)}"


def _quoted(expression: str) -> str:
    return f"{expression!r}" if expression.isidentifier() and expression != "it" else expression


def _ending(value: object, expression: str, error: BaseException) -> str:
    subject = _quoted(expression)
    if isinstance(error, MemoryError):
        return no_memory_for(subject, size_of(value))
    text = str(error) or type(error).__name__
    if not text.startswith(_BOILERPLATE):  # its own words
        told = text if isinstance(error, TypeError) else f"{type(error).__name__}: {text}"
        return f"{subject} is {kind_of(value)}: {told}"
    return f"{subject} is {kind_of(value)}. {advice_for(value, is_result=home.namespace is not None)}"


def too_deep(error: BaseException) -> bool:
    """Whether pickling failed because the value is nested too deeply."""
    return isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError)


def _failing_part(value: object, seen: set[int]) -> tuple[Part, BaseException] | None:
    if stays(value):
        return None
    try:
        for part in islice(parts_of(value), _PARTS):
            failed = None if id(part.value) in seen else _failure(part.value)
            if failed is not None:
                return part, failed
    except Exception:  # noqa: BLE001 -- the user's own attributes and items: then this is as far as it goes
        return None
    return None


def _failure(value: object) -> BaseException | None:
    try:
        pickler.dumps(value, [], next(iter(otherwise), None))  # arrays are no part of a pickle that nobody reads
    except Exception as error:  # noqa: BLE001 -- whatever it is, this is the culprit
        return error
    return None
