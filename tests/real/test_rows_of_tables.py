"""Tables of large libraries are cut by rows, and come back as they were."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
import scipy.sparse as sp
import xarray as xr

from engineroom.client.sequences.partitions import DISTRIBUTIONS, with_rows
from tests.unit.client.test_partitions import there_and_back


def same_table(a: Any, b: Any) -> bool:
    (pd.testing.assert_frame_equal if isinstance(b, pd.DataFrame) else pd.testing.assert_series_equal)(a, b)
    return True


def same_matrix(a: Any, b: Any) -> bool:
    alike = (type(a), a.format, a.shape, a.dtype) == (type(b), b.format, b.shape, b.dtype)
    return bool(alike and (a.toarray() == b.toarray()).all())


def equals(a: Any, b: Any) -> bool:
    return type(a) is type(b) and bool(a.equals(b))


def identical(a: Any, b: Any) -> bool:
    return bool(a.identical(b))


table = pd.DataFrame(
    {
        "city": pd.Categorical(["Rome", "Oslo", "Rome", None], categories=["Oslo", "Rome", "Bern"], ordered=True),
        "when": pd.date_range("2024-01-01", periods=4, tz="Europe/Berlin"),
        "value": [1.5, np.nan, 3.0, 4.0],
        "whole": [2**62 + 1, 2, 3, 4],
        "count": pd.array([1, None, 3, 4], dtype="Int64"),
        "flag": pd.array([True, None, False, True], dtype="boolean"),
        "text": pd.array(["a", None, "c", "d"], dtype="string"),
        "arrow": pd.array(["x", "y", None, "z"], dtype=pd.ArrowDtype(pa.string())),
        "period": pd.period_range("2024-01", periods=4, freq="M"),
        "interval": pd.interval_range(0, 4),
        "sparse": pd.arrays.SparseArray([0, 0, 1, 0]),
        "delta": pd.to_timedelta([1, 2, 3, 4], unit="D"),
        "object": [[1], {"a": 2}, None, (3,)],
    }
)
polar = pl.DataFrame({"a": [1, 2, 3, 4, 5], "b": list("abcde"), "c": [None, 1.5, 2.5, 1.0, 1.0]})
arrow = pa.table({"a": [1, 2, 3, 4, 5], "s": list("abcde")})
diagonal = np.diag([1.0, 2, 0, 4, 5])[:, :4]
grid = xr.DataArray(np.arange(12).reshape(4, 3), dims=("t", "x"), coords={"t": list("abcd")}, name="n")
TABLES: dict[str, tuple[Any, Callable[[Any, Any], bool]]] = {
    "all kinds of columns": (table, same_table),
    "filtered": (table[table.value > 2], same_table),
    "empty": (table[:0], same_table),
    "no columns": (table[[]], same_table),
    "columns of one name": (pd.DataFrame([[1, 2], [3, 4], [5, 6]], columns=["a", "a"]), same_table),
    "index": (table.set_index("city"), same_table),
    "several indexes": (table.set_index(["city", "when"]), same_table),
    "regular times": (pd.Series(range(5), index=pd.date_range("2024", periods=5, freq="h"), name="n"), same_table),
    "other times": (pd.Series(range(3), index=pd.to_datetime(["2024", "2023", "2025"])), same_table),
    **{f"column {name}": (table[name], same_table) for name in table},
    "pandas index": (pd.Index(list("abc"), name="k"), equals),
    "range index": (pd.RangeIndex(7), lambda a, b: a.equals(b)),
    "multi index": (table.set_index(["city", "when"]).index, equals),
    "categorical": (pd.Categorical(list("abca")), equals),
    "nullable": (pd.array([1, None, 3], dtype="Int64"), equals),
    "polars": (polar, equals),
    "polars column": (polar["c"], lambda a, b: equals(a, b) and a.name == b.name),
    "polars, empty": (polar[:0], equals),
    "arrow": (arrow, equals),
    "arrow batch": (arrow.to_batches()[0], equals),
    "arrow column": (arrow["s"], equals),
    "arrow array": (pa.array([1, None, 3]), equals),
    "arrow, empty": (arrow.slice(0, 0), equals),
    **{
        f"{form} {kind}": (getattr(sp, f"{form}_{kind}")(diagonal), same_matrix)
        for form in ("csr", "csc", "coo", "lil", "dok", "bsr", "dia")
        for kind in ("matrix", "array")
    },
    "sparse, one dimension": (sp.coo_array([1, 0, 2, 0, 3]), same_matrix),
    "sparse, empty": (sp.csr_array((0, 4)), same_matrix),
    "labelled array": (grid, identical),
    "data set": (xr.Dataset({"v": grid, "w": ("t", [1, 2, 3, 4])}), identical),
}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("dist", DISTRIBUTIONS)
@pytest.mark.parametrize("engines", [1, 2, 3, 9])
def test_what_was_scattered_is_gathered(name: str, dist: str, engines: int) -> None:
    whole, same = TABLES[name]
    assert same(there_and_back(whole, dist, engines), whole)


def test_parts_are_rows_with_their_index() -> None:
    whole, rows = with_rows(table.set_index("text"))
    assert [list(rows.cut(whole, cut).value) for cut in DISTRIBUTIONS["r"].cuts(4, 2)] == [
        [1.5, 3.0],
        [pytest.approx(np.nan, nan_ok=True), 4.0],
    ]
    assert there_and_back(table, "b", 4).index.equals(table.index)
    parts = [pd.DataFrame({"a": [1, 2]}), pd.DataFrame({"a": [0.5]}, index=[7])]
    assert list(DISTRIBUTIONS["r"].join(parts).index) == [0, 7, 1]


def test_no_value_is_changed_where_types_differ() -> None:
    large = 2**62 + 1
    join = DISTRIBUTIONS["b"].join
    assert join([pd.Series([large]), pd.Series([0.5])]).tolist() == [large, 0.5]
    assert join([pd.DataFrame({"a": [large]}), pd.DataFrame({"a": [0.5]})])["a"].tolist() == [large, 0.5]
    assert join([pd.Series([True]), pd.Series([2])]).tolist() == [True, 2]
    assert join([pa.array([1]), pa.array([1.5])]).to_pylist() == [1.0, 1.5]
    assert [row.as_py() for part in join([pa.array([large]), pa.array([1.5])]) for row in part] == [large, 1.5]
    assert join([polar, polar.with_columns(pl.col("a").cast(pl.Float64))])["a"].to_list()[5:] == [
        1.0,
        2.0,
        3.0,
        4.0,
        5.0,
    ]
    assert join([table, polar])[1] is polar
