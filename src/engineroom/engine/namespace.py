"""The user's namespace: the module `__main__` of the engine, and the calls that run in it."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Mapping
from types import CoroutineType, MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from engineroom.engine.coroutines import Coroutines
from engineroom.engine.interrupts import Interrupts
from engineroom.engine.main_module import MainModule
from engineroom.protocol.messages import Call, Kind
from engineroom.protocol.ranges import MOST_DISPLAY
from engineroom.protocol.streams import Buffer
from engineroom.serialize.by_value.arrivals import arrivals
from engineroom.serialize.functions.interactive import home
from engineroom.serialize.functions.packing import unpack_call
from engineroom.serialize.functions.table import FunctionTable
from engineroom.serialize.payloads import unpack

if TYPE_CHECKING:
    from engineroom.engine.cells import Cells
    from engineroom.engine.comms import Comms
    from engineroom.engine.publisher import Show

Names: TypeAlias = dict[str, Any]


def fresh_main() -> Names:
    """Put a new, empty `__main__` into `sys.modules` and return its namespace."""
    main = MainModule("__main__")
    del main.__doc__  # so that functions find that of their script
    main.__builtins__ = builtins  # type: ignore[attr-defined]
    sys.modules["__main__"] = main
    return vars(main)


class Namespace:
    """The user's namespace, and the calls that run in it."""

    def __init__(
        self,
        names: Names,
        functions: FunctionTable,
        interrupts: Interrupts,
        *,
        start_anew: Callable[[], list[str]] = list,
        ipython: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
        leave: Callable[[], object] = lambda: None,
        show: Show | None = None,
        most_display: int = MOST_DISPLAY,
        comms: Comms | None = None,
    ) -> None:
        """`start_anew`: called when the namespace was emptied; returns what goes wrong, in words. `ipython`: options of
        IPython's classes; `leave`: ends the engine once the task has ended, for a cell that says `exit`; `show`: takes
        what cells display, each of `most_display` bytes at most; `comms`: take what is said to comms."""
        self.names = names
        self._ipython, self._leave, self._show, self._comms = ipython, leave, show, comms
        self._most_display = most_display
        self._at_first = dict(names)
        self._start_anew = start_anew
        self._functions = functions
        self._interrupts = interrupts
        self._coroutines = Coroutines()
        self._cells: Cells | None = None
        home.move_in(names)
        home.content, home.published = functions.content, functions.published

    def call(self, call: Call, payload: Buffer, task: bytes) -> Any:
        """Run `call` for `task` and return its result.

        MissingFunction: its function is not here; nothing has happened. All else is the user's own.
        """
        match call.kind:
            case Kind.APPLY:
                function = self._functions.get(call.function, task)
                arrivals.running = function
                args, kwargs = unpack_call(payload)
                return self.complete(function(*args, **kwargs))
            case Kind.EXECUTE:
                return self.execute(unpack(payload))
            case Kind.PUSH:
                if call.function:
                    self._functions.ensure(call.function)  # its parts: modules that the values stand on
                return self.assign(unpack(payload))
            case Kind.PULL:
                wanted = unpack(payload)
                return self.value(wanted) if isinstance(wanted, str) else [self.value(name) for name in wanted]
            case Kind.CLEAR:
                return self.clear()
            case Kind.COMM if self._comms is not None:
                return self._comms.hear(unpack(payload))
            case _:
                raise ValueError(
                    f"this engine does not support calls of kind {call.kind}: its version of engineroom is older"
                )

    def complete(self, value: Any) -> Any:
        """Return `value`; of an `async def` function, what it returns in the end."""
        return self._coroutines.run(value) if type(value) is CoroutineType else value

    def value(self, name: str) -> Any:
        """Return the value of a name, or of any expression such as `a[3]`."""
        if name in self.names:
            return self.names[name]
        if self._cells is not None and name in self._cells.own_names:
            return self._cells.own_names[name]
        return eval(name, self.names)

    def assign(self, values: Names) -> None:
        """Set names, and targets such as `a.b` or `a["b"]`. ValueError: a target cannot be assigned to."""
        for name, value in values.items():
            if name.isidentifier():
                self.names[name] = value
            elif _is_part(name):
                # Its parts are looked up in the namespace; the value has a name that no part of it can have.
                exec(f"{name} = __value_to_assign", self.names, {"__value_to_assign": value})
            else:
                raise ValueError(f"{name!r} can't be assigned to: expected a name, or something like a.b or a[0]")

    def execute(self, cell: dict[str, Any]) -> Any:
        """Run a cell as IPython does; return its ExecuteReply."""
        with self._interrupts.postponed():
            return self.cells().run(cell)

    def cells(self) -> Cells:
        """Return what runs cells, made now if there was none yet."""
        if self._cells is None:
            # IPython takes a tenth of a second and 20 MB: only engines that run cells pay for it.
            from engineroom.engine.cells import Cells

            self._cells = Cells(
                self.names,
                self._coroutines,
                self._interrupts,
                options=self._ipython,
                leave=self._leave,
                show=self._show,
                most_display=self._most_display,
            )
        return self._cells

    def get_ipython(self) -> Any:
        """Return IPython's shell, as `get_ipython()` does in a notebook."""
        with self._interrupts.postponed():
            return self.cells().shell

    def clear(self) -> None:
        """Delete all names and run the start-up code again. RuntimeError: the start-up code failed."""
        if self._cells is not None:
            self._cells.reset()
        else:
            self.names.clear()
        self.names.update(self._at_first)
        home.move_in(self.names)
        if problems := self._start_anew():
            raise RuntimeError("; ".join(problems))


def _is_part(name: str) -> bool:
    """Return whether `name` is written as an attribute or an item of something."""
    try:
        return isinstance(ast.parse(name, mode="eval").body, ast.Attribute | ast.Subscript)
    except SyntaxError:
        return False
