"""Names that scripts import and that nothing stands behind yet: whoever uses one is told what to write meanwhile."""

from __future__ import annotations

import functools
from typing import Any, NoReturn

from engineroom.errors import NotBuiltYet

_MEANWHILE = {
    "load_jupyter_server_extension": "start clusters with `engineroom.Cluster()` or `ipcluster start`",
}
NAMES = frozenset(_MEANWHILE)


class _NotBuilt(type):
    """The type of these names: calling, indexing or deriving from one raises; nothing is an instance of it."""

    def __call__(cls, *args: Any, **kwargs: Any) -> NoReturn:
        del args, kwargs
        raise NotBuiltYet(cls.__name__, _MEANWHILE[cls.__name__])

    def __getitem__(cls, key: object) -> NoReturn:
        cls()

    def __setitem__(cls, key: object, value: object) -> NoReturn:
        cls()

    def __repr__(cls) -> str:
        return f"<{cls.__name__}: not available yet>"


@functools.cache
def not_built(name: str) -> Any:
    """Return what stands for `name`, one of NAMES: importing it works, using it raises NotBuiltYet."""
    doc = f"Not available yet. Until then, {_MEANWHILE[name]}."
    return _NotBuilt(name, (), {"__doc__": doc, "__init_subclass__": lambda cls, **_: not_built(name)()})
