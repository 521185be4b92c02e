"""Which view has the magics of a shell, and who may take them over."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from engineroom.magics.completion import complete_names
from engineroom.magics.parallel_magics import ParallelMagics

if TYPE_CHECKING:
    from engineroom.client.views.direct import DirectView


def registered(shell: Any, suffix: str = "") -> ParallelMagics | None:
    """Return the magics with this suffix in `shell`; None: it has none of ours."""
    magic = shell.magics_manager.magics["line"].get(f"px{suffix}")
    owner = getattr(magic, "__self__", None)
    return owner if isinstance(owner, ParallelMagics) and owner.suffix == suffix else None


def is_free(shell: Any) -> bool:
    """Whether a new client may have %px without being asked to: nobody has it, or a client that is closed."""
    magics = registered(shell)
    return magics is None or not magics.active


def define_without_client(shell: Any) -> None:
    """Define magics that say what they need, unless they are there already."""
    if registered(shell) is None:
        _register(shell, ParallelMagics(shell, None))


def register(shell: Any, view: DirectView[Any], suffix: str = "") -> ParallelMagics:
    """Have the magics with this suffix run cells on the engines of `view`, and return them.

    If another open client had them, that is said.
    """
    if suffix and not f"px{suffix}".isidentifier():
        raise ValueError(f"{suffix!r} cannot be part of a magic's name: use letters, digits and underscores")
    if suffix in {"config", "diff", "result"}:
        raise ValueError(f"%px{suffix} is another magic: use another suffix than {suffix!r}")
    before = registered(shell, suffix)
    magics = ParallelMagics(shell, view, suffix)
    if before is not None:
        _take_over(before, magics)
    _register(shell, magics)
    return magics


def _take_over(before: ParallelMagics, magics: ParallelMagics) -> None:
    """Go on with what %pxconfig has set; say so if the cells of `before` went to another cluster."""
    for name in ("verbose", "stream_output", "fold", "progress_after_seconds", "signal_on_interrupt"):
        setattr(magics, name, getattr(before, name))
    if before.view is None or magics.view is None or before.view._session is magics.view._session:
        magics.last_result = before.last_result
        return
    if before.active:
        print(f"%px{magics.suffix} now runs on {magics.view.client!r}, no longer on {before.view.client!r}")


def _register(shell: Any, magics: ParallelMagics) -> None:
    shell.register_magics(magics)
    complete_names(shell, _view_of)


def _view_of(shell: Any, suffix: str) -> DirectView[Any] | None:
    magics = registered(shell, suffix)
    return None if magics is None else magics.view


def say_not_in_ipython() -> None:
    """Warn that magics need IPython."""
    warnings.warn("%px and the other magics work only in IPython and Jupyter", stacklevel=4)
