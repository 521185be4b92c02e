"""Imports that run here and on the engines of a view."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.util import resolve_name
from threading import Lock
from types import FrameType, TracebackType
from typing import Any, Self

from engineroom.client.results.async_result import AsyncResult
from engineroom.errors.local import called_by_users
from engineroom.serialize.functions.imports import OnEngines, written

Submit = Callable[[str], AsyncResult[Any]]
"""What sends an import statement to the engines."""


class _Watch:
    """Sees the imports of the frames in `blocks`, as long as there are any; all others are as ever."""

    def __init__(self) -> None:
        self.blocks: dict[FrameType, SyncImports] = {}
        self._lock = Lock()
        self._usual: Callable[..., Any] = builtins.__import__

    def add(self, frame: FrameType, block: SyncImports) -> None:
        with self._lock:
            if not self.blocks:
                self._usual, builtins.__import__ = builtins.__import__, self._import
            self.blocks[frame] = block

    def remove(self, frame: FrameType, outer: SyncImports | None) -> None:
        with self._lock:
            del self.blocks[frame]
            if outer is not None:
                self.blocks[frame] = outer
            if not self.blocks and builtins.__import__ == self._import:
                builtins.__import__ = self._usual

    def _import(
        self,
        name: str,
        globals: Mapping[str, Any] | None = None,  # noqa: A002 (as Python calls it)
        locals: Mapping[str, Any] | None = None,  # noqa: A002
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> Any:
        frame = sys._getframe(1)
        block = self.blocks.get(frame)
        if block is None:
            return self._usual(name, globals, locals, fromlist, level)
        full = resolve_name("." * level + name, str((globals or {}).get("__package__"))) if level else name
        found: Any = OnEngines(full if fromlist else full.partition(".")[0])
        if block.local:
            found = self._usual(name, globals, locals, fromlist, level)
        block.send(written(full, fromlist or (), frame.f_code, frame.f_lasti))
        return found


_watch = _Watch()


@called_by_users("__exit__")
class SyncImports:
    """A `with` block whose import statements run on the engines, too.

    Leaving it waits until the engines have imported everything. RemoteError or CompositeError: an import failed there.
    """

    def __init__(self, submit: Submit, *, local: bool, quiet: bool) -> None:
        self.local, self.quiet = local, quiet
        self._submit = submit
        self._sent: dict[str, AsyncResult[Any]] = {}
        self._frame: FrameType | None = None
        self._outer: SyncImports | None = None

    def send(self, statement: str) -> None:
        """Have the engines run `statement`, unless this block has sent it already."""
        if statement in self._sent:
            return
        self._sent[statement] = self._submit(statement)
        if not self.quiet:
            names, _, module = statement.removeprefix("from ").partition(" import ")
            what = f"{module} from {names}" if statement.startswith("from ") else statement.removeprefix("import ")
            print(f"importing {what} on engine(s)")

    def __enter__(self) -> Self:
        frame = sys._getframe(1)
        while frame.f_globals.get("__name__") == "contextlib" and frame.f_back is not None:
            frame = frame.f_back  # an ExitStack was asked to enter it
        self._frame, self._outer = frame, _watch.blocks.get(frame)
        _watch.add(frame, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        frame, self._frame = self._frame, None
        if frame is not None:
            _watch.remove(frame, self._outer)
        if error is None:
            for result in self._sent.values():
                result.get()
