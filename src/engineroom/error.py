"""Errors, by the module that scripts written for ipyparallel import them from."""

from __future__ import annotations

import builtins

from engineroom.errors import *  # noqa: F403 (all that is public there)
from engineroom.errors import __all__ as _all

TimeoutError = builtins.TimeoutError  # noqa: A001 (the name that scripts import)

__all__ = [*_all, "TimeoutError"]  # noqa: PLE0604 (a list of str)
