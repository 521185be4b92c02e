"""For tests with a real IPython kernel: one kernel and one cluster for all tests of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from engineroom import Cluster
from tests.notebooks.kernels import Kernel, Shown, kernelspec
from tests.system.conftest import no_process_is_left

__all__ = ["no_process_is_left"]

ENGINES = 2

Notebook = Callable[[Sequence[str]], list[Shown]]


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Yield a directory of one's own for everything of IPython and Jupyter; the environment says so."""
    home = tmp_path_factory.mktemp("jupyter")
    with pytest.MonkeyPatch.context() as patch:
        for name, value in kernelspec(home).items():
            patch.setenv(name, value)
        yield home


@pytest.fixture(scope="module")
def new_kernel(jupyter: Path) -> Iterator[Callable[..., Kernel]]:
    """Yield what starts a kernel, with more environment variables; it ends with the tests of the file."""
    started: list[Kernel] = []

    def start(**environment: str) -> Kernel:
        kernel = Kernel(jupyter, environment)
        kernel.start()
        started.append(kernel)
        return kernel

    yield start
    for kernel in started:
        kernel.stop()


@pytest.fixture(scope="module")
def cluster_of_notebooks(jupyter: Path) -> Iterator[Cluster]:
    """Yield a running cluster, the default one: `Client()` in a cell finds it."""
    cluster = Cluster(n=ENGINES, cluster_id="", restart_dead_engines=False)
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()


@pytest.fixture(scope="module")
def kernel(cluster_of_notebooks: Cluster, new_kernel: Callable[..., Kernel]) -> Kernel:
    """Return a kernel with a client of that cluster, `rc`, and its engines."""
    kernel = new_kernel()
    kernel.run(["import os, time, engineroom as er", f"rc = er.Client(); rc.wait_for_engines({ENGINES}); view = rc[:]"])
    return kernel


@pytest.fixture
def notebook(kernel: Kernel) -> Notebook:
    """Return what runs cells in the kernel and returns what each shows; an error fails the test."""
    return kernel.run


@pytest.fixture
def lone_kernel(jupyter: Path) -> Iterator[Kernel]:
    """Yield a kernel for one test, without a client; it has ended before one looks for what the test has left."""
    kernel = Kernel(jupyter, {})
    kernel.start()
    yield kernel
    kernel.stop()
