"""Pools of processes within a task: their children get functions and classes of a script by value if need be.

A forked child finds them in `__main__`, as its parent does. One that was spawned has another `__main__`, and so has one
that was forked before they came.
"""

from __future__ import annotations

import io
import pickle
import re
from collections import ChainMap
from typing import Any, ClassVar

from engineroom.serialize.by_value import class_sources
from engineroom.serialize.by_value.arrivals import arrivals


class _Sent:
    """Pickles as what loads `pickle` in a child, where pickling goes by value from then on."""

    def __init__(self, pickle: bytes) -> None:
        self._pickle = pickle

    def __reduce__(self) -> tuple[Any, ...]:
        return _load, (self._pickle,)


class _State:
    in_child = False


def teach(reduction: Any) -> None:
    """Change `multiprocessing.reduction`: what its pickler can't send, or the children can't find, goes by value."""
    plain, pickler = reduction.ForkingPickler.dumps, reduction.ForkingPickler

    def dumps(cls: Any, obj: Any, protocol: int | None = None) -> Any:
        del cls
        if _starts_one() and type(obj) is not dict:  # what is a dict prepares the child for imports
            return plain(_Sent(_by_value(obj, pickler)), protocol)
        try:
            data = plain(obj, protocol)
            if not re.search(b"__main__", data) or not _strangers():
                return data
        except Exception:
            if not _strangers():
                raise
        return plain(_Sent(_by_value(obj, pickler)), protocol)

    def dump(obj: Any, file: Any, protocol: int | None = None) -> None:
        file.write(pickler.dumps(obj, protocol))

    pickler.dumps = classmethod(dumps)
    reduction.dump = dump


def _starts_one() -> bool:
    """Whether a child is being spawned: descriptors are given to it while it is pickled, which must be done once."""
    from multiprocessing import context  # whoever gets here has it

    return context.get_spawning_popen() is not None


def _strangers() -> bool:
    """Whether there may be children that do not know what has come to this process."""
    from multiprocessing import process  # whoever gets here has it

    children = tuple(process._children)  # type: ignore[attr-defined]
    return _State.in_child or arrivals.late or any(_way(child) != "fork" for child in children)


def _way(child: Any) -> str:
    return getattr(child._popen, "method", "fork")


def _by_value(obj: Any, pickler: Any) -> bytes:
    from engineroom.serialize.by_value.pickler import ByValuePickler  # with cloudpickle; not every engine needs it

    class Pickler(ByValuePickler):  # the table counts only where it is the class's
        dispatch_table: ClassVar[Any] = ChainMap(pickler._extra_reducers, ByValuePickler.dispatch_table)

    with io.BytesIO() as file:
        Pickler(file).dump(obj)
        return file.getvalue()


def _load(data: bytes) -> Any:
    from multiprocessing import process, reduction

    beginning = getattr(process.current_process(), "_inheriting", False)
    if not _State.in_child and (beginning or process.parent_process() is not None):
        _State.in_child = True
        teach(reduction)
        import inspect  # which children need only here

        class_sources.teach(inspect)
    return pickle.loads(data)
