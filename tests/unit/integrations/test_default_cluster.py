"""The cluster that a library uses on its own account, and what is said where there is none."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

import engineroom
from engineroom.integrations import default_cluster
from engineroom.integrations.default_cluster import VARIABLE, DefaultCluster, NoClusterToUse


@pytest.fixture(autouse=True)
def nothing_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))


def test_without_permission_nothing_is_started_and_the_words_say_what_to_do() -> None:
    with pytest.raises(NoClusterToUse, match=r"^joblib found no running cluster.*ipcluster start.*start_cluster=True"):
        DefaultCluster().client("joblib", 2, start=False)


@pytest.mark.parametrize("value", ["0", "no", "False", "OFF"])
def test_the_environment_may_forbid_it(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, value)
    with pytest.raises(NoClusterToUse, match=f"may not start one.*{VARIABLE}=1"):
        DefaultCluster().client("joblib", 2, start=True)


def test_of_several_clusters_none_is_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(default_cluster, "running_ids", lambda _: ["a", "b"])
    with pytest.raises(NoClusterToUse, match=r"several running clusters \('a', 'b'\).*register a view"):
        DefaultCluster().client("joblib", 2, start=True)


def test_without_joblib_the_name_is_there_and_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "engineroom.integrations.joblib", raising=False)
    monkeypatch.setitem(sys.modules, "joblib.parallel", None)
    with pytest.raises(ModuleNotFoundError, match=r"joblib is not installed here.*pip install"):
        engineroom.register_joblib_backend()
