"""Cells: code as a notebook has it, run by IPython in the engine's namespace. Imported when the first cell runs."""

from __future__ import annotations

import sys
import warnings
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets import Type
from traitlets.config import Config

from engineroom.engine.coroutines import Coroutines
from engineroom.engine.interrupts import Interrupts
from engineroom.serialize.results import ExecuteReply


class _Compiler(CachingCompiler):
    """Compiles cells under the name of the file they come from, if there is one."""

    file_name = ""

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        return self.file_name or super().get_code_name(raw_code, transformed_code, number)


class _DisplayHook(DisplayHook):
    """Keeps the representations of a cell's value rather than printing one."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # all of IPython is
        self.data: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}

    def write_output_prompt(self) -> None:
        """Print nothing."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self.data, self.metadata = format_dict, md_dict or {}

    def finish_displayhook(self) -> None:
        """Print nothing."""


class _Shell(InteractiveShell):
    """IPython without a terminal: errors are raised at the client, which shows them."""

    displayhook_class = Type(_DisplayHook)  # type: ignore[assignment]  # a trait
    compiler_class = Type(_Compiler)
    interrupts: Interrupts

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        """Run compiled code of the user's: what is outside of it is IPython, which may swallow an interrupt."""
        with self.interrupts.allowed():
            return bool(await super().run_code(code_obj, result, async_=async_))  # type: ignore[no-untyped-call]

    def showtraceback(self, *args: Any, **options: Any) -> None:
        """Show nothing."""

    def showsyntaxerror(self, *args: Any, **options: Any) -> None:
        """Show nothing."""

    def showindentationerror(self) -> None:
        """Show nothing."""


class Cells:
    """Runs cells in a namespace; one for each process."""

    def __init__(self, names: dict[str, Any], coroutines: Coroutines, interrupts: Interrupts) -> None:
        config = Config()
        config.HistoryManager.enabled = False
        config.InteractiveShell.colors = "nocolor"
        main = sys.modules["__main__"]
        assert vars(main) is names
        self._shell = _Shell.instance(config=config, user_module=main, profile_dir=ProfileDir())
        self._shell.interrupts = interrupts
        self._shell.loop_runner = coroutines.run
        # IPython's advice after a SystemExit, which makes no sense here.
        warnings.filterwarnings("ignore", message="To exit: use")

    def run(self, cell: dict[str, Any]) -> ExecuteReply:
        """Run `cell` ("code"; optionally "silent" and "name", the file it comes from); raise what it raises."""
        shell, code, silent = self._shell, cell["code"], bool(cell.get("silent"))
        hook: Any = shell.displayhook
        compiler: Any = shell.compile
        hook.data, hook.metadata = {}, {}
        compiler.file_name = cell.get("name", "")
        result = shell.run_cell(code, store_history=not silent, silent=silent)  # type: ignore[no-untyped-call]
        error = result.error_before_exec or result.error_in_exec
        if error is not None:
            raise error
        return ExecuteReply(result.execution_count or 0, source=code, data=hook.data, metadata=hook.metadata)

    def reset(self) -> None:
        """Forget all that was run: the names that IPython itself has are there again, and no others."""
        self._shell.reset(new_session=False)  # type: ignore[no-untyped-call]
