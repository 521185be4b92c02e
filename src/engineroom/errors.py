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


class PackError(EngineroomError, TypeError):
    """A value can't travel to another process."""


class ConnectionFailed(EngineroomError, ConnectionError):
    """No way to the controller."""


class ControllerLost(ConnectionFailed):
    """The controller was there, and is gone."""


class NotLetIn(ConnectionFailed):
    """The controller refused us; `final`: trying again makes no sense."""

    def __init__(self, reason: str, *, final: bool = True) -> None:
        self.reason, self.final = reason, final
        super().__init__(reason)


class ConnectionFileError(EngineroomError, OSError):
    """The connection file is missing, empty, malformed, stale, or of another cluster."""


class ProtocolError(EngineroomError):
    """The other side's words make no sense."""


class LaunchError(EngineroomError):
    """Something could not be started."""
