"""Who sees what is shown: a person at a terminal, in IPython or a notebook, or nobody."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

from engineroom.client.progress.screen import aside
from engineroom.machine.standard_streams import is_terminal


def silenced() -> bool:
    """Whether nothing is to be shown: IPP_NONINTERACTIVE is set."""
    return bool(os.environ.get("IPP_NONINTERACTIVE"))


def somebody_looks() -> bool:
    """Whether a person is likely to see what is shown: at a terminal, in IPython or a notebook."""
    return not silenced() and (is_terminal(sys.stderr) or shell() is not None)


def in_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    return type(shell()).__module__.startswith("ipykernel")


def shell() -> Any:
    """Return IPython's shell in this process, None if it has none."""
    ipython = sys.modules.get("IPython")
    return None if ipython is None else ipython.get_ipython()


def say(words: str, log: logging.Logger, *, aloud: bool = False) -> None:
    """Print `words` to stderr if somebody looks, or if it is to be said `aloud` in any case; else log them."""
    if aloud or somebody_looks():
        with aside():
            print(f"engineroom: {words}", file=sys.stderr, flush=True)
    else:
        log.warning("%s", words)
