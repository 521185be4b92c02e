"""The joblib backend, under the names that it has in ipyparallel."""

from engineroom.integrations.joblib import EngineroomBackend as IPythonParallelBackend
from engineroom.integrations.joblib import register

__all__ = ["IPythonParallelBackend", "register"]
