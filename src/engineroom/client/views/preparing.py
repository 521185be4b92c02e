"""What prepares engines for calls: functions that are kept, imports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.client.arguments.switches import checks_switches
from engineroom.client.kinds import Function, Kind, T
from engineroom.client.results.blocking import result_of
from engineroom.client.views.view import View
from engineroom.errors.local import called_by_users
from engineroom.protocol.messages import Kind as CallKind
from engineroom.serialize.functions.packing import PackedFunction, pack_call
from engineroom.serialize.futures import by_bytes
from engineroom.serialize.old_names import use_cloudpickle, use_dill, use_pickle

if TYPE_CHECKING:
    from engineroom.client.engines.targets import Targets
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.views.imports import SyncImports
    from engineroom.protocol.streams import Packed

Naming = tuple[object, str]
"""Of a call that is kept: what tells it from others of its kind, and what people call it."""


@called_by_users("keep", "forget")
@checks_switches()
class PreparingView(View[Kind]):
    """A view of engines that calls prepare."""

    def keep(self, function: Function[T]) -> Function[T]:
        """Run `function` on the engines now, and first of all on each engine that is started later; return it.

        A decorator: `@view.keep` above a function without arguments that prepares an engine: it loads data, or sets
        variables by `global`. Kept calls run in order, before an engine takes anything else. A view of "all" keeps them
        for all engines that come later, another one for the ids that it names. An engine on which one fails takes no
        load-balanced tasks until `rc.forget(...)`; `rc.kept` lists them. They are kept until then, or until this client
        is closed or has been gone for `IPController.linger` seconds. Keeping a call of the same name again replaces it.
        RemoteError or CompositeError: it failed; then it is not kept. EngineroomError: it is too large to be kept.
        """
        from engineroom.client.views.keeping import forget_again_if_it_failed  # few calls are kept

        with by_bytes():
            packed = self._pack(function)
        body, name = pack_call((), {}, name=packed.name, function=function), packed.name
        naming = name, f"{name}()"

        def submit() -> AsyncResult[Any]:
            return self._call(CallKind.APPLY, body, f"apply:{name}", None, packed, kept=naming)

        with forget_again_if_it_failed(self._session):
            result_of(self._session, submit)
        return function

    def forget(self, calls: Any = None) -> None:
        """Keep calls no longer; see `Client.forget`."""
        self.client.forget(calls)

    def sync_imports(self, local: bool = True, quiet: bool = False, keep: bool = False) -> SyncImports:
        """Return a context manager: import statements in its `with` block run on the engines, too, `as` included.

        Leaving the block waits for the engines. `local=False`: import on the engines only; here the names can only be
        used in functions that run there. `quiet`: do not print what is imported. `keep`: import it again on each engine
        that is started later; see `keep`. RemoteError or CompositeError: an import failed on an engine.
        """
        from engineroom.client.views.imports import SyncImports  # few use it
        from engineroom.serialize.functions.imports import Import, run_import

        packed = self._pack(run_import)

        def submit(statement: str) -> AsyncResult[Any]:
            kept = (statement, statement) if keep else None
            body = pack_call((Import.of(statement),), {}, name=packed.name, function=run_import)
            return self._call(CallKind.APPLY, body, f"apply:{packed.name}", None, packed, kept=kept)

        return SyncImports(submit, local=local, quiet=quiet)

    @property
    def importer(self) -> SyncImports:
        """The same as `sync_imports()`: `with view.importer: import numpy`."""
        return self.sync_imports()

    def use_dill(self) -> Any:
        """Send with dill, from here and from the engines, what cloudpickle cannot send; return an AsyncResult.

        Such values are open files and locks, for example. ModuleNotFoundError: dill is not installed here.
        """
        use_dill()
        return self.apply(use_dill)

    def use_cloudpickle(self) -> Any:
        """End what `use_dill()` has begun, here and on the engines; return an AsyncResult.

        Cloudpickle sends what plain pickle cannot.
        """
        use_cloudpickle()
        return self.apply(use_cloudpickle)

    def use_pickle(self) -> Any:
        """End what `use_dill()` has begun, here and on the engines; return an AsyncResult.

        Plain pickle is used wherever it works.
        """
        use_pickle()
        return self.apply(use_pickle)

    def _call(
        self,
        kind: CallKind,
        body: Packed,
        name: str,
        targets: Targets,
        function: PackedFunction | None = None,
        label: str | None = None,
        kept: Naming | None = None,
    ) -> AsyncResult[Any]:
        """Submit one call, its payload once, to each of `targets` (None: the view's); `kept`: and have it kept."""
        raise NotImplementedError
