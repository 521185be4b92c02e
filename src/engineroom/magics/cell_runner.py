"""Running cells on the engines of a view, as %px, %%px and %pxconfig say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError

from engineroom.client.arguments.switches import checks_switches
from engineroom.client.engines.targets import resolve, spell
from engineroom.errors.local import called_by_users
from engineroom.magics.local_cell import LocalCell
from engineroom.magics.running import Way, run_and_show
from engineroom.magics.syntax import check_syntax
from engineroom.magics.target_texts import targets_of

if TYPE_CHECKING:
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.views.direct import DirectView

_NO_CLUSTER = (
    "%px has no cluster yet. Start one with `rc = engineroom.Cluster(n=4).start_and_connect_sync()`, or connect to a "
    "running one with `rc = engineroom.Client()`"
)


@called_by_users("parallel_execute")
@checks_switches()
class CellRunner:
    """Runs cells on the engines of `view`; None: nowhere yet.

    `last_result`: the AsyncResult of the last cell. `verbose`, `stream_output`, `fold`, `progress_after_seconds`,
    `signal_on_interrupt`: what %pxconfig sets.
    """

    shell: Any
    suffix: str
    view: DirectView[Any] | None = None
    last_result: AsyncResult[Any] | None = None
    verbose = False
    stream_output = True
    fold = True
    progress_after_seconds = 2.0
    signal_on_interrupt = "SIGINT"

    @property
    def active(self) -> bool:
        """Whether there is a view, and its client is open."""
        return self.view is not None and not self.view._session.closed

    @property
    def targets(self) -> Any:
        """The engines that cells run on: `view.targets`."""
        return self._view().targets

    @targets.setter
    def targets(self, targets: Any) -> None:
        self._view().targets = targets

    @property
    def block(self) -> bool:
        """Whether %px waits for the engines: `view.block`."""
        return self._view().block

    @block.setter
    def block(self, block: bool) -> None:
        self._view().block = block

    def parallel_execute(
        self,
        cell: str,
        block: bool | None = None,  # noqa: FBT001 (as users write it)
        groupby: str = "type",
        save_name: str | None = None,
        stream_output: bool | None = None,  # noqa: FBT001
        progress_after: float | None = None,
        signal_on_interrupt: str | None = None,
        *,
        fold: bool | None = None,
        targets: str | None = None,
        verbose: bool | None = None,
        time_limit: float | None = None,
        keep: bool = False,
        local: bool = False,
    ) -> AsyncResult[Any] | None:
        """Run `cell` as %%px does, with its flags as arguments; None: what %pxconfig says.

        Return the AsyncResult unless it waits.
        """
        view = self._view()
        if targets is not None:
            view = view.with_flags(targets=self._targets(targets))
        if time_limit is not None:
            view = view.with_flags(time_limit=time_limit)
        block = view.block if block is None else block
        self._check(view, cell)
        if self.verbose if verbose is None else verbose:
            print(f"{'Parallel' if block else 'Async parallel'} execution on engine(s): {_spelt(view)}")
        here = LocalCell(self.shell, cell if local else "")

        def submit() -> AsyncResult[Any]:
            return view.execute(cell, silent=False, block=False, keep=keep)

        def note(result: AsyncResult[Any]) -> None:
            self.last_result = result
            if save_name:
                self.shell.user_ns[save_name] = result

        if not block:
            result = submit()
            note(result)
            here.run()
            here.raise_error()
            return result
        run_and_show(
            view,
            submit,
            Way(
                stream=_or(stream_output, self.stream_output),
                fold=_or(fold, self.fold),
                groupby=groupby,
                progress_after=_or(progress_after, self.progress_after_seconds),
                signal=_or(signal_on_interrupt, self.signal_on_interrupt),
            ),
            here.run,
            note,
        )
        here.raise_error()
        return None

    def _configuration(self) -> str:
        view = self._view()
        words = (
            ("--block" if view.block else "--noblock"),
            f"--targets {_spelt(view)}",
            ("--stream" if self.stream_output else "--no-stream"),
            ("--fold" if self.fold else "--no-fold"),
            ("--verbose" if self.verbose else "--no-verbose"),
            f"--progress-after {self.progress_after_seconds:g}",
            f"--signal-on-interrupt {self.signal_on_interrupt or 0}",
        )
        return " ".join(words)

    def _view(self) -> DirectView[Any]:
        if self.view is None:
            raise UsageError(_NO_CLUSTER)
        session = self.view._session
        if session.closed:
            raise UsageError(
                f"%px{self.suffix} has lost its cluster: {session.failure}. "
                f"%px{self.suffix} runs on the next client that you create"
            )
        return self.view

    def _targets(self, text: str) -> Any:
        return targets_of(text, lambda: self._view().client.ids, self.shell.ev)

    def _check(self, view: DirectView[Any], cell: str) -> None:
        """Raise CellSyntaxError for a cell that no engine could run, before it is sent."""
        if not view._session.engines.other_python:
            check_syntax(cell)


def _or(given: Any, usual: Any) -> Any:
    return usual if given is None else given


def _spelt(view: DirectView[Any]) -> str:
    targets = view.targets
    return targets if isinstance(targets, str) else spell(resolve(targets, view._session.engines)).replace(" ", "")
