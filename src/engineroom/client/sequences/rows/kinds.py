"""Which kind of rows a value has."""

from __future__ import annotations

import array
from collections import deque
from collections.abc import Callable, Mapping, MappingView, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from engineroom.client.sequences.rows.arrays import ArrayRows
from engineroom.client.sequences.rows.kind import Rows
from engineroom.client.sequences.rows.plain import (
    BufferRows,
    DequeRows,
    MappingRows,
    OrderedRows,
    SequenceRows,
    SetRows,
    TextRows,
)
from engineroom.client.sequences.rows.tables import (
    ArrowRows,
    ExtensionRows,
    FrameRows,
    IndexRows,
    LabelledRows,
    PolarsRows,
    SparseRows,
)

_SEQUENCES, _TEXTS, _ARRAYS, _FRAMES = SequenceRows(), TextRows(), ArrayRows(), FrameRows()


def kind_of(value: object) -> Rows | None:
    """Return the kind of rows that `value` has; None: it has none that we know."""
    if isinstance(value, str | bytes):
        return _TEXTS
    if isinstance(value, list | tuple | range):
        return _SEQUENCES
    for base in type(value).__mro__:
        find = _BY_MODULE.get(base.__module__.partition(".")[0])
        if find is not None:
            return find(value)
    for plain, rows in _PLAIN:
        if isinstance(value, plain):
            return rows
    return None


def _numpy(value: Any) -> Rows | None:
    return _ARRAYS if getattr(value, "ndim", 0) and hasattr(value, "strides") else None


def _pandas(value: Any) -> Rows | None:
    if hasattr(value, "iloc"):
        return _FRAMES
    names = {base.__name__ for base in type(value).__mro__}
    return _INDEXES if "Index" in names else _EXTENSIONS if "ExtensionArray" in names else None


def _polars(value: Any) -> Rows | None:
    return _POLARS if type(value).__name__ in {"DataFrame", "Series"} else None


def _arrow(value: Any) -> Rows | None:
    return _ARROW if hasattr(value, "take") and hasattr(value, "__len__") else None


def _scipy(value: Any) -> Rows | None:
    return _SPARSE if hasattr(value, "tocsr") else None


def _xarray(value: Any) -> Rows | None:
    return _LABELLED if getattr(value, "sizes", None) and hasattr(value, "isel") else None


_LABELLED = LabelledRows()
_INDEXES, _EXTENSIONS, _POLARS, _ARROW, _SPARSE = IndexRows(), ExtensionRows(), PolarsRows(), ArrowRows(), SparseRows()
_BY_MODULE: dict[str, Callable[[Any], Rows | None]] = {
    "numpy": _numpy,
    "pandas": _pandas,
    "polars": _polars,
    "pyarrow": _arrow,
    "scipy": _scipy,
    "xarray": _xarray,
}
_PLAIN: tuple[tuple[Any, Rows], ...] = (
    (deque, DequeRows()),
    (array.array | bytearray, BufferRows()),
    (Mapping, MappingRows()),
    (set | frozenset, SetRows()),
    (Sequence, _SEQUENCES),
    (AbstractSet | MappingView, OrderedRows()),
)
