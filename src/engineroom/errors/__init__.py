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
    │   ├── CompositeError         several of them; also an instance of their type, if they have only one
    │   └── AlreadyDisplayedError  shown before
    ├── PackError                  a value can't travel (also TypeError)
    │   └── TooLargeToSend         there is no memory for a copy of it (also MemoryError)
    ├── ConnectionFailed           no way to the controller (also ConnectionError)
    │   ├── ControllerLost         the connection was lost for good
    │   └── NotLetIn               the controller refused us, and says why
    ├── ConnectionFileError        missing, empty, malformed, stale, of another cluster (also OSError)
    ├── ProtocolError              the other side sent an invalid message
    ├── LaunchError                something could not be started
    ├── NoSuchTask                 nothing is known of a task, or kept (also KeyError)
    ├── NoSuchFlag                 a view has no flag of this name (also KeyError, TypeError)
    ├── WrongKeyword               a method has no argument of this name (also TypeError)
    └── NotBuiltYet                a feature that is not available yet (also NotImplementedError, AttributeError)
"""

from __future__ import annotations

from typing import Self

from engineroom.errors.base import EngineInfo, EngineroomError, ErrorWords
from engineroom.errors.composite import AlreadyDisplayedError, CompositeError, collect_exceptions
from engineroom.errors.remote import RemoteError, RemoteTraceback, remote_error, where
from engineroom.errors.wrapped import unwrap_exception, wrap_exception

IPythonError = EngineroomError
KernelError = EngineroomError


class EngineError(EngineroomError):
    """The engine that ran the task died or left."""


class NoEnginesRegistered(EngineroomError):
    """There are no engines to run the task."""


class TaskAborted(EngineroomError):
    """The task was cancelled before it started."""


class TaskTimeout(EngineroomError):
    """The task did not end within its time limit."""


class TaskRejectError(EngineroomError):
    """The task is not allowed to run on the engine to which it was sent."""


class UnmetDependency(EngineroomError):
    """A dependency of the task is not met."""


class ImpossibleDependency(UnmetDependency):
    """A dependency of the task can never be met."""


class DependencyTimeout(ImpossibleDependency):
    """A dependency of the task was not met in time."""


class InvalidDependency(ImpossibleDependency):
    """A dependency of the task is not valid."""


class PackError(EngineroomError, TypeError):
    """A value cannot be sent to another process."""


class TooLargeToSend(PackError, MemoryError):
    """There is no memory for the copy of a value that is to be sent."""


class ConnectionFailed(EngineroomError, ConnectionError):
    """The controller cannot be reached. `final`: trying again is useless."""

    final: bool = False


class ControllerLost(ConnectionFailed):
    """The connection to the controller was lost, and reconnecting failed."""


class NotLetIn(ConnectionFailed):
    """The controller refused the connection; `reason` says why."""

    def __init__(self, reason: str, *, final: bool = True) -> None:
        self.reason, self.final = reason, final
        super().__init__(reason)


class ConnectionFileError(EngineroomError, OSError):
    """The connection file is missing, empty, malformed, stale, or belongs to another cluster."""


class ProtocolError(EngineroomError):
    """The other side sent a message that is not valid."""


class LaunchError(EngineroomError):
    """A controller, engines or another process could not be started."""

    fix: str = ""
    """What to do about it; "" if that is not known, or said in the text."""
    noted: bool = False
    """Whether the trail of the start has the step that failed because of it."""


class NoSuchFlag(EngineroomError, KeyError, TypeError):
    """A view has no flag of this name."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError shows its argument as it is written in Python


class NoSuchTask(EngineroomError, KeyError):
    """The controller does not know a task, or keeps nothing of it."""

    def __str__(self) -> str:
        return str(self.args[0])  # as above


class WrongKeyword(EngineroomError, TypeError):
    """A method has no argument of this name."""


class NotBuiltYet(EngineroomError, NotImplementedError, AttributeError):
    """A feature that is not available yet. Also an AttributeError, so that `hasattr` says so."""

    def __init__(self, feature: str, meanwhile: str) -> None:
        self.feature, self.meanwhile = feature, meanwhile
        super().__init__(f"{feature} is not available yet. Until then, {meanwhile}")

    def __reduce__(self) -> tuple[type[Self], tuple[str, str]]:
        return type(self), (self.feature, self.meanwhile)


__all__ = [
    "AlreadyDisplayedError",
    "CompositeError",
    "ConnectionFailed",
    "ConnectionFileError",
    "ControllerLost",
    "DependencyTimeout",
    "EngineError",
    "EngineInfo",
    "EngineroomError",
    "ErrorWords",
    "IPythonError",
    "ImpossibleDependency",
    "InvalidDependency",
    "KernelError",
    "LaunchError",
    "NoEnginesRegistered",
    "NoSuchFlag",
    "NoSuchTask",
    "NotBuiltYet",
    "NotLetIn",
    "PackError",
    "ProtocolError",
    "RemoteError",
    "RemoteTraceback",
    "TaskAborted",
    "TaskRejectError",
    "TaskTimeout",
    "UnmetDependency",
    "WrongKeyword",
    "collect_exceptions",
    "remote_error",
    "unwrap_exception",
    "where",
    "wrap_exception",
]

for _name in __all__:
    if isinstance(globals()[_name], type):
        globals()[_name].__module__ = __name__  # where users import them from, and what tracebacks call them
