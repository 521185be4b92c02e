"""Everything that engineroom raises.

::

    EngineroomError (also IPythonError, KernelError: the names that users of IPython.parallel know)
    ├── EngineError                the engine that a task was bound to is gone
    ├── NoEnginesRegistered        nothing can run: there is no engine
    ├── TaskAborted                withdrawn before it ran
    ├── TaskTimeout
    ├── TaskRejectError
    ├── UnmetDependency
    │   └── ImpossibleDependency
    │       ├── DependencyTimeout
    │       └── InvalidDependency
    ├── RemoteError                raised on an engine; also an instance of the remote type
    │   └── CompositeError         from several engines; also an ExceptionGroup
    ├── PackError                  a value can't travel (also TypeError)
    ├── ConnectionFailed           no way to the controller (also ConnectionError)
    │   ├── ControllerLost         it was there, and is gone
    │   └── NotLetIn               the controller refused us, and says why
    ├── ConnectionFileError        missing, empty, malformed, stale, of another cluster (also OSError)
    ├── ProtocolError              the other side's words make no sense
    └── LaunchError                something could not be started
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar, Self

EngineInfo = dict[str, Any]
"""Where an error happened: `engine_id`, `engine_uuid`, `method` ("apply", "execute", ...); empty if nobody knows."""

ErrorWords = tuple[str, str, str, EngineInfo]
"""A remote error as words: (ename, evalue, traceback, engine_info)."""


class EngineroomError(Exception):
    """Base class of all our errors."""


IPythonError = EngineroomError
KernelError = EngineroomError


class EngineError(EngineroomError):
    """The engine that a task was bound to is gone."""


class NoEnginesRegistered(EngineroomError):
    """Nothing can run: there is no engine."""


class TaskAborted(EngineroomError):
    """Withdrawn before it ran."""


class TaskTimeout(EngineroomError):
    """The task did not end in the time that it was given."""


class TaskRejectError(EngineroomError):
    """The task may not run where it was sent."""


class UnmetDependency(EngineroomError):
    """What the task needs is not there."""


class ImpossibleDependency(UnmetDependency):
    """What the task needs will never be there."""


class DependencyTimeout(ImpossibleDependency):
    """What the task needs did not come in time."""


class InvalidDependency(ImpossibleDependency):
    """What the task needs makes no sense."""


class RemoteTraceback(Exception):
    """The traceback of a remote error, where Python shows it: as the cause of what is raised here."""

    def __str__(self) -> str:
        return f'\n"""\n{"".join(self.args)}\n"""'


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
    item: tuple[int, str] | None = None
    """Which item of a map raised it: (index, short repr); None outside of maps."""

    def __init__(self, ename: str, evalue: str, traceback: str = "", engine_info: EngineInfo | None = None) -> None:
        super().__init__(ename, evalue)
        self.describe((ename, evalue, traceback, engine_info or {}), None)

    def describe(self, words: ErrorWords, original: BaseException | None) -> None:
        """Say what happened and where; for whoever makes instances without `__init__`."""
        facts = dict(zip(("ename", "evalue", "traceback", "engine_info"), words, strict=True))
        self.__dict__.update(facts, original=original)  # a real type may forbid setting attributes
        self.__cause__ = RemoteTraceback(self.traceback) if self.traceback else None

    def of_item(self, index: int, shown: str) -> Self:
        """Note which item of a map raised this: its index, and its repr, shortened; return the error itself."""
        self.__dict__["item"] = (index, shown)  # a real type may forbid setting attributes
        return self

    def __str__(self) -> str:
        return f"{where(self.engine_info)}{self.ename}: {self.evalue}"

    def __repr__(self) -> str:
        return f"<Remote[{self.engine_info.get('engine_id', ' ')}]:{self.ename}({self.evalue})>"

    def __reduce__(self) -> tuple[Any, ...]:
        words = (self.ename, self.evalue, self.traceback, self.engine_info)
        return RemoteError, words, {"original": self.original, "item": self.item}

    def render_traceback(self) -> list[str]:
        """Return the remote traceback as lines."""
        return (self.traceback or "No traceback available").splitlines()

    def _render_traceback_(self) -> list[str]:
        """Return the lines that IPython shows in place of its own traceback."""
        return self.render_traceback()

    def print_traceback(self, excid: int | None = None) -> None:
        """Print the remote traceback; `excid` is there for code that treats all remote errors alike."""
        print("\n".join(self.render_traceback()))


class CompositeError(RemoteError, ExceptionGroup):
    """Errors of several engines, in the order of the targets, at least one; also an ExceptionGroup of them.

    `elist`: RemoteErrors or (ename, evalue, traceback, engine_info); a CompositeError counts as its members.
    """

    tb_limit: ClassVar[int] = 4
    exceptions: tuple[RemoteError, ...]

    def __new__(cls, msg: str, elist: Iterable[RemoteError | ErrorWords]) -> Self:
        return super().__new__(cls, msg, _flat(elist))

    def __init__(self, msg: str, elist: Iterable[RemoteError | ErrorWords]) -> None:
        super().__init__("CompositeError", msg)
        self.msg = msg

    @property
    def elist(self) -> list[ErrorWords]:
        """What went wrong on each engine: (ename, evalue, traceback, engine_info)."""
        return [(error.ename, error.evalue, error.traceback, error.engine_info) for error in self.exceptions]

    def __str__(self) -> str:
        lines = [self.msg, *map(str, self.exceptions[: self.tb_limit])]
        return "\n".join(lines + self._omitted())

    def __repr__(self) -> str:
        return f"CompositeError({len(self.exceptions)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return CompositeError, (self.msg, self.exceptions)

    def derive(self, excs: Sequence[BaseException]) -> ExceptionGroup[Any]:
        """Return a group of some members; `except*` and `split` call this."""
        errors = [error for error in excs if isinstance(error, RemoteError)]
        if len(errors) == len(excs):
            return CompositeError(self.msg, errors)
        return ExceptionGroup(self.msg, [error for error in excs if isinstance(error, Exception)])

    def render_traceback(self, excid: int | None = None) -> list[str]:
        """Return the remote tracebacks as lines: the first `tb_limit` ones, or that of member `excid`."""
        if excid is not None:
            return _section(self._member(excid))
        lines = [line for error in self.exceptions[: self.tb_limit] for line in [*_section(error), ""]]
        return lines + self._omitted()

    def print_traceback(self, excid: int | None = None) -> None:
        """Print the remote tracebacks: the first `tb_limit` ones, or that of member `excid`."""
        print("\n".join(self.render_traceback(excid)))

    def raise_exception(self, excid: int = 0) -> None:
        """Raise one of the errors."""
        raise self._member(excid)

    def _member(self, excid: int) -> RemoteError:
        try:
            return self.exceptions[excid]
        except IndexError:
            raise IndexError(f"an exception with index {excid} does not exist") from None

    def _omitted(self) -> list[str]:
        more = len(self.exceptions) - self.tb_limit
        return [f"... {more} more exceptions ..."] if more > 0 else []


def where(info: EngineInfo) -> str:
    """Return "[engine:method] ", as it stands before a remote error."""
    return f"[{info.get('engine_id', '?')}:{info.get('method', '?')}] " if info else "[Engine Exception] "


def _flat(elist: Iterable[RemoteError | ErrorWords]) -> list[RemoteError]:
    flat: list[RemoteError] = []
    for error in elist:
        if isinstance(error, CompositeError):
            flat.extend(error.exceptions)
        else:
            flat.append(error if isinstance(error, RemoteError) else RemoteError(*error))
    return flat


def _section(error: RemoteError) -> list[str]:
    return [f"{where(error.engine_info).rstrip()}:", *error.render_traceback()]


class PackError(EngineroomError, TypeError):
    """A value can't travel to another process."""


class ConnectionFailed(EngineroomError, ConnectionError):
    """No way to the controller; `final`: trying again makes no sense."""

    final: bool = False


class ControllerLost(ConnectionFailed):
    """The controller was there, and is gone."""


class NotLetIn(ConnectionFailed):
    """The controller refused us."""

    def __init__(self, reason: str, *, final: bool = True) -> None:
        self.reason, self.final = reason, final
        super().__init__(reason)


class ConnectionFileError(EngineroomError, OSError):
    """The connection file is missing, empty, malformed, stale, or of another cluster."""


class ProtocolError(EngineroomError):
    """The other side's words make no sense."""


class LaunchError(EngineroomError):
    """Something could not be started."""
