"""`register_joblib_backend`, which can be imported where joblib is not installed."""

from __future__ import annotations

from importlib import import_module


def register_joblib_backend(
    name: str = "engineroom",
    make_default: bool = False,
    *,
    start_cluster: bool = True,
) -> None:
    """Let joblib, and scikit-learn with it, run on engines: `with joblib.parallel_config("engineroom"): ...`.

    It uses the cluster that runs; `start_cluster`: starts one if there is none, and says so. `make_default`: joblib
    uses it unless told otherwise. To choose the engines, use a view's `register_joblib_backend`. `name`: that of the
    backend; the usual one comes with "ipyparallel" as a second one. ModuleNotFoundError: joblib is not installed.
    """
    # By name: integrations stand above clients, and few have joblib.
    import_module("engineroom.integrations.joblib").register(name, make_default, start_cluster=start_cluster)
