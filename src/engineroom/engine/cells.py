"""Cells: code as a notebook has it, run by IPython in the engine's namespace. Imported when the first cell runs."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Mapping
from typing import Any

from IPython.core.profiledir import ProfileDir
from traitlets.config import Config

from engineroom.engine.coroutines import Coroutines
from engineroom.engine.displays import encoded_error
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.ipython_shell import Shell
from engineroom.engine.own_names import OwnNames
from engineroom.engine.publisher import Show
from engineroom.protocol.messages import Displays
from engineroom.protocol.ranges import MOST_DISPLAY
from engineroom.serialize.failures.packing import words_of
from engineroom.serialize.results import ExecuteReply


class Cells:
    """Runs cells in a namespace; one for each process."""

    def __init__(
        self,
        names: dict[str, Any],
        coroutines: Coroutines,
        interrupts: Interrupts,
        *,
        options: Mapping[str, Mapping[str, Any]],
        leave: Callable[[], object],
        show: Show | None = None,
        most_display: int = MOST_DISPLAY,
    ) -> None:
        """`options`: of IPython's classes, by their names. `leave`: ends the engine once the cell has ended. `show`:
        takes what is displayed, each of `most_display` bytes at most."""
        config = Config({"HistoryManager": {"enabled": False}, "InteractiveShell": {"colors": "nocolor"}})
        config.merge(Config(dict(options)))
        main = sys.modules["__main__"]
        assert vars(main) is names
        # Without a place of its own: where a home directory can't be written, IPython would make temporary ones.
        self.shell = Shell.instance(config=config, user_module=main, profile_dir=ProfileDir(), ipython_dir=os.curdir)
        self.shell.interrupts, self.shell.leave = interrupts, leave
        publisher: Any = self.shell.display_pub
        hook: Any = self.shell.displayhook
        publisher.show = hook.show = self._show = show
        publisher.most = hook.most = most_display
        self.shell.loop_runner = coroutines.run
        self.own_names = OwnNames(names, self.shell.user_ns_hidden)
        self.own_names.put_aside()
        # IPython's advice after a SystemExit, which makes no sense here.
        warnings.filterwarnings("ignore", message="To exit: use")

    def run(self, cell: dict[str, Any]) -> ExecuteReply:
        """Run `cell` ("code"; optionally "silent" and "name", for tracebacks); raise what it raises."""
        shell, code, silent = self.shell, cell["code"], bool(cell.get("silent"))
        hook: Any = shell.displayhook
        compiler: Any = shell.compile
        hook.data, hook.metadata = {}, {}
        compiler.name = cell.get("name", "")
        self.own_names.bring_back()
        try:
            result = shell.run_cell(code, store_history=not silent, silent=silent)  # type: ignore[no-untyped-call]
        finally:
            self.own_names.put_aside()
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            if self._show is not None:
                self._show(Displays.ERROR, encoded_error(*words_of(error)), "")
            raise error
        return ExecuteReply(result.execution_count or 0, source=code, data=hook.data, value_metadata=hook.metadata)

    def reset(self) -> None:
        """Forget all that was run: the names that IPython itself has are there again, and no others."""
        self.own_names.bring_back()
        self.shell.reset(new_session=False)  # type: ignore[no-untyped-call]
        self.own_names.put_aside()
