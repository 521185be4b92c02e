"""Values, functions and targets that make no sense: what the caller hears, and that the engines live on."""

from __future__ import annotations

import os
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster
from engineroom.errors import CompositeError, NoEnginesRegistered, PackError, RemoteError
from tests.system.conftest import SECONDS

LIMIT = 2 * 1024 * 1024


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster of two engines that send no result over 2 MiB."""
    config = Config({"IPEngine": {"max_result_bytes": LIMIT}})
    cluster = Cluster(n=2, profile_dir=tmp_path_factory.mktemp("values") / "profile_values", config=config)
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()


@pytest.fixture(autouse=True)
def engines_stay(rc: Client) -> Iterator[None]:
    """Fail a test after which an engine is another process, or none."""
    before = rc[:].apply_sync(os.getpid)
    yield
    assert rc[:].apply_async(os.getpid).get(timeout=SECONDS) == before


@pytest.fixture(params=["direct", "balanced"])
def view(rc: Client, request: pytest.FixtureRequest) -> Any:
    return rc[0] if request.param == "direct" else rc.load_balanced_view()


def test_a_function_that_cant_be_sent_is_named_at_the_call(view: Any) -> None:
    lock = threading.Lock()

    def guarded() -> bool:
        return lock.locked()

    with pytest.raises(PackError, match=r"the function 'guarded' cannot be sent to an engine: it uses 'lock'"):
        view.apply_async(guarded)


def test_an_argument_that_cant_be_sent_is_named_at_the_call(view: Any) -> None:
    with pytest.raises(
        PackError, match=r"^argument 1 of 'len' cannot be sent to an engine: obj\[1\] is a '_thread\.lock'"
    ):
        view.apply_async(len, [1, threading.Lock()])
    with pytest.raises(PackError, match=r"'key'.*'_thread\.lock'"):
        view.apply_async(sorted, [1], key=threading.Lock())


def test_an_item_of_a_map_that_cant_be_sent_is_named_at_the_call(view: Any) -> None:
    with pytest.raises(PackError, match=r"'_thread\.lock'"):
        view.map_async(str, [1, threading.Lock()])


def test_a_value_that_cant_be_pushed_is_named_at_the_call(rc: Client) -> None:
    with pytest.raises(PackError, match=r"'bad'.*'_thread\.lock'"):
        rc[:].push({"good": 1, "bad": threading.Lock()})


def test_a_result_that_cant_be_sent_is_named(view: Any) -> None:
    def locks() -> Any:
        import threading

        return {"lock": threading.Lock()}

    with pytest.raises(
        PackError, match=r"the result cannot be sent to the client: result\['lock'\] is a '_thread.lock'\. Return"
    ):
        view.apply_async(locks).get(timeout=SECONDS)


def test_an_exception_that_cant_be_sent_comes_as_words(view: Any) -> None:
    def fail() -> None:
        import threading

        raise ValueError("with a lock", threading.Lock())

    with pytest.raises(RemoteError, match=r"ValueError: .*with a lock"):
        view.apply_async(fail).get(timeout=SECONDS)


def test_a_module_that_the_engine_lacks_is_named(view: Any) -> None:
    def imports() -> None:
        import no_such_module_anywhere  # noqa: F401

    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_module_anywhere'") as caught:
        view.apply_async(imports).get(timeout=SECONDS)
    assert isinstance(caught.value, RemoteError)


def test_a_function_of_a_module_that_only_the_client_has_is_told_with_the_module(
    view: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("only_on_the_client")
    exec("def double(x): return 2 * x", vars(module))
    monkeypatch.setitem(sys.modules, "only_on_the_client", module)
    result = view.apply_async(module.double, 4)
    try:
        assert result.get(timeout=SECONDS) == 8  # sent by value
    except RemoteError as error:
        assert "only_on_the_client" in str(error)  # noqa: PT017 (either is fine; silence is not)


def test_a_result_over_the_limit_fails_that_task_with_its_size(view: Any) -> None:
    words = r"the result has 3,\d{3},\d{3} bytes, but this engine sends at most 2,097,152 \(max_result_bytes\)"
    with pytest.raises(RemoteError, match=words):
        view.apply_async(bytes, 3 * 1024 * 1024).get(timeout=SECONDS)
    assert len(view.apply_async(bytes, 1024 * 1024).get(timeout=SECONDS)) == 1024 * 1024


def test_a_pulled_value_over_the_limit_fails_that_pull(rc: Client) -> None:
    rc[0].execute("big = bytes(3 * 1024 * 1024)", block=True)
    with pytest.raises(RemoteError, match="max_result_bytes"):
        rc[0].pull("big", block=True)


def test_targets_that_do_not_exist_are_named_with_those_that_do(rc: Client) -> None:
    for ask in (
        lambda: rc[7],
        lambda: rc[-3],
        lambda: rc[[0, 7]],
        lambda: rc.direct_view(7),
        lambda: rc.load_balanced_view([0, 7]),
        lambda: rc.queue_status(7),
    ):
        with pytest.raises(IndexError, match=r"there is no engine (7|-3); the engines are 0-1"):
            ask()
    view = rc[:]
    view.targets = [0, 9]
    with pytest.raises(IndexError, match="there is no engine 9; the engines are 0-1"):
        view.apply_async(abs, -1)
    for bad in ("some", 1.5, None):
        with pytest.raises(TypeError):
            rc[bad]


def test_without_engines_a_direct_call_says_so_at_once_and_what_to_do(tmp_path: Path) -> None:
    empty = Cluster(profile_dir=tmp_path / "profile_empty")
    empty.start_controller_sync()
    try:
        with empty.connect_client_sync() as rc:
            words = f"there are no engines.*`ipcluster engines -n 4 .*--cluster-id={empty.cluster_id}`"
            for ask in (lambda: rc[0], lambda: rc[:].apply_async(abs, -1), lambda: rc.load_balanced_view([0])):
                with pytest.raises(NoEnginesRegistered, match=words):
                    ask()
            assert rc.ids == []
            with pytest.raises(TimeoutError, match="0 of 2 engines"):
                rc.wait_for_engines(2, timeout=0.1)
            # A balanced call waits for engines that may come, and can be withdrawn.
            waiting = rc.load_balanced_view().apply_async(abs, -1)
            with pytest.raises(TimeoutError):
                waiting.get(timeout=0.1)
            assert rc.queue_status()["unassigned"] == 1
            empty.start_engines_sync(1)
            assert waiting.get(timeout=SECONDS) == 1
    finally:
        empty.stop_cluster_sync()


def test_one_failing_engine_of_several_is_told_apart(rc: Client) -> None:
    def fail_in(pid: int) -> None:
        if os.getpid() == pid:
            raise OSError("disk of engine 1")

    pid = rc[1].apply_sync(os.getpid)
    with pytest.raises(CompositeError) as caught:
        rc[:].apply_async(fail_in, pid).get(timeout=SECONDS)
    assert "[1:apply] OSError: disk of engine 1" in str(caught.value)


def test_sys_exit_in_a_task_ends_the_task_only(view: Any) -> None:
    def leave() -> None:
        sys.exit("enough")

    with pytest.raises(RemoteError, match="SystemExit: enough") as caught:
        view.apply_async(leave).get(timeout=SECONDS)
    assert not isinstance(caught.value, SystemExit)


def test_sys_exit_in_a_cell_ends_the_cell_only(rc: Client) -> None:
    with pytest.raises(RemoteError, match="SystemExit"):
        rc[0].execute("import sys; sys.exit(3)", block=True)


def test_a_recursion_without_end_is_an_error(view: Any) -> None:
    def again() -> Any:
        return again()

    with pytest.raises(RecursionError):
        view.apply_async(again).get(timeout=SECONDS)
