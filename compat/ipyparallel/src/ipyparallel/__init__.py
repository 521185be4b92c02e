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
        f"both ipyparallel {found.version} and engineroom-ipyparallel, which stands in for it, are installed, but "
        "`import ipyparallel` can only import one of them. Run `pip uninstall ipyparallel engineroom-ipyparallel`, "
        "then `pip install` the one that you want. `import engineroom` works in either case."
    )


_refuse_to_shadow()
if not any(isinstance(finder, SameModules) for finder in sys.meta_path):
    # First of all: whoever looks into the directories of engineroom's packages would make copies.
    sys.meta_path.insert(0, SameModules(__name__, engineroom.__name__))

__all__ = list(engineroom.__all__)

version_info = (9, 2, 0)
"""The version of ipyparallel whose names are here; that of engineroom is `engineroom.version_info`."""
__version__ = "9.2.0"

rerun_lost = False
"""Tasks of load-balanced views that lose their engine end in EngineError, or count against `retries`.

Views look for it here, so that it holds from the moment at which this package is imported.
"""


def load_ipython_extension(shell: Any) -> None:
    """Be an IPython extension: `%load_ext ipyparallel` is `%load_ext engineroom`."""
    engineroom.load_ipython_extension(shell)


def __getattr__(name: str) -> Any:
    try:
        return getattr(engineroom, name)
    except AttributeError:
        raise AttributeError(f"engineroom, which stands in for ipyparallel, has no {name!r}") from None


def __dir__() -> list[str]:
    return sorted({*globals(), *dir(engineroom)})
