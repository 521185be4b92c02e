"""Rows of tables and columns: pandas, polars, Arrow; and of SciPy's sparse matrices.

None of these is a dependency: a value of one of their classes says that the module is here.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from itertools import chain
from typing import Any

from engineroom.client.sequences.rows.kind import CannotJoin, loaded

_REGULAR = "engineroom: regular"
"""Under this key are, for a moment, the frequencies that the index of a joined table may have: pandas forgets it."""


class FrameRows:
    """DataFrames and Series of pandas, and whatever else has `iloc`; they keep their index."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        return whole.iloc[which]

    def join(self, parts: Sequence[Any]) -> Any:
        filled = [part for part in parts if len(part)] or [parts[0]]
        if len({part.ndim for part in filled}) > 1:
            raise CannotJoin
        whole = _concatenated(loaded("pandas"), filled)
        frequency = getattr(filled[0].index, "freq", None)
        if frequency is not None:
            candidates = [frequency, frequency.base * max(1, frequency.n // len(parts))]
            whole.attrs = {**whole.attrs, _REGULAR: candidates}  # until the rows have their order
        return whole

    def finish(self, whole: Any) -> Any:
        """Return `whole`, whose rows have their order now, with the frequency that its index had."""
        for frequency in whole.attrs.pop(_REGULAR, ()):
            if getattr(whole.index, "freq", None) is None:
                with contextlib.suppress(AttributeError, TypeError, ValueError):
                    whole.index.freq = frequency
        return whole

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole.iloc[order]


def _concatenated(pandas: Any, parts: Sequence[Any]) -> Any:
    """Return all rows; columns whose common dtype would change a value have the dtype `object`."""
    whole = pandas.concat(parts)
    if whole.ndim == 1:
        return whole if _keep(parts, whole) else pandas.concat([part.astype(object) for part in parts])
    names = [
        name
        for name in whole.columns.unique()
        if not _keep([part[name] for part in parts if name in part], whole[name])
    ]
    if not names:
        return whole
    return pandas.concat([part.astype({name: object for name in names if name in part}) for part in parts])


def _keep(parts: Sequence[Any], whole: Any) -> bool:
    """Whether the dtype of `whole` holds the values of all parts; only floats may fail to, for large integers."""
    kind = getattr(getattr(whole, "dtype", None), "kind", None)
    if kind != "f":
        return True
    return all((part.astype(whole.dtype).astype(part.dtype) == part).all() for part in parts if part.dtype.kind in "iu")


class IndexRows:
    """Indexes of pandas."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        return whole[which]

    def join(self, parts: Sequence[Any]) -> Any:
        first, *rest = [part for part in parts if len(part)] or parts[:1]
        return first.append(rest) if rest else first

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole.take(order)


class ExtensionRows:
    """Arrays of pandas: Categorical and its kin."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        return whole[which]

    def join(self, parts: Sequence[Any]) -> Any:
        pandas = loaded("pandas")
        return pandas.concat([pandas.Series(part) for part in parts if len(part)] or [pandas.Series(parts[0])]).array

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole.take(order)


class PolarsRows:
    """DataFrames and Series of polars."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        return whole[which]

    def join(self, parts: Sequence[Any]) -> Any:
        polars = loaded("polars")
        filled = [part for part in parts if len(part)] or [parts[0]]
        if len({type(part) for part in filled}) > 1:
            raise CannotJoin
        if isinstance(filled[0], polars.DataFrame):
            return polars.concat(filled, how="vertical_relaxed")
        frames = [part.rename("").to_frame() for part in filled]
        return polars.concat(frames, how="vertical_relaxed").to_series().rename(filled[0].name)

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole[order]


class ArrowRows:
    """Tables, record batches and arrays of Arrow. What is cut is copied, or the buffers of the whole would travel."""

    def count(self, whole: Any) -> int:
        return len(whole)

    def cut(self, whole: Any, which: slice) -> Any:
        return self.take(whole, list(range(*which.indices(len(whole)))))

    def join(self, parts: Sequence[Any]) -> Any:
        arrow = loaded("pyarrow")
        filled = [part for part in parts if len(part)] or [parts[0]]
        first = filled[0]
        if len({arrow.Array if isinstance(part, arrow.Array) else type(part) for part in filled}) > 1:
            raise CannotJoin
        try:
            filled = _alike(arrow, filled)
        except arrow.ArrowException as error:
            raise CannotJoin from error
        if isinstance(first, arrow.Table):
            return arrow.concat_tables(filled)
        if isinstance(first, arrow.RecordBatch):
            return arrow.concat_batches(filled)
        if isinstance(first, arrow.ChunkedArray):
            return arrow.chunked_array(list(chain.from_iterable(part.chunks for part in filled)), first.type)
        return arrow.concat_arrays(filled)

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole.take(loaded("pyarrow").array(order, type="int64"))


def _alike(arrow: Any, parts: Sequence[Any]) -> list[Any]:
    """Return the parts with one schema or type, which holds all their values; ArrowException if there is none."""
    tables = hasattr(parts[0], "schema")
    schemas = [part.schema if tables else arrow.schema([("", part.type)]) for part in parts]
    if all(schema.equals(schemas[0]) for schema in schemas):
        return list(parts)
    schema = arrow.unify_schemas(schemas, promote_options="permissive")
    if not tables:
        return [part.cast(schema.field(0).type) for part in parts]
    if any(part.schema.names != schema.names for part in parts):
        raise arrow.ArrowInvalid("the columns differ")
    return [part.cast(schema) for part in parts]


class SparseRows:
    """Sparse matrices and arrays of SciPy; the format stays."""

    def count(self, whole: Any) -> int:
        return int(whole.shape[0])

    def cut(self, whole: Any, which: slice) -> Any:
        return whole.tocsr()[which].asformat(whole.format)

    def join(self, parts: Sequence[Any]) -> Any:
        sparse = loaded("scipy.sparse")
        filled = [part for part in parts if part.shape[0]] or [parts[0]]
        if len({part.shape[1:] for part in filled}) > 1:
            raise CannotJoin
        form = filled[0].format
        if filled[0].ndim > 1:
            return sparse.vstack(filled, format=form)
        whole = sparse.hstack([part.reshape((1, -1)) for part in filled])
        return whole.reshape((whole.shape[1],)).asformat(form)

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole.tocsr()[order].asformat(whole.format)


class LabelledRows:
    """Arrays and data sets of xarray, cut along their first dimension."""

    def count(self, whole: Any) -> int:
        return int(whole.sizes[_first_dimension(whole)])

    def cut(self, whole: Any, which: slice) -> Any:
        return whole.isel({_first_dimension(whole): which})

    def join(self, parts: Sequence[Any]) -> Any:
        filled = [part for part in parts if self.count(part)] or [parts[0]]
        options = {"data_vars": "minimal"} if hasattr(filled[0], "data_vars") else {}
        dimension = _first_dimension(filled[0])
        try:
            return loaded("xarray").concat(
                filled, dim=dimension, coords="minimal", compat="equals", join="exact", **options
            )
        except ValueError as error:
            raise CannotJoin from error

    def take(self, whole: Any, order: Sequence[int]) -> Any:
        return whole.isel({_first_dimension(whole): order})


def _first_dimension(whole: Any) -> Any:
    return next(iter(whole.sizes))
