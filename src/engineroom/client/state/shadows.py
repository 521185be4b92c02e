"""The warning that engines use their own variable although the function was sent with another one."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from engineroom.errors.users_line import stacklevel

MODULE = "module "
"""What the name begins with if not a variable is hidden but a module (see `serialize.modules.arriving`)."""

_told: set[tuple[str, str, str]] = set()


def warn_of_shadows(shadowed: Iterable[tuple[str, str, str]], engine: int) -> None:
    """Warn of each name, with the engine's value and the one here; once for the same values."""
    for name, theirs, ours in shadowed:
        if (name, theirs, ours) in _told:
            continue
        _told.add((name, theirs, ours))
        if name.startswith(MODULE):
            warnings.warn(
                f"engine {engine} had imported another {name} ({theirs}) than yours (in {ours}). Your functions use "
                "yours there; what the engine's namespace holds of the other one stays as it is.",
                stacklevel=stacklevel(),
            )
            continue
        warnings.warn(
            f"engine {engine} has its own {name!r} ({theirs}), and functions there use it instead of the {name!r} "
            f"here ({ours}). To use the one here, run `view[{name!r}] = {name}`, "
            f"or delete the engine's: `view.execute('del {name}')`.",
            stacklevel=stacklevel(),
        )
