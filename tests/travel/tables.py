"""Tables: pandas, polars, Arrow."""

import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc

from tests.travel.carry import close, made, row, title


def equal(a, b):
    (pd.testing.assert_frame_equal if isinstance(a, pd.DataFrame) else pd.testing.assert_series_equal)(a, b)
    return True


def same_index(a, b):
    pd.testing.assert_index_equal(a, b, exact=True)
    return True


def fine(value):
    return len(value) >= 0 and repr(value)


def readings():
    return pd.DataFrame(
        {
            "city": pd.Categorical(["Rome", "Oslo", "Rome", None], categories=["Oslo", "Rome", "Bern"], ordered=True),
            "when": pd.date_range("2024-01-01", periods=4, tz="Europe/Berlin"),
            "value": [1.5, np.nan, 3.0, 4.0],
            "count": pd.array([1, None, 3, 4], dtype="Int64"),
            "flag": pd.array([True, None, False, True], dtype="boolean"),
            "text": pd.array(["a", None, "c", "d"], dtype="string"),
            "arrow": pd.array(["x", "y", None, "z"], dtype=pd.ArrowDtype(pa.string())),
            "numbers": pd.array([1, 2, None, 4], dtype=pd.ArrowDtype(pa.int64())),
            "period": pd.period_range("2024-01", periods=4, freq="M"),
            "interval": pd.interval_range(0, 4),
            "sparse": pd.arrays.SparseArray([0, 0, 1, 0]),
            "delta": pd.to_timedelta([1, 2, 3, 4], unit="D"),
            "object": [[1], {"a": 2}, None, (3,)],
        }
    )


table = readings()
title("pandas DataFrames: of every column type, empty, filtered, sliced, grouped, with a MultiIndex, with attributes")
row(
    table,
    lambda t: t["count"].sum() == 8 and t.city.cat.ordered and str(t.when.dtype.tz) == "Europe/Berlin",
    same=equal,
)
made(readings, lambda t: list(t.city.cat.categories) == ["Oslo", "Rome", "Bern"], same=equal)
row(pd.DataFrame(), fine, same=equal)
row(pd.DataFrame(columns=["a", "b"]), lambda t: list(t) == ["a", "b"], same=equal)
row(pd.DataFrame(index=[1, 2]), lambda t: t.shape == (2, 0), same=equal)
row(table[table.value > 100], lambda t: t.empty and t.shape == (0, 13), same=equal)
row(table[table.value > 2], lambda t: list(t.index) == [2, 3], same=equal)
row(table.iloc[::2, ::-1], fine, same=equal)
row(table.iloc[0:0], fine, same=equal)
row(table.drop(columns="object").set_index(["city", "when"]), lambda t: t.index.nlevels == 2, same=equal)
row(table.groupby("city", observed=True)[["value"]].agg(["mean", "max"]), lambda t: t.columns.nlevels == 2, same=equal)
row(table.describe(include="all").drop(columns="object"), fine, same=equal)
row(pd.DataFrame(np.arange(6.0).reshape(3, 2), columns=list("ab")).T, fine, same=equal)
row(pd.DataFrame({"a": [1], "b": [[]]}), fine, same=equal)
row(pd.DataFrame(np.zeros((200_000, 3))), lambda t: t.shape == (200_000, 3), same=equal)
row(pd.DataFrame({i: [] for i in range(3)}, dtype="f4"), lambda t: str(t[0].dtype) == "float32", same=equal)
row(pd.concat([table, table]).reset_index(drop=True), lambda t: len(t) == 8, same=equal)
row(table.pivot_table(index="city", values="value", observed=False), fine, same=equal)
row(pd.DataFrame({"a": [decimal.Decimal("1.1")]}), fine, same=equal)
with_attributes = pd.DataFrame({"a": [1]})
with_attributes.attrs["source"] = "sensor"
row(with_attributes, lambda t: t.attrs["source"] == "sensor", same=equal)

title("pandas Series, indexes, scalars, groups, intervals, periods, time zones")
for name in table:
    row(table[name], fine, same=equal)
row(table.value[table.value > 100], fine, same=equal)
row(table.value.dropna().iloc[::-1], fine, same=equal)
row(pd.Series([], dtype=object), fine, same=equal)
row(
    pd.Series({"a": 1, "b": 2}, name="s").rename_axis("key"),
    lambda s: s.name == "s" and s.index.name == "key",
    same=equal,
)
for index in (
    pd.RangeIndex(3),
    pd.Index(["a", "b"]),
    pd.MultiIndex.from_product([["a", "b"], [1, 2]], names=["x", "y"]),
    pd.MultiIndex.from_product([["a"], []]),
    pd.date_range("2024-03-31", periods=3, freq="h", tz="Europe/Berlin"),
    pd.CategoricalIndex(["a", "b"]),
    pd.IntervalIndex.from_breaks([0, 1, 2]),
    pd.period_range("2024", periods=2, freq="Y"),
    pd.timedelta_range("1D", periods=2),
    pd.Index([]),
):
    row(index, fine, same=same_index)
row(
    [
        pd.Timestamp("2024-01-01", tz="UTC"),
        pd.Timedelta("1D"),
        pd.Period("2024-01"),
        pd.Interval(0, 1),
        pd.offsets.MonthEnd(),
    ]
)
row([pd.NaT, pd.NA], lambda v: v[0] is pd.NaT and v[1] is pd.NA, same=lambda a, b: a[0] is b[0] and a[1] is b[1])
row(table.groupby("city", observed=False), lambda g: len(g.size()) == 3, same=None)
row(table.rolling(2)[["value"]], lambda r: r.sum().shape == (4, 1), same=None)
row(table.dtypes.to_dict(), lambda d: d["city"].ordered)

title("polars frames, series, lazy frames, expressions")
frame = pl.DataFrame(
    {
        "a": [1, 2, None],
        "s": ["x", None, "z"],
        "d": [[1], [], None],
        "c": pl.Series(["p", "q", "p"], dtype=pl.Categorical),
        "t": pl.Series([0, 1, 2]).cast(pl.Datetime("us", "Europe/Berlin")),
        "st": [{"k": 1}, {"k": 2}, None],
    }
)
row(frame, lambda f: f["a"].sum() == 3, same=lambda a, b: a.equals(b) and a.schema == b.schema)
row(frame.filter(pl.col("a") > 5), lambda f: f.height == 0, same=lambda a, b: a.equals(b) and a.schema == b.schema)
row(pl.DataFrame(), lambda f: f.is_empty(), same=lambda a, b: a.equals(b))
row(frame["s"], lambda s: s[0] == "x", same=lambda a, b: a.equals(b))
row(pl.Series("empty", [], dtype=pl.Int8), lambda s: s.dtype == pl.Int8, same=lambda a, b: a.equals(b))
row(
    frame.lazy().filter(pl.col("a") > 1),
    lambda f: f.collect().height == 1,
    same=lambda a, b: a.collect().equals(b.collect()),
)
row([pl.col("a") + 1, pl.Int64, pl.List(pl.String)], lambda v: frame.select(v[0]).height == 3, same=None)

title("Arrow tables, batches, arrays, schemas, scalars")
arrow = pa.table(
    {"a": [1, 2, None], "s": ["x", None, "z"], "l": [[1], [], None], "d": pa.array(["u", "v", "u"]).dictionary_encode()}
)
arrow = arrow.replace_schema_metadata({"source": "sensor"})
row(
    arrow,
    lambda t: t.num_rows == 3 and t.schema.metadata[b"source"] == b"sensor",
    same=lambda a, b: a.equals(b, check_metadata=True),
)
row(arrow.slice(1, 1), lambda t: t.num_rows == 1, same=lambda a, b: a.equals(b))
row(arrow.filter(pc.field("a") > 5), lambda t: t.num_rows == 0, same=lambda a, b: a.equals(b))
row(pa.table({}), lambda t: t.num_columns == 0, same=lambda a, b: a.equals(b))
row(arrow.to_batches()[0], lambda b: b.num_rows == 3, same=lambda a, b: a.equals(b))
row(pa.array([], pa.float32()), lambda a: len(a) == 0, same=lambda a, b: a.equals(b))
row(
    [
        pa.array([1, None]),
        pa.chunked_array([[1], [2]]),
        arrow.schema,
        pa.scalar(1.5),
        pa.timestamp("us", "UTC"),
        pa.field("f", pa.int8()),
    ]
)
close()
