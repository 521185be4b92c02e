"""What to write instead of names from other systems: one table, and the errors that quote it."""

from __future__ import annotations

import difflib

from engineroom.errors import NotBuiltYet, WrongKeyword

_BALANCED = "rc.load_balanced_view()"

_CLIENT = {
    "apply": f"write `{_BALANCED}.apply(f, x)`, or `rc[:].apply(f, x)` for all engines",
    "apply_async": f"write `{_BALANCED}.apply_async(f, x)`, or `rc[:].apply_async(f, x)` for all engines",
    "apply_sync": f"write `{_BALANCED}.apply_sync(f, x)`, or `rc[:].apply_sync(f, x)` for all engines",
    "cancel": "write `ar.cancel()`, or `rc.abort(results)` for several",
    "compute": f"write `{_BALANCED}.apply_async(f, x)`",
    "dashboard_link": "there is no dashboard; `rc.queue_status()` shows what the engines are doing",
    "engines": "write `rc.ids` for their ids, or iterate over `rc` for a view of each",
    "execute": "write `rc[:].execute(code)`",
    "gather": "write `[ar.get() for ar in results]`; `rc[:].gather(name)` joins what `scatter` spread over engines",
    "get": "write `ar.get()` for a result, or `rc[:].pull(name, block=True)` for a value on the engines",
    "get_executor": "write `rc.executor()`",
    "has_what": "write `rc.queue_status()`",
    "imap": f"write `{_BALANCED}.imap(f, xs)`",
    "imap_unordered": f"write `{_BALANCED}.imap(f, xs, ordered=False)`",
    "join": "write `rc.wait()`",
    "map": f"write `{_BALANCED}.map(f, xs)`; `.map_sync(f, xs)` waits for the results",
    "map_async": f"write `{_BALANCED}.map_async(f, xs)`",
    "map_sync": f"write `{_BALANCED}.map_sync(f, xs)`",
    "ncores": "write `len(rc)`, the number of engines",
    "nthreads": "write `len(rc)`, the number of engines",
    "n_workers": "write `len(rc)`, the number of engines",
    "persist": f"write `{_BALANCED}.apply_async(f, x)`",
    "publish_dataset": "write `rc[:].push({'name': value})`; every client sees the engines' namespaces",
    "pull": "write `rc[:].pull('name', block=True)`",
    "push": "write `rc[:].push({'name': value})`",
    "put": "write `rc[:].push({'name': value})`, and use `name` in your function",
    "remote": "write `@rc[:].remote()` or `@engineroom.remote(view)`",
    "replicate": "write `rc[:].push({'name': value})`",
    "restart": "write `cluster.restart_engines_sync()`",
    "retire_workers": "write `rc.shutdown(targets)`",
    "run": "write `rc[:].run('script.py')` for a file, or `rc[:].apply_sync(f)` for a function",
    "run_on_scheduler": "user code runs on engines only: `rc[0].apply_sync(f)`",
    "scale": "start more engines with `cluster.start_engines_sync(n)`, or `ipcluster engines -n N`",
    "scatter": (
        "write `rc[:].scatter('name', seq)` to split data over the engines, or `rc[:].push({'name': value})` to "
        "copy it to all"
    ),
    "scheduler_info": "write `rc.queue_status()`",
    "starmap": f"write `{_BALANCED}.map(f, *zip(*pairs))`",
    "submit": f"write `{_BALANCED}.apply_async(f, x)`, or `rc.executor().submit(f, x)`",
    "terminate": "write `rc.abort()` to cancel tasks, or `rc.shutdown(hub=True)` to stop the cluster",
    "upload_file": "write `rc[:].run('file.py')`, or `cloudpickle.register_pickle_by_value(module)` to send a module",
    "who_has": "write `rc.queue_status()`",
    "workers": "write `rc.ids`",
}
_CLIENT_LATER = {
    "session": "use `rc.history`; engineroom has no ZeroMQ session",
}

_VIEW = {
    "cancel": "write `ar.cancel()`, or `view.abort(results)` for several",
    "close": "views need not be closed; `view.wait()` waits for their tasks, and `rc.close()` closes the connection",
    "compute": "write `view.apply_async(f, x)`",
    "imap_async": "write `view.imap(f, xs)`",
    "imap_unordered": "write `view.imap(f, xs, ordered=False)`",
    "join": "write `view.wait()`",
    "map_unordered": "write `view.map_async(f, xs, ordered=False)` on a load-balanced view",
    "n_workers": "write `len(view)`, the number of engines",
    "result": "write `ar.get()` on what `apply_async` returned",
    "starmap": "write `view.map(f, *zip(*pairs))`",
    "starmap_async": "write `view.map_async(f, *zip(*pairs))`",
    "submit": "write `view.apply_async(f, x)`, or `view.executor.submit(f, x)`",
    "terminate": (
        "write `view.abort()` to cancel tasks that have not started, or `view.shutdown()` to stop the engines"
    ),
    "uimap": "write `view.imap(f, xs, ordered=False)`",
}
_DIRECT = {
    "broadcast": "write `view.push({'name': value})`",
    "after": "calls to one engine already run in the order you make them",
    "chunksize": "a direct view gives each engine one part; use a load-balanced view for chunks",
    "is_coalescing": "use `rc.broadcast_view(is_coalescing=True)`, or leave the flag out: it has no effect",
    "follow": "choose the engine yourself: `rc[ar.engine_id].apply_async(f)`",
    "retries": "use `rc.load_balanced_view(retries=3)`",
    "priority": "one engine runs its calls in the order you make them; use `rc.load_balanced_view(priority=1)`",
    "gpu": "choose the engines yourself, as in `rc[[0, 1]]`, or use `rc.load_balanced_view(gpu=1)`",
    "memory": "choose the engines yourself, as in `rc[[0, 1]]`, or use `rc.load_balanced_view(memory='4GiB')`",
    "resources": "choose the engines yourself, as in `rc[[0, 1]]`, or use `rc.load_balanced_view(resources={...})`",
    "tag": "choose the engines yourself, as in `rc[[0, 1]]`, or use `rc.load_balanced_view(tag='bigmem')`",
}
_ON_ENGINES = "this acts on particular engines, so use a direct view: "
_BALANCED_ONLY = {
    "clear": f"{_ON_ENGINES}`rc[:].clear()`",
    "execute": f"{_ON_ENGINES}`rc[:].execute(code)`",
    "gather": f"{_ON_ENGINES}`rc[:].gather('name')`. For results, write `[ar.get() for ar in results]`",
    "get": f"{_ON_ENGINES}`rc[0].get('name')`. For a result, write `ar.get()`",
    "importer": f"{_ON_ENGINES}`with rc[:].importer: import numpy`",
    "pull": f"{_ON_ENGINES}`rc[0].pull('name', block=True)`",
    "push": f"{_ON_ENGINES}`rc[:].push({{'name': value}})`",
    "run": f"{_ON_ENGINES}`rc[:].run('script.py')`",
    "scatter": f"{_ON_ENGINES}`rc[:].scatter('name', seq)`",
    "sync_imports": f"{_ON_ENGINES}`with rc[:].sync_imports(): import numpy`",
    "update": f"{_ON_ENGINES}`rc[:].update({{'name': value}})`",
}

_RESULT = {
    "add_callback": "write `ar.add_done_callback(callback)`, which is called with `ar`",
    "finished": "write `ar.done()`",
    "get_exception": "write `ar.exception()`",
    "get_nowait": "write `ar.get(0)`",
    "is_done": "write `ar.done()`",
    "is_ready": "write `ar.ready()`",
    "kill": "write `ar.cancel()`",
    "next": "iterate over `ar`: it yields each result as soon as it arrives",
    "output": "write `ar.get()` for the result, or `ar.stdout` for what the task printed",
    "print_traceback": "write `ar.exception().print_traceback()`",
    "release": "delete the AsyncResult (`del ar`) to free its result",
    "result_or_error": "write `ar.get(return_exceptions=True)`",
    "results": "write `ar.get()`, or iterate over `ar`",
    "retry": "call the function again; `rc.load_balanced_view(retries=3)` repeats calls that raise",
    "state": "write `ar.done()`, or `ar.status`, which is 'ok' or 'error' once the task has ended",
    "terminate": "write `ar.cancel()`",
    "then": "write `ar.add_done_callback(callback)`, or `await ar`",
    "traceback": "write `ar.exception().traceback`",
    "value": "write `ar.get()`",
    "values": "write `ar.get()`",
}
_EXECUTOR = {
    "apply": "write `executor.submit(f, x).result()`",
    "apply_async": "write `executor.submit(f, x)`",
    "close": "write `executor.shutdown()`",
    "imap": "write `executor.map(f, xs)`, or `executor.map(f, xs, buffersize=100)` for endless iterables",
    "imap_unordered": "write `executor.view.imap(f, xs, ordered=False)`",
    "join": "write `executor.shutdown(wait=True)`",
    "map_async": "write `executor.view.map_async(f, xs)`",
    "starmap": "write `executor.map(f, *zip(*pairs))`",
    "starmap_async": "write `executor.view.map_async(f, *zip(*pairs))`",
    "terminate": "write `executor.shutdown(wait=False, cancel_futures=True)`",
}

_CONNECTED = "write `rc = cluster.start_and_connect_sync()`, then"
_STOPPED = "write `cluster.stop_cluster_sync()`"

_CLUSTER = {
    "adapt": (
        "engines do not come and go by themselves: write `cluster.start_engines_sync(n)` and "
        "`cluster.stop_engines_sync(engine_set_id)`"
    ),
    "apply": f"{_CONNECTED} `rc[:].apply(f, x)`",
    "client": "write `cluster.connect_client_sync()`",
    "close": _STOPPED,
    "connect": "write `cluster.connect_client_sync()`",
    "dashboard_link": "there is no dashboard; `rc.queue_status()` shows what the engines are doing",
    "get_client": "write `cluster.connect_client_sync()`",
    "get_logs": "run `ipcluster logs`",
    "logs": "run `ipcluster logs`",
    "map": f"{_CONNECTED} `{_BALANCED}.map(f, xs)`",
    "n_workers": "write `cluster.n`",
    "restart": "write `cluster.restart_engines_sync()`",
    "scale": "write `cluster.start_engines_sync(n)` to add n engines",
    "shutdown": _STOPPED,
    "start": "write `cluster.start_cluster_sync()`, or `with cluster as rc:`",
    "stop": _STOPPED,
    "submit": f"{_CONNECTED} `{_BALANCED}.apply_async(f, x)`",
    "terminate": _STOPPED,
    "wait_for_engines": "write `rc.wait_for_engines(n)`, where `rc` is a Client",
    "wait_for_workers": "write `rc.wait_for_engines(n)`, where `rc` is a Client",
    "workers": "write `cluster.engines`, or `rc.ids`, where `rc` is a Client",
}

_MODULE = {
    "LocalCluster": "write `engineroom.Cluster(n=4)`",
    "Parallel": f"write `{_BALANCED}.map_sync(f, xs)`, where `rc` is a Client",
    "Pool": "write `with engineroom.Cluster(n=4) as rc:` and `rc.load_balanced_view().map_sync(f, xs)`",
    "ProcessPoolExecutor": "write `rc.executor()`, where `rc` is a Client",
    "ThreadPoolExecutor": "write `rc.executor()`, where `rc` is a Client",
    "as_completed": (
        f"write `for answer in {_BALANCED}.map_async(f, xs, ordered=False)`; futures of `rc.executor()` work with "
        "`concurrent.futures.as_completed`"
    ),
    "cpu_count": "write `len(rc)`, the number of engines, where `rc` is a Client",
    "connect": "write `engineroom.Client()`",
    "delayed": f"write `{_BALANCED}.map_sync(f, xs)`, where `rc` is a Client",
    "get": "write `ar.get()`",
    "init": (
        "write `rc = engineroom.Client()` to connect to a running cluster, or `engineroom.Cluster(n=4)` to start one"
    ),
    "map": f"write `{_BALANCED}.map_sync(f, xs)`, where `rc` is a Client",
    "progress": "write `ar.wait_interactive()`, or `view.map_sync(f, xs, progress=True)`",
    "put": "write `rc[:].push({'name': value})`, where `rc` is a Client",
    "shutdown": "write `rc.shutdown(hub=True)`, where `rc` is a Client, or `cluster.stop_cluster_sync()`",
    "submit": f"write `{_BALANCED}.apply_async(f, x)`, where `rc` is a Client",
    "wait": "write `rc.wait(results)`, where `rc` is a Client",
}

HINTS: dict[str, dict[str, str]] = {
    "engineroom": _MODULE,
    "Client": _CLIENT,
    "View": _VIEW,
    "DirectView": _DIRECT,
    "LoadBalancedView": _BALANCED_ONLY,
    "AsyncResult": _RESULT,
    "ViewExecutor": _EXECUTOR,
    "Cluster": _CLUSTER,
}
NOT_YET: dict[str, dict[str, str]] = {
    "Client": _CLIENT_LATER,
}

KEYWORDS = {
    "batch_size": "chunksize",
    "chunk": "chunksize",
    "chunk_size": "chunksize",
    "chunks": "chunksize",
    "blocking": "block",
    "engines": "targets",
    "max_retries": "retries",
    "name": "label",
    "retry": "retries",
    "return_errors": "return_exceptions",
    "raise_exceptions": "return_exceptions",
    "tag": "label",
    "target": "targets",
    "wait": "block",
    "workers": "targets",
}
"""Keyword arguments of other systems, and ours."""


def missing(owner: object, name: str) -> AttributeError:
    """Return the error for an attribute that `owner` does not have, with what to write instead."""
    kind = type(owner)
    for base in kind.__mro__:
        if name in NOT_YET.get(base.__name__, ()):
            return NotBuiltYet(f"{kind.__name__}.{name}", NOT_YET[base.__name__][name])
        if name in HINTS.get(base.__name__, ()):
            return AttributeError(f"{kind.__name__} has no attribute {name!r}: {HINTS[base.__name__][name]}")
    near = difflib.get_close_matches(name, [known for known in dir(owner) if not known.startswith("_")], 1)
    return AttributeError(f"{kind.__name__} has no attribute {name!r}{f'. Did you mean {near[0]!r}?' if near else ''}")


def unexpected(method: str, name: str, known: list[str]) -> TypeError:
    """Return the error for a keyword argument that `method` does not have, with what to write instead.

    `known`: those that it has.
    """
    meant = KEYWORDS.get(name, name)
    if meant == "chunksize" and meant not in known:
        return WrongKeyword(f"{method}() has no argument {name!r}: {_DIRECT['chunksize']}")
    if meant not in known:
        meant = next(iter(difflib.get_close_matches(name, known, 1)), "")
    advice = f"did you mean {meant}?" if meant else f"it has {', '.join(known)}."
    more = f" To give f an argument of this name, write functools.partial(f, {name}=...)." if "map" in method else ""
    return WrongKeyword(f"{method}() has no argument {name!r}: {advice}{more}")


def of_module(name: str) -> str:
    """Return ": what to write instead of `engineroom.name`", or ""."""
    return f": {_MODULE[name]}" if name in _MODULE else ""
