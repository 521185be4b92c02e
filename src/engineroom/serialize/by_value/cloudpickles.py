"""cloudpickle, as other libraries call it within a task (joblib, dask, loky): it sees what functions captured."""

from __future__ import annotations

from typing import Any

from engineroom.serialize.functions.interactive import brought_by

MODULES = (
    "cloudpickle.cloudpickle",
    "joblib.externals.cloudpickle.cloudpickle",
    "pyspark.cloudpickle.cloudpickle",
    "ray.cloudpickle.cloudpickle",
)
"""Itself, and the copies that libraries bring along."""


def teach(cloudpickle: Any) -> None:
    """Let this copy of cloudpickle find the names that a function brought beside those in its globals."""
    usual = cloudpickle._function_getstate

    def function_getstate(function: Any) -> Any:
        state, slots = usual(function)
        brought = brought_by(function)
        if brought is not None:
            from engineroom.serialize.by_value.pickler import captured_by  # whoever gets here has cloudpickle

            slots["__globals__"].update(captured_by(function))
        return state, slots

    cloudpickle._function_getstate = function_getstate
