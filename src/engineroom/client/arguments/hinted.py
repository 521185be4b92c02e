"""Classes whose missing attributes say what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engineroom.errors.local import show_users_frames


class Hinted:
    """Explains names that other systems have, and names that are misspelt."""

    __slots__ = ()

    if not TYPE_CHECKING:  # a checker would take any name for an attribute

        def __getattr__(self, name: str) -> Any:
            if name.startswith("_"):  # IPython, pickle, copy and others ask for many of these
                raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
            if hasattr(type(self), name):
                return object.__getattribute__(self, name)  # a property that raised AttributeError: its words count
            from engineroom.client.arguments.hints import missing  # not needed as long as all names exist

            try:
                raise missing(self, name)
            except AttributeError as error:
                show_users_frames(error)
                raise
