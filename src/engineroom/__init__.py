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

    from engineroom.client.arguments.dependency import Dependency
    from engineroom.client.client import Client
    from engineroom.client.in_tasks import get_client
    from engineroom.client.kinds import Many, One
    from engineroom.client.maps.lazy_map import LazyMapIterator
    from engineroom.client.maps.map_results import AsyncMapResult
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.results.hub_result import AsyncHubResult
    from engineroom.client.results.publishing import Published
    from engineroom.client.views.balanced import LoadBalancedView
    from engineroom.client.views.broadcast import BroadcastView
    from engineroom.client.views.direct import DirectView
    from engineroom.client.views.executor import ViewExecutor
    from engineroom.client.views.parallel import ParallelFunction, parallel
    from engineroom.client.views.registering import register_joblib_backend
    from engineroom.client.views.remote import RemoteFunction, remote
    from engineroom.cluster import Cluster, ClusterManager
    from engineroom.engine.binding import bind_kernel
    from engineroom.engine.datapub import publish_data
    from engineroom.error import TimeoutError  # noqa: A004 (the builtin, by the name that scripts import)
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
        NoSuchFlag,
        NoSuchTask,
        NotBuiltYet,
        NotLetIn,
        PackError,
        ProtocolError,
        RemoteError,
        TaskAborted,
        TaskRejectError,
        TaskTimeout,
        TooLargeToSend,
        UnmetDependency,
        WrongKeyword,
        collect_exceptions,
        unwrap_exception,
        wrap_exception,
    )
    from engineroom.serialize.by_place import by_place
    from engineroom.serialize.canning import can, can_map, uncan, uncan_map
    from engineroom.serialize.functions.declared import interactive
    from engineroom.serialize.functions.dependent import depend, dependent, require
    from engineroom.serialize.old_names import (
        deserialize_object,
        pack_apply_message,
        serialize_object,
        unpack_apply_message,
        use_cloudpickle,
        use_dill,
        use_pickle,
    )
    from engineroom.serialize.prepickled import PrePickled
    from engineroom.serialize.references import Reference
    from engineroom.serialize.results import ExecuteReply

__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "AlreadyDisplayedError",
    "AsyncHubResult",
    "AsyncMapResult",
    "AsyncResult",
    "BroadcastView",
    "Client",
    "Cluster",
    "ClusterManager",
    "CompositeError",
    "ConnectionFailed",
    "ConnectionFileError",
    "ControllerLost",
    "Dependency",
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
    "Many",
    "NoEnginesRegistered",
    "NoSuchFlag",
    "NoSuchTask",
    "NotBuiltYet",
    "NotLetIn",
    "One",
    "PackError",
    "ParallelFunction",
    "PrePickled",
    "ProtocolError",
    "Published",
    "Reference",
    "RemoteError",
    "RemoteFunction",
    "TaskAborted",
    "TaskRejectError",
    "TaskTimeout",
    "TimeoutError",
    "TooLargeToSend",
    "UnmetDependency",
    "ViewExecutor",
    "WrongKeyword",
    "__version__",
    "bind_kernel",
    "by_place",
    "can",
    "can_map",
    "collect_exceptions",
    "depend",
    "dependent",
    "deserialize_object",
    "get_client",
    "interactive",
    "pack_apply_message",
    "parallel",
    "publish_data",
    "register_joblib_backend",
    "remote",
    "require",
    "serialize_object",
    "uncan",
    "uncan_map",
    "unpack_apply_message",
    "unwrap_exception",
    "use_cloudpickle",
    "use_dill",
    "use_pickle",
    "version_info",
    "wrap_exception",
]

del install

_HOMES = {
    "ALL_COMPLETED": "concurrent.futures",
    "FIRST_COMPLETED": "concurrent.futures",
    "FIRST_EXCEPTION": "concurrent.futures",
    "AsyncHubResult": "engineroom.client.results.hub_result",
    "AsyncMapResult": "engineroom.client.maps.map_results",
    "AsyncResult": "engineroom.client.results.async_result",
    "BroadcastView": "engineroom.client.views.broadcast",
    "Client": "engineroom.client.client",
    "Cluster": "engineroom.cluster",
    "ClusterManager": "engineroom.cluster",
    "Dependency": "engineroom.client.arguments.dependency",
    "DirectView": "engineroom.client.views.direct",
    "ExecuteReply": "engineroom.serialize.results",
    "LazyMapIterator": "engineroom.client.maps.lazy_map",
    "LoadBalancedView": "engineroom.client.views.balanced",
    "Many": "engineroom.client.kinds",
    "One": "engineroom.client.kinds",
    "ParallelFunction": "engineroom.client.views.parallel",
    "PrePickled": "engineroom.serialize.prepickled",
    "Published": "engineroom.client.results.publishing",
    "Reference": "engineroom.serialize.references",
    "RemoteFunction": "engineroom.client.views.remote",
    "TimeoutError": "engineroom.error",
    "ViewExecutor": "engineroom.client.views.executor",
    "bind_kernel": "engineroom.engine.binding",
    "by_place": "engineroom.serialize.by_place",
    "can": "engineroom.serialize.canning",
    "can_map": "engineroom.serialize.canning",
    "depend": "engineroom.serialize.functions.dependent",
    "dependent": "engineroom.serialize.functions.dependent",
    "deserialize_object": "engineroom.serialize.old_names",
    "get_client": "engineroom.client.in_tasks",
    "interactive": "engineroom.serialize.functions.declared",
    "pack_apply_message": "engineroom.serialize.old_names",
    "parallel": "engineroom.client.views.parallel",
    "publish_data": "engineroom.engine.datapub",
    "register_joblib_backend": "engineroom.client.views.registering",
    "require": "engineroom.serialize.functions.dependent",
    "remote": "engineroom.client.views.remote",
    "serialize_object": "engineroom.serialize.old_names",
    "uncan": "engineroom.serialize.canning",
    "uncan_map": "engineroom.serialize.canning",
    "unpack_apply_message": "engineroom.serialize.old_names",
    "use_cloudpickle": "engineroom.serialize.old_names",
    "use_dill": "engineroom.serialize.old_names",
    "use_pickle": "engineroom.serialize.old_names",
}


_MODULES = frozenset({"client", "cluster", "controller", "datapub", "engine", "error", "errors", "serialize", "util"})
"""Modules that may be used as attributes right after `import engineroom`."""


def __getattr__(name: str) -> Any:
    if name in {"__version__", "version_info"}:
        value: Any = _version(name)
    elif name in __all__:
        value = getattr(import_module(_HOMES.get(name, "engineroom.errors")), name)
    elif name in _MODULES:
        value = import_module(f"engineroom.{name}")
    else:
        value = _unknown(name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__


def load_ipython_extension(shell: Any) -> None:
    """Be an IPython extension: `%load_ext engineroom` defines the magics that engineroom has."""
    import_module("engineroom.magics").define(shell)


def _unknown(name: str) -> Any:
    if name.startswith("_"):
        raise AttributeError(f"module 'engineroom' has no attribute {name!r}")
    not_built = import_module("engineroom.not_built")
    if name in not_built.NAMES:
        return not_built.not_built(name)
    of_module: str = import_module("engineroom.client.arguments.hints").of_module(name)
    raise AttributeError(f"module 'engineroom' has no attribute {name!r}{of_module}")


def _version(name: str) -> Any:
    text: str = import_module("engineroom.version").own_version()
    numbers = tuple(int(part) for part in text.split(".") if part.isdigit())
    return text if name == "__version__" else numbers
