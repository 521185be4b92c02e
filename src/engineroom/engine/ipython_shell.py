"""IPython's shell for an engine, without a keyboard or screen. Imported when the first cell runs."""

from __future__ import annotations

import contextlib
import itertools
import linecache
import os
import sys
from collections import OrderedDict
from collections.abc import Callable, Iterator
from typing import Any

from IPython.core import displayhook
from IPython.core.compilerop import CachingCompiler
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type

from engineroom.engine.commands import run_command
from engineroom.engine.displays import bounded_forms, encoded
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.publisher import Publisher, Show
from engineroom.protocol.messages import Displays
from engineroom.protocol.ranges import MOST_DISPLAY
from engineroom.serialize.failures.packing import words_of

_WITHOUT_WINDOWS = frozenset({None, "", "none", "inline", "agg", "svg", "pdf", "ps", "cairo", "template"})

_SOURCES = 1000
"""So many cells are remembered, for tracebacks of functions that they defined."""


class Compiler(CachingCompiler):
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


class DisplayHook(displayhook.DisplayHook):
    """Keeps the representations of a cell's value, and sends them, rather than printing one."""

    show: Show | None = None
    most: int = MOST_DISPLAY
    """Bytes that a value may take."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)  # type: ignore[no-untyped-call]  # all of IPython is
        self.data: dict[str, Any] = {}
        self.metadata: dict[str, Any] = {}

    def write_output_prompt(self) -> None:
        """Print nothing."""

    def write_format_data(self, format_dict: dict[str, Any], md_dict: dict[str, Any] | None = None) -> None:
        self.data, self.metadata = bounded_forms(format_dict, self.most), md_dict or {}
        if self.show is not None:
            content = encoded(self.data, self.metadata, {}, self.prompt_count, most=self.most)
            self.show(Displays.RESULT, content, "")

    def finish_displayhook(self) -> None:
        """Print nothing."""


class Shell(InteractiveShell):
    """IPython without a terminal: errors are raised at the client, which shows them.

    `interrupts`: where an interrupt may be raised. `leave`: ends the engine once the cell has ended.
    """

    displayhook_class = Type(DisplayHook)  # type: ignore[assignment]  # a trait
    display_pub_class = Type(Publisher)
    compiler_class = Type(Compiler)
    interrupts: Interrupts
    leave: Callable[[], object]

    def __init__(self, **options: Any) -> None:
        with _a_directory():
            super().__init__(**options)  # type: ignore[no-untyped-call]  # all of IPython is

    def ask_exit(self) -> None:
        """Stop the engine: the cell called `exit`."""
        self.leave()

    def enable_gui(self, gui: str | None = None) -> None:
        """Do nothing: what draws without windows (`inline`, `agg`) needs no event loop, and the others can't work."""
        if gui not in _WITHOUT_WINDOWS:
            raise UsageError(f"an engine cannot show windows, so it has no {gui!r} event loop: use %matplotlib inline")

    def debugger(self, *args: Any, **options: Any) -> None:
        """Refuse: a debugger needs a keyboard."""
        raise UsageError("a debugger needs a terminal, and an engine has none: call the function in your own session")

    def set_next_input(self, *args: Any, **options: Any) -> None:
        """Refuse: there is no next cell to be typed, as `%load` and `%recall` want."""
        raise UsageError(
            "an engine has no input cell to load that into: use %load in your own session, or %run on the engine"
        )

    def init_hooks(self) -> None:
        super().init_hooks()  # type: ignore[no-untyped-call]
        self.set_hook("editor", _no_editor)  # type: ignore[no-untyped-call]

    def _get_call_pdb(self) -> bool:
        return False

    def _set_call_pdb(self, wanted: object) -> None:
        if wanted:
            self.debugger()

    call_pdb = property(_get_call_pdb, _set_call_pdb)

    def system(self, cmd: str) -> None:
        """Run a command of the system's with our output and no input; its exit code is `_exit_code`."""
        self.user_ns["_exit_code"] = run_command(self.var_expand(cmd, depth=1))  # type: ignore[no-untyped-call]

    async def run_code(self, code_obj: Any, result: Any = None, *, async_: bool = False) -> bool:
        """Run compiled code of the user's: what is outside of it is IPython, which may swallow an interrupt."""
        with self.interrupts.allowed():
            return bool(await super().run_code(code_obj, result, async_=async_))  # type: ignore[no-untyped-call]

    def showtraceback(
        self, exc_tuple: tuple[Any, BaseException, Any] | None = None, *args: Any, **options: Any
    ) -> None:
        """Show nothing of what ends a cell: that is raised at the client. Print an error that goes no further, such as
        that of a `__repr__`, which IPython hands in, or what a widget's callback raised."""
        ends_the_cell = exc_tuple is None and sys._getframe(1).f_globals.get("__name__") == InteractiveShell.__module__
        error = exc_tuple[1] if exc_tuple is not None else sys.exception()
        if error is not None and not ends_the_cell:
            print(words_of(error)[2], file=sys.stderr)

    def showsyntaxerror(self, *args: Any, **options: Any) -> None:
        """Show nothing."""

    def showindentationerror(self) -> None:
        """Show nothing."""


@contextlib.contextmanager
def _a_directory() -> Iterator[None]:
    """Have IPython find a working directory, which it asks for when it starts, where ours has been removed."""
    ask = os.getcwd
    try:
        ask()
    except OSError:
        os.getcwd = lambda: os.environ.get("PWD") or os.sep
    try:
        yield
    finally:
        os.getcwd = ask


def _no_editor(*args: Any, **options: Any) -> None:
    raise UsageError("an editor needs a terminal, and an engine has none: edit the file in your own session")
