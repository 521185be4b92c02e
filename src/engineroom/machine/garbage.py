"""When Python looks for garbage in circles."""

from __future__ import annotations

import gc

SELDOM = (50_000, 20, 50)
"""For `gc.set_threshold`, in processes that are ours alone."""


def look_seldom() -> tuple[int, int, int]:
    """Look for garbage seldom from now on; return what was usual, for `gc.set_threshold`.

    Imports make much that stays and no garbage, yet a tenth of their time would be spent in looking for some.
    """
    usual = gc.get_threshold()
    gc.set_threshold(*SELDOM)
    return usual
