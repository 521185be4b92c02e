"""Interactive parallel computing: a controller, engines that keep their namespaces alive, and you.

::

    import engineroom as er

    with er.Cluster(n=4) as rc:
        view = rc.load_balanced_view()
        print(view.map_sync(lambda x: x**2, range(10)))
        rc[:].push({"a": 7})
        print(rc[:].apply_sync(lambda: a))

What is named here is imported when it is first used, so that `import engineroom` costs next to nothing.
"""

from __future__ import annotations

from engineroom.library_first import install

install()  # first: the imports below are among those that it is for

from importlib import import_module  # noqa: E402
from typing import TYPE_CHECKING, Any  # noqa: E402

if TYPE_CHECKING:
    from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION

    from engineroom.client.client import Client
    from engineroom.client.executor import ViewExecutor
    from engineroom.client.lazy_map import LazyMapIterator
    from engineroom.client.map_results import AsyncMapResult
    from engineroom.client.remote import RemoteFunction, remote
    from engineroom.client.results import AsyncResult
    from engineroom.client.views.balanced import LoadBalancedView
    from engineroom.client.views.direct import DirectView
    from engineroom.cluster import Cluster
    from engineroom.errors import (
        AlreadyDisplayedError,
        CompositeError,
        ConnectionFailed,
        ConnectionFileError,
        ControllerLost,
        DependencyTimeout,
        EngineError,
        EngineroomError,
        ImpossibleDependency,
        InvalidDependency,
        IPythonError,
        KernelError,
        LaunchError,
        NoEnginesRegistered,
        NotLetIn,
        PackError,
        ProtocolError,
        RemoteError,
        TaskAborted,
        TaskRejectError,
        TaskTimeout,
        UnmetDependency,
        collect_exceptions,
        unwrap_exception,
        wrap_exception,
    )
    from engineroom.serialize.references import Reference
    from engineroom.serialize.results import ExecuteReply

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "AlreadyDisplayedError",
    "AsyncMapResult",
    "AsyncResult",
    "Client",
    "Cluster",
    "CompositeError",
    "ConnectionFailed",
    "ConnectionFileError",
    "ControllerLost",
    "DependencyTimeout",
    "DirectView",
    "EngineError",
    "EngineroomError",
    "ExecuteReply",
    "IPythonError",
    "ImpossibleDependency",
    "InvalidDependency",
    "KernelError",
    "LaunchError",
    "LazyMapIterator",
    "LoadBalancedView",
    "NoEnginesRegistered",
    "NotLetIn",
    "PackError",
    "ProtocolError",
    "Reference",
    "RemoteError",
    "RemoteFunction",
    "TaskAborted",
    "TaskRejectError",
    "TaskTimeout",
    "UnmetDependency",
    "ViewExecutor",
    "__version__",
    "collect_exceptions",
    "remote",
    "unwrap_exception",
    "version_info",
    "wrap_exception",
]

del install

_HOMES = {
    "ALL_COMPLETED": "concurrent.futures",
    "FIRST_COMPLETED": "concurrent.futures",
    "FIRST_EXCEPTION": "concurrent.futures",
    "AsyncMapResult": "engineroom.client.map_results",
    "AsyncResult": "engineroom.client.results",
    "Client": "engineroom.client.client",
    "Cluster": "engineroom.cluster",
    "DirectView": "engineroom.client.views.direct",
    "ExecuteReply": "engineroom.serialize.results",
    "LazyMapIterator": "engineroom.client.lazy_map",
    "LoadBalancedView": "engineroom.client.views.balanced",
    "Reference": "engineroom.serialize.references",
    "RemoteFunction": "engineroom.client.remote",
    "ViewExecutor": "engineroom.client.executor",
    "remote": "engineroom.client.remote",
}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'engineroom' has no attribute {name!r}")
    if name in {"__version__", "version_info"}:
        value: Any = _version(name)
    else:
        value = getattr(import_module(_HOMES.get(name, "engineroom.errors")), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def _version(name: str) -> Any:
    from importlib.metadata import version  # takes 20 ms, and few ask

    text = version("engineroom")
    numbers = tuple(int(part) for part in text.split(".") if part.isdigit())
    return text if name == "__version__" else numbers
