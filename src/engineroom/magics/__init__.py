"""Magics for IPython (`%px` and others). Imported inside IPython alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from engineroom.client.client import Client
    from engineroom.client.views.direct import DirectView
    from engineroom.magics.parallel_magics import ParallelMagics


def define(shell: Any) -> None:
    """Define the magics in `shell`, as `%load_ext engineroom` does. Those of a client stay with that client."""
    from engineroom.magics.registering import define_without_client

    define_without_client(shell)


def on_client(client: Client) -> None:
    """Have `%px` run on the engines of a new `client`, unless it runs on those of an earlier one, which is open.

    In a notebook, widgets made on its engines work.
    """
    from IPython.core.getipython import get_ipython

    from engineroom.magics.registering import is_free, register

    shell = get_ipython()
    if shell is None:
        return
    if is_free(shell):
        register(shell, client.direct_view("all", block=True))
    if getattr(shell, "kernel", None) is not None:
        from engineroom.magics.widgets import install  # only a notebook has what it needs

        install(client, shell)


def activate(view: DirectView[Any], suffix: str = "") -> ParallelMagics | None:
    """Have `%px` with this suffix run on the engines of `view`; return the magics.

    None, and a warning: there is no IPython here.
    """
    from IPython.core.getipython import get_ipython

    from engineroom.magics.registering import register, say_not_in_ipython

    shell = get_ipython()
    if shell is None:
        say_not_in_ipython()
        return None
    return register(shell, view, suffix)
