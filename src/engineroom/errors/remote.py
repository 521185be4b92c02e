"""Errors that were raised on an engine: remote errors, and of the real type at once."""

from __future__ import annotations

import contextlib
import types
from functools import lru_cache
from typing import Any, Self

from engineroom.errors.base import EngineInfo, EngineroomError, ErrorWords, Item
from engineroom.errors.parts import Parts, contents_of, furnish, made, members_of


class RemoteTraceback(Exception):
    """The traceback of a remote error, where Python shows it: as the cause of what is raised here."""

    def __str__(self) -> str:
        from engineroom.errors.local import with_cell_names  # needed when there is something to show

        return "\n".join(with_cell_names("".join(self.args).splitlines()))


class RemoteError(EngineroomError):
    """An exception that was raised on an engine.

    `original` is that exception, as far as it could travel, or None. What a client raises is an instance
    of this class and, for all subclasses of Exception but StopIteration and StopAsyncIteration, of
    the exception's real type, unless that type can't be combined with this one.
    """

    ename: str = ""
    evalue: str = ""
    traceback: str = ""
    engine_info: EngineInfo = {}  # noqa: RUF012 -- a default that a real type's property of this name can't hide
    original: BaseException | None = None
    item: Item | None = None
    """Which item of a map raised it: (index, short repr); None outside of maps."""

    def __init__(self, ename: str, evalue: str, traceback: str = "", engine_info: EngineInfo | None = None) -> None:
        super().__init__(ename, evalue)
        self.describe((ename, evalue, traceback, engine_info or {}), None)

    def describe(self, words: ErrorWords, original: BaseException | None) -> None:
        """Say what happened and where: `words`, of an exception that is `original` if it is a real one.

        For whoever makes instances without `__init__`.
        """
        facts = dict(zip(("ename", "evalue", "traceback", "engine_info"), words, strict=True))
        self.__dict__.update(facts, original=original)  # a real type may forbid setting attributes
        object.__setattr__(self, "__cause__", self._cause())

    def of_item(self, index: int, shown: str) -> Self:
        """Note which item of a map raised this: its `index`, and as `shown`, shortened; return the error itself."""
        self.__dict__["item"] = (index, shown)
        object.__setattr__(self, "__cause__", self._cause())
        return self

    def __str__(self) -> str:
        return f"{where(self.engine_info)}{item_words(self.item)}{last_words(self)}"

    def __repr__(self) -> str:
        return f"<Remote[{self.engine_info.get('engine_id', ' ')}]:{self.ename}({self.evalue})>"

    def __reduce__(self) -> tuple[Any, ...]:
        words = (self.ename, self.evalue, self.traceback, self.engine_info)
        return remote_error, (words, None if self.original is None else Parts(self.original), self.item)

    def __reduce_ex__(self, protocol: object) -> tuple[Any, ...]:
        return self.__reduce__()  # a real type may have its own way

    def __setstate__(self, state: object) -> None:
        """Nothing: `__reduce__` has no state; a real type may have its own way."""

    def render_traceback(self) -> list[str]:
        """Return the remote traceback as lines."""
        return (self.traceback or "No traceback available").splitlines()

    def titled_traceback(self) -> list[str]:
        """Return the remote traceback as lines, after one that says where that was; without one, the message."""
        if not self.traceback:
            return str(self).splitlines()
        title = f"{where(self.engine_info)}{item_words(self.item)}".rstrip(" :")
        return [f"{title}:", *self.render_traceback()]

    def _cause(self) -> RemoteTraceback | None:
        # Python shows the line and the caret of a SyntaxError itself: once is enough.
        shown_anyway = isinstance(self, SyntaxError) and not self.traceback.startswith("Traceback")
        return RemoteTraceback("\n".join(self.titled_traceback())) if self.traceback and not shown_anyway else None

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of its own traceback."""
        from engineroom.errors.local import shown_in_ipython  # needed when there is something to show

        return shown_in_ipython(self)

    def print_traceback(self, excid: int | None = None) -> None:
        """Print the remote traceback; `excid` is there for code that treats all remote errors alike."""
        print_lines(self.render_traceback())


def print_lines(lines: list[str]) -> None:
    """Print `lines`; characters that the terminal has no code for are spelled out."""
    text = "\n".join(lines)
    try:
        print(text)
    except UnicodeEncodeError as error:
        print(text.encode(error.encoding, "backslashreplace").decode(error.encoding))


def last_words(error: RemoteError) -> str:
    """Return the last line of its traceback: the name of the error and, if it has one, its message."""
    return f"{error.ename}: {error.evalue}" if error.evalue else error.ename


def where(info: EngineInfo) -> str:
    """Return "[engine:method] ", as it stands before a remote error; `info`: of its engine.

    Of a call that no engine has run, only "[method] ".
    """
    if not info:
        return "[Engine Exception] "
    engine, method = info.get("engine_id", "?"), info.get("method", "?")
    return f"[{method}] " if engine == -1 else f"[{engine}:{method}] "


def item_words(item: Item | None) -> str:
    """Return "item 3 (its repr): ", as it stands before an error of a map; "" for others."""
    if item is None:
        return ""
    index, shown = item
    return f"item {index} ({shown}): " if shown else f"item {index}: "


def remote_error(words: ErrorWords, original: BaseException | Parts | None, item: Item | None = None) -> RemoteError:
    """Return a RemoteError with these `words`, also of the type of `original` where the two can be combined.

    `item`: which one of a map it is of.
    """
    if isinstance(original, Parts):
        original = original.exception  # as `copy.copy` hands it on
    error: RemoteError | None = None
    if isinstance(original, Exception):
        kind: Any = type(original)
        with contextlib.suppress(Exception):  # a class may do anything when it is sub-classed or made
            error = alike(original, combined_type(RemoteError, kind))
    if error is None:
        error = RemoteError(*words)
    error.describe(words, original)
    return error if item is None else error.of_item(*item)


def alike(original: Exception, kind: type[RemoteError]) -> RemoteError:
    """Return an instance of `kind`, a type combined with that of `original`, with the same arguments and attributes."""
    error = made(kind, original.args, *contents_of(original))
    furnish(error, (members_of(original), original.__dict__, None))
    assert isinstance(error, RemoteError)
    return error


@lru_cache(maxsize=256)
def combined_type(ours: type[RemoteError], kind: type[Exception]) -> type[RemoteError]:
    """Return a class that is both; TypeError and whatever `kind` says if there can be none."""
    if issubclass(kind, RemoteError):
        return kind  # it was raised by a task, in a task
    if issubclass(kind, StopIteration | StopAsyncIteration):
        raise TypeError(f"{kind} cannot be combined with another class")
    name = f"{ours.__qualname__}[{kind.__qualname__}]"
    body = {"__module__": ours.__module__, "__qualname__": name}
    return types.new_class(name, (ours, kind), exec_body=lambda namespace: namespace.update(body))
