"""Telling IPython of a new client: what is to be loaded then is said by entry points."""

from __future__ import annotations

import logging
import sys

from engineroom.client.views.caller import Caller
from engineroom.transport.within import here

log = logging.getLogger(__name__)

GROUP = "engineroom.on_client"
"""Entry points that are called with each new Client in IPython; ours define %px."""


def tell(client: Caller) -> None:
    """Call the entry points of GROUP with `client` if this code runs in IPython, and not on an engine."""
    asked = getattr(sys.modules.get("IPython"), "get_ipython", None)
    if asked is None or asked() is None or here.engine is not None:
        return
    from importlib.metadata import entry_points  # it takes a while, and is needed in IPython alone

    for entry in entry_points(group=GROUP):
        try:
            entry.load()(client)
        except Exception:
            log.exception("the entry point %s failed", entry.value)
