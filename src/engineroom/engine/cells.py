"""Cells: code as a notebook has it, run by IPython in the engine's namespace. Imported when the first cell runs."""

from __future__ import annotations

import itertools
import linecache
import sys
import warnings
from collections import OrderedDict
from typing import Any

from IPython.core.compilerop import CachingCompiler
from IPython.core.displayhook import DisplayHook
from IPython.core.interactiveshell import InteractiveShell
from IPython.core.profiledir import ProfileDir
from traitlets import Type
from traitlets.config import Config

from engineroom.engine.coroutines import Coroutines
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.own_names import OwnNames
from engineroom.serialize.results import ExecuteReply

_SOURCES = 1000
"""So many cells are remembered, for tracebacks of functions that they defined."""


class _Compiler(CachingCompiler):
    """Compiles cells under the name that their client gives them: of a file, or such as `<cell 3>`."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # all of IPython is
        self.name = ""
        self._names: OrderedDict[str, None] = OrderedDict()

    def get_code_name(self, raw_code: str, transformed_code: str, number: int) -> str:
        if not self.name.startswith("<"):
            return self.name or super().get_code_name(raw_code, transformed_code, number)
        others = (f"{self.name[:-1]} ({count})>" for count in itertools.count(2))
        lines = [line + "\n" for line in transformed_code.splitlines()]
        # Another client may have a cell of that name; functions that it defined keep their source.
        return next(name for name in itertools.chain([self.name], others) if linecache.getlines(name) in ([], lines))

    def cache(self, transformed_code: str, number: int = 0, raw_code: str | None = None) -> str:
        """Keep the source of a cell for tracebacks, and return the cell's name."""
        name = super().cache(transformed_code, number, raw_code)
        self._names[name] = None
        self._names.move_to_end(name)
        if len(self._names) > _SOURCES:
            oldest, _ = self._names.popitem(last=False)
            linecache.cache.pop(oldest, None)
            self._filename_map.pop(oldest, None)
        return name


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
        self.own_names = OwnNames(names, self._shell.user_ns_hidden)
        self.own_names.put_aside()
        # IPython's advice after a SystemExit, which makes no sense here.
        warnings.filterwarnings("ignore", message="To exit: use")

    def run(self, cell: dict[str, Any]) -> ExecuteReply:
        """Run `cell` ("code"; optionally "silent" and "name", for tracebacks); raise what it raises."""
        shell, code, silent = self._shell, cell["code"], bool(cell.get("silent"))
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
            raise error
        return ExecuteReply(result.execution_count or 0, source=code, data=hook.data, metadata=hook.metadata)

    def reset(self) -> None:
        """Forget all that was run: the names that IPython itself has are there again, and no others."""
        self.own_names.bring_back()
        self._shell.reset(new_session=False)  # type: ignore[no-untyped-call]
        self.own_names.put_aside()
