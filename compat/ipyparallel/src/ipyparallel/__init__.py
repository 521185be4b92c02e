"""engineroom, under the name that scripts written for ipyparallel import it by.

Names and modules are engineroom's own, not copies, and are imported when they are first used.
"""

from __future__ import annotations

import sys
from importlib import metadata
from typing import Any

import engineroom
from ipyparallel._same_modules import SameModules


def _refuse_to_shadow() -> None:
    try:
        found = metadata.distribution("ipyparallel")
    except metadata.PackageNotFoundError:
        return
    raise ImportError(
        f"both ipyparallel {found.version} and engineroom-ipyparallel, which stands in for it, are installed, and "
        "`import ipyparallel` can only be one. Choose: `pip uninstall ipyparallel engineroom-ipyparallel`, then "
        "`pip install` the one that you want. `import engineroom` works in any case."
    )


_refuse_to_shadow()
if not any(isinstance(finder, SameModules) for finder in sys.meta_path):
    # First of all: whoever looks into the directories of engineroom's packages would make copies.
    sys.meta_path.insert(0, SameModules(__name__, engineroom.__name__))

__all__ = list(engineroom.__all__)


def __getattr__(name: str) -> Any:
    try:
        return getattr(engineroom, name)
    except AttributeError:
        raise AttributeError(f"engineroom, which stands in for ipyparallel, has no {name!r} yet") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(engineroom)})
