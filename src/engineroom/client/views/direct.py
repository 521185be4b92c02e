"""DirectView: calls on exactly these engines, each in its own queue, in order."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from engineroom.client.map_results import AsyncMapResult
from engineroom.client.partitions import distribution, sliceable
from engineroom.client.results import AsyncResult
from engineroom.client.targets import Targets, is_single, resolve
from engineroom.client.views.view import View
from engineroom.errors.local import called_by_users
from engineroom.protocol.messages import DEFAULT_OPTIONS, Kind, Options
from engineroom.protocol.streams import Body
from engineroom.serialize.functions import PackedFunction, pack_call
from engineroom.serialize.old_names import use_cloudpickle, use_dill, use_pickle
from engineroom.serialize.payloads import pack, pack_names


@called_by_users("map_async", "execute", "run", "push", "pull", "update", "get", "clear", "scatter", "gather")
@called_by_users("__getitem__", "__setitem__")
class DirectView(View):
    """Calls on each of the engines in `targets`.

    An int gives one result, anything else a list. "all" means whoever is there at each call.
    """

    def __len__(self) -> int:
        """How many engines there are."""
        return len(self._resolve(None))

    @property
    def width(self) -> int:
        """How many engines there are, 0 if none."""
        return len(self._resolve(None)) if self._session.engines.ids else 0

    def map_async(
        self,
        f: Callable[..., Any],
        /,
        *sequences: Any,
        track: bool | None = None,
        return_exceptions: bool = False,
        label: str | None = None,
    ) -> AsyncResult:
        """Call `f` with the items of `sequences`, an equal contiguous part on each engine; an AsyncMapResult."""
        columns = [sliceable(sequence) for sequence in sequences]
        count = min(map(len, columns), default=0)
        columns = [column if len(column) == count else column[:count] for column in columns]
        targets = self._resolve(None)[:count]
        label = self.label if label is None else label
        function, name = self._pack_for_chunks(f, return_exceptions=return_exceptions)
        blocks = distribution("b")
        result = AsyncMapResult(
            self._session,
            f"map:{name}",
            count=len(targets),
            distribution=blocks,
            return_exceptions=return_exceptions,
            label=label,
        )
        for place, target in enumerate(targets):
            parts = tuple(blocks.part(column, place, len(targets)) for column in columns)
            body = pack_call(parts, {}, copy=not self._tracks(track))
            self._submit(Kind.APPLY, body, result, (target,), function=function, label=label)
        return result

    def execute(
        self,
        code: str,
        silent: bool = True,  # noqa: FBT001, FBT002 (as users write it)
        targets: Targets = None,
        block: bool | None = None,  # noqa: FBT001
        label: str | None = None,
    ) -> AsyncResult:
        """Run `code`, a cell as one would type it, in the engines' namespaces; return an AsyncResult."""
        call = {"code": code, "silent": silent, "name": f"<cell {next(self._session.cell_numbers)}>"}
        return self._execute(call, "execute", targets, block, label)

    def run(
        self,
        filename: str | Path,
        targets: Targets = None,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
        label: str | None = None,
    ) -> AsyncResult:
        """Run the contents of a file of this machine in the engines' namespaces; return an AsyncResult."""
        code = Path(filename).read_text(encoding="utf-8")
        call = {"code": code, "silent": True, "name": str(filename)}
        return self._execute(call, f"run:{filename}", targets, block, label)

    def push(
        self,
        ns: dict[str, Any],
        targets: Targets = None,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
        track: bool | None = None,  # noqa: FBT001
    ) -> Any:
        """Set names in the engines' namespaces; an AsyncResult, or None if it waited."""
        if not isinstance(ns, dict):
            raise TypeError(f"push() takes a dict of names and values, not {type(ns).__name__}")
        tracked = self._tracks(track)
        result = self._call(Kind.PUSH, pack_names(ns, copy=not tracked), "push", targets)
        return self._none_if_waited(result, block, tracked=tracked)

    def pull(self, names: str | Iterable[str], targets: Targets = None, block: bool | None = None) -> Any:  # noqa: FBT001 (as users write it)
        """Return the values of one name, or of several as a list, from the engines' namespaces."""
        wanted = names if isinstance(names, str) else list(names)
        result = self._call(Kind.PULL, pack(wanted), "pull", targets)
        return result.get() if self._blocks(block) else result

    def update(self, ns: dict[str, Any]) -> Any:
        """Set names in the engines' namespaces: `push` under the name that dicts use."""
        return self.push(ns)

    def get(self, key_s: str | Iterable[str]) -> Any:
        """Wait for, and return, the values of one name or of several."""
        return self.pull(key_s, block=True)

    def __getitem__(self, key: str | list[str]) -> Any:
        return self.get(key)

    def __setitem__(self, key: str, value: Any) -> None:
        self.push({key: value}, block=True)

    def clear(self, targets: Targets = None, block: bool | None = None) -> Any:  # noqa: FBT001 (as users write it)
        """Empty the engines' namespaces, and run their start-up script and command again.

        An AsyncResult, or None if it waited. RuntimeError: the start-up code fails.
        """
        return self._none_if_waited(self._call(Kind.CLEAR, b"", "clear", targets), block)

    def scatter(
        self,
        key: str,
        seq: Any,
        dist: str = "b",
        flatten: bool = False,  # noqa: FBT001, FBT002 (as users write it)
        targets: Targets = None,
        block: bool | None = None,  # noqa: FBT001
        track: bool | None = None,  # noqa: FBT001
    ) -> Any:
        """Spread `seq` over the engines, each part under the name `key`; an AsyncResult, or None if it waited.

        `dist`: "b" for contiguous blocks, "r" for one item to each engine in turn. `flatten`: parts of one item
        become that item.
        """
        sequence, spread, ids = sliceable(seq), distribution(dist), self._resolve(targets)
        result = AsyncResult(self._session, "scatter", count=len(ids), single=False, label=self.label)
        for place, engine in enumerate(ids):
            part = spread.part(sequence, place, len(ids))
            value = part[0] if flatten and len(part) == 1 else part
            body = pack_names({key: value}, copy=not self._tracks(track))
            self._submit(Kind.PUSH, body, result, (engine,), label=self.label)
        return self._none_if_waited(result, block, tracked=self._tracks(track))

    def gather(
        self,
        key: str,
        dist: str = "b",
        targets: Targets = None,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
    ) -> Any:
        """Collect what `scatter` spread under `key`, joined again: an AsyncMapResult, or the whole if it waited."""
        ids = self._resolve(targets)
        result = AsyncMapResult(
            self._session, "gather", count=len(ids), distribution=distribution(dist), label=self.label
        )
        self._submit(Kind.PULL, pack(key), result, ids, label=self.label)
        return result.get() if self._blocks(block) else result

    def use_dill(self) -> Any:
        """Do nothing, on each engine: what plain pickle can't send goes by cloudpickle anyway. An AsyncResult."""
        return self.apply(use_dill)

    def use_cloudpickle(self) -> Any:
        """Do nothing, on each engine: what plain pickle can't send goes by cloudpickle anyway. An AsyncResult."""
        return self.apply(use_cloudpickle)

    def use_pickle(self) -> Any:
        """Do nothing, on each engine: plain pickle is used wherever it works. An AsyncResult."""
        return self.apply(use_pickle)

    def _apply(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> AsyncResult:
        packed = self.client.packer.pack(function)
        body = pack_call(args, kwargs, copy=not self.track, name=packed.name, function=function)
        result = self._call(Kind.APPLY, body, f"apply:{packed.name}", None, packed)
        if self.track:
            result._tracked = True
        return result

    def _execute(
        self,
        call: dict[str, Any],
        name: str,
        targets: Targets,
        block: bool | None,  # noqa: FBT001 (handed on)
        label: str | None,
    ) -> AsyncResult:
        result = self._call(Kind.EXECUTE, pack(call), name, targets, label=label)
        result._code = call["code"]
        if self._blocks(block):
            result.get()
        return result

    def _call(
        self,
        kind: Kind,
        body: Body,
        name: str,
        targets: Targets,
        function: PackedFunction | None = None,
        label: str | None = None,
    ) -> AsyncResult:
        """Submit one call, its payload once, to each of `targets` (None: the view's)."""
        ids = self._resolve(targets)
        single = is_single(self.targets if targets is None else targets)
        label = self.label if label is None else label
        result = AsyncResult(self._session, name, count=len(ids), single=single, label=label)
        if ids:
            self._submit(kind, body, result, ids, function=function, label=label)
        return result

    def _submit(
        self,
        kind: Kind,
        body: Body,
        result: AsyncResult,
        ids: tuple[int, ...],
        *,
        label: str,
        function: PackedFunction | None = None,
    ) -> None:
        options = Options(label=label) if label else DEFAULT_OPTIONS
        tasks = self._session.submit(kind, body, result, function=function, to=ids, options=options)
        self._numbers.add(tasks[0].number, len(tasks))

    def _resolve(self, targets: Targets) -> tuple[int, ...]:
        return resolve(self.targets if targets is None else targets, self._session.engines)

    def _none_if_waited(self, result: AsyncResult, block: bool | None, *, tracked: bool = False) -> AsyncResult | None:  # noqa: FBT001 (handed on)
        """Wait for a call that has no result, and return None, if it blocks; else return its AsyncResult."""
        if tracked:
            result._tracked = True
        if not self._blocks(block):
            return result
        result.get()
        return None

    def _tracks(self, track: bool | None) -> bool:  # noqa: FBT001 (handed on)
        return self.track if track is None else track
