"""The magics of one view: %px and those beside it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from IPython.core.error import UsageError
from IPython.core.magic import Magics

from engineroom.client.engines.targets import resolve
from engineroom.client.results.attaching import attach_to
from engineroom.errors.local import called_by_users
from engineroom.magics import autopx, flags
from engineroom.magics.cell_runner import CellRunner
from engineroom.magics.differences import show_differences
from engineroom.magics.following import Follower

if TYPE_CHECKING:
    from engineroom.client.results.async_result import AsyncResult
    from engineroom.client.views.direct import DirectView

_ATTACH = re.compile(r"\s*--attach(\s|=|$)")
"""No code begins like this and goes on."""


@called_by_users("px", "cell_px", "pxconfig", "result", "pxdiff", "autopx")
class ParallelMagics(CellRunner, Magics):
    """The magics %px, %%px, %pxconfig, %pxresult, %pxdiff and %autopx of one view; their names end with `suffix`.

    `view`: where they run cells; None: nowhere yet. `last_result`: the AsyncResult of the last cell. `verbose`,
    `stream_output`, `fold`, `progress_after_seconds`, `signal_on_interrupt`: what %pxconfig sets.
    """

    magics: Any = None
    registered = True
    suffix = ""

    def __init__(self, shell: Any, view: DirectView[Any] | None, suffix: str = "") -> None:
        self.view, self.suffix = view, suffix
        line: dict[str, Any] = {
            f"px{suffix}": self.px,
            f"pxconfig{suffix}": self.pxconfig,
            f"pxresult{suffix}": self.result,
            f"pxdiff{suffix}": self.pxdiff,
            f"autopx{suffix}": self.autopx,
        }
        if not suffix:
            line["result"] = self.result  # as earlier versions called it
        self.magics = {"line": line, "cell": {f"px{suffix}": self.cell_px}}
        super().__init__(shell=shell)

    def px(self, line: str = "") -> Any:
        """Run one line of code on the engines: `%px x = 1`.

        `$name` and `{expression}` are replaced by values from here, as in other line magics. `%px --attach last` shows
        the last call of another client, such as a kernel that was restarted, from its beginning, and goes on live;
        `%px --attach ID` that of a message id. `%%px` sends the lines below it as they are, and takes flags:
        """
        if _ATTACH.match(line):
            self._attach(line)
            return None
        if not line.strip():
            raise UsageError(f"%px{self.suffix} needs code to run: %px{self.suffix} x = 1")
        return self.parallel_execute(line)

    @flags.takes_flags("px")
    @flags.execution
    @flags.running
    @flags.output
    def cell_px(self, line: str = "", cell: str | None = None) -> Any:
        """Run a cell on the engines, and show its output, displays and values.

        Ctrl-C interrupts the engines. With --noblock, return an AsyncResult instead; %pxresult shows it later.
        """
        args = flags.parsed(ParallelMagics.cell_px, line)
        if not (cell or "").strip():
            raise UsageError(f"the cell is empty: write code below %%px{self.suffix}")
        return self.parallel_execute(
            cell or "",
            block=args.block,
            groupby=args.groupby,
            save_name=args.save_name,
            stream_output=args.stream,
            fold=args.fold,
            progress_after=args.progress_after,
            signal_on_interrupt=args.signal_on_interrupt,
            targets=args.targets,
            verbose=args.verbose,
            time_limit=args.time_limit,
            keep=args.keep,
            local=args.local,
        )

    @flags.takes_flags("pxconfig")
    @flags.execution
    def pxconfig(self, line: str = "") -> None:
        """Set what %px and %%px do unless they are told otherwise; without flags, show it."""
        args = flags.parsed(ParallelMagics.pxconfig, line)
        view = self._view()
        if args.targets is not None:
            targets = self._targets(args.targets)
            resolve(targets, view._session.engines)  # or each later cell would fail
            view.targets = targets
        if args.block is not None:
            view.block = args.block
        names = {
            "stream": "stream_output",
            "progress_after": "progress_after_seconds",
        } | {name: name for name in ("fold", "verbose", "signal_on_interrupt")}
        for flag, name in names.items():
            if (value := getattr(args, flag)) is not None:
                setattr(self, name, value)
        if not line.strip():
            print(self._configuration())

    @flags.takes_flags("pxresult")
    @flags.output
    def result(self, line: str = "") -> None:
        """Show the output of the last cell that %px or %%px ran; wait for it first. Ctrl-C leaves it running."""
        args = flags.parsed(ParallelMagics.result, line)
        result = self.last_result
        if result is None:
            raise UsageError(f"no cell was run with %px{self.suffix} yet, so there is no result to show")
        self._follow(result, args)

    @flags.takes_flags("px")
    @flags.attaching
    @flags.output
    def _attach(self, line: str) -> None:
        """Show a call of another client, from its beginning, and go on live. Ctrl-C leaves it running."""
        args = flags.parsed(ParallelMagics._attach, line)
        self.last_result = result = attach_to(self._view()._session, args.attach)
        self._follow(result, args)

    def _follow(self, result: AsyncResult[Any], args: Any) -> None:
        """Show a call that was made before, and wait for it."""
        if args.save_name:
            self.shell.user_ns[args.save_name] = result
        follower = Follower(
            stream=self.stream_output, fold=self.fold, groupby=args.groupby, progress_after=self.progress_after_seconds
        )
        try:
            follower.wait(result)
        finally:
            follower.end()
        follower.finish()

    def pxdiff(self, line: str = "") -> None:
        """Show on which engines a variable differs: `%pxdiff x`. Any expression will do: `%pxdiff x.shape`.

        Values are compared by a hash that each engine makes of its own; only a short summary of them is sent here.
        """
        if not line.strip():
            raise UsageError(f"%pxdiff{self.suffix} needs the name of a variable: %pxdiff{self.suffix} x")
        show_differences(self._view(), line.strip())

    def autopx(self, line: str = "") -> None:
        """Run all cells on the engines, as if each began with %%px, until you run %autopx again.

        Cells that begin with a magic of this family (%px, %pxresult, %pxconfig ...) run here.
        """
        del line
        self._view()
        autopx.toggle(self.shell, self.suffix)

    @property
    def _autopx(self) -> bool:
        return autopx.is_on(self.shell, self.suffix)


if ParallelMagics.px.__doc__ and ParallelMagics.cell_px.__doc__:  # not under -OO; for `%px?`
    ParallelMagics.px.__doc__ += f"\n{ParallelMagics.cell_px.__doc__}"
