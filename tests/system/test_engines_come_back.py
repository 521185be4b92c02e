"""Engines that die are started again, and what is kept for them runs there before anything else."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from traitlets.config import Config

from engineroom import Client, Cluster
from engineroom.errors import EngineError, EngineroomError, ImpossibleDependency, NoEnginesRegistered, PackError
from tests.documented import blocks
from tests.patience import SECONDS, slowly
from tests.system.conftest import answers, processes_of_this_run, until


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Yield a cluster of two engines that come back, where one client may keep 4 MiB."""
    config = Config({"IPController": {"max_kept_call_bytes": 4 << 20}})
    cluster = Cluster(n=2, profile_dir=tmp_path_factory.mktemp("back") / "profile_back", config=config)
    before = processes_of_this_run()
    cluster.start_cluster_sync()
    yield cluster
    cluster.stop_cluster_sync()
    until(lambda: not processes_of_this_run().keys() - before.keys())


@pytest.fixture(autouse=True)
def no_process_is_left() -> None:
    """In place of the check after each test: here engines are new processes then. At the end none may be left."""


@pytest.fixture(autouse=True)
def fresh(request: pytest.FixtureRequest) -> Iterator[None]:
    """Forget what is kept, and the deaths of engines: they are restarted on purpose."""
    yield
    if "rc" in request.fixturenames:
        request.getfixturevalue("rc").forget()
        request.getfixturevalue("cluster").restart_engines_sync()


def renewed(rc: Client, engine: int) -> int:
    """Kill an engine, and return the pid of its next life, once that is there."""
    [before] = answers(rc, [engine], os.getpid)
    os.kill(before, signal.SIGKILL)
    until(lambda: answers(rc, [engine], os.getpid) != [before])
    return int(answers(rc, [engine], os.getpid)[0])


def is_prepared(_: Any) -> bool:
    import builtins

    return hasattr(builtins, "prepared")


def has(rc: Client, engine: int, name: str) -> bool:
    """Whether an engine has a variable."""
    with contextlib.suppress(NameError):
        return rc[engine].pull(name, block=True) is not None
    return False


def test_what_is_kept_is_there_again_in_order_and_on_engines_that_come_later(cluster: Cluster, rc: Client) -> None:
    view = rc.direct_view("all")
    view.push({"base": 7, "large": bytes(1 << 20)}, keep=True, block=True)
    view.execute("square = base ** 2", keep=True, block=True)
    with view.sync_imports(quiet=True, keep=True):
        import json  # noqa: F401 (on the engines)

    @view.keep
    def prepare() -> None:
        import builtins

        builtins.prepared = True  # type: ignore[attr-defined]

    renewed(rc, 0)
    more = cluster.start_engines_sync(1)
    rc.wait_for_engines(3, timeout=SECONDS)

    assert rc.load_balanced_view().map_sync(is_prepared, range(30)) == [True] * 30
    assert view["base"] == [7] * 3
    assert view["square"] == [49] * 3
    view.execute("text = json.dumps(len(large))").get(SECONDS)
    assert view["text"] == ["1048576"] * 3
    assert [kept.what for kept in rc.kept] == [
        "push base, large",
        "execute square = base ** 2",
        "import json",
        "prepare()",
    ]
    assert {state for kept in rc.kept for state in kept.states.values()} == {"done"}
    assert rc.kept[0].bytes > 1 << 20
    cluster.stop_engines_sync(more)
    until(lambda: rc.ids == [0, 1])


def test_a_task_that_ends_its_engine_with_code_0_is_told_why_and_the_engine_comes_back(rc: Client) -> None:
    [before] = answers(rc, [1], os.getpid)
    with pytest.raises(EngineError, match=r"code that it ran has ended the process, as os._exit\(0\) does"):
        rc[1].apply_async(os._exit, 0).get(SECONDS)
    until(lambda: answers(rc, [1], os.getpid) != [before])


def test_scattered_parts_come_back(rc: Client) -> None:
    rc[:].scatter("part", range(4), keep=True, block=True)
    assert [kept.engines for kept in rc.kept] == [(0,), (1,)]
    renewed(rc, 1)
    assert rc[:].gather("part", block=True) == [0, 1, 2, 3]


def test_a_view_of_some_engines_keeps_for_these(rc: Client) -> None:
    rc[[1]].push({"mine": 1}, keep=True, block=True)
    assert rc.kept[0].engines == (1,)
    renewed(rc, 0)
    renewed(rc, 1)

    assert [has(rc, engine, "mine") for engine in (0, 1)] == [False, True]


def test_a_call_of_the_same_name_replaces_the_earlier_one(rc: Client) -> None:
    view = rc.direct_view("all")
    for value in range(3):
        view.push({"twice": value}, keep=True, block=True)
    assert len(rc.kept) == 1
    renewed(rc, 0)
    assert rc[0]["twice"] == 2


def test_one_that_fails_later_is_named_and_keeps_its_engine_from_balanced_tasks(
    rc: Client, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    there = tmp_path / "there"
    there.touch()
    rc[[0]].execute(f"open({str(there)!r})", keep=True, block=True)
    there.unlink()

    with caplog.at_level(logging.WARNING):
        renewed(rc, 0)
        until(lambda: rc.kept[0].errors)

    assert 'engine 0 is not ready: the kept call "execute open(' in caplog.text
    assert "FileNotFoundError" in rc.kept[0].errors[0]
    assert "FileNotFoundError" in repr(rc.kept[0])
    pids = set(rc.load_balanced_view().map_sync(lambda _: os.getpid(), range(30)))
    assert pids == {rc[1].apply_sync(os.getpid)}
    rc.forget(rc.kept[0])
    until(lambda: len(set(rc.load_balanced_view().map_sync(lambda _: os.getpid(), range(30)))) == 2)


def test_what_cannot_be_kept_is_refused_at_the_call(rc: Client, tmp_path: Path) -> None:
    view = rc.direct_view("all")
    with pytest.raises(
        EngineroomError, match=r"the call 'push x' cannot be kept: it takes 5 MiB; a client may keep 4 MiB"
    ):
        view.push({"x": bytes(5 << 20)}, keep=True)
    with pytest.raises(PackError), (tmp_path / "file").open("w") as file:
        view.push({"x": file}, keep=True)
    with pytest.raises(ZeroDivisionError):
        rc[0].keep(lambda: 1 / 0)
    assert rc.kept == []
    with pytest.raises(KeyError, match="there is no kept call 99; the kept calls are: none"):
        rc.forget(99)
    with pytest.raises(TypeError, match="expected the id of a kept call"):
        rc.forget("push x")


def test_a_direct_call_to_a_new_process_warns_once_unless_something_is_kept(
    rc: Client, caplog: pytest.LogCaptureFixture
) -> None:
    renewed(rc, 0)
    with caplog.at_level(logging.WARNING):
        pid = rc[0].apply_sync(os.getpid)
        caplog.clear()
        os.kill(pid, signal.SIGKILL)
        until(lambda: answers(rc, [0], os.getpid) != [pid])
        rc[0].apply_sync(os.getpid)
    assert caplog.text.count("engine 0 is a new process since ") == 1
    assert "the earlier one ended (killed by SIGKILL), and its variables are gone" in caplog.text

    rc[:].push({"a": 1}, keep=True, block=True)
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        renewed(rc, 1)
    assert "new process" not in caplog.text


def test_a_call_made_for_the_process_that_died_never_runs_in_the_next(rc: Client) -> None:
    [pid] = answers(rc, [0], os.getpid)  # it may still be restarted after the last test
    running, queued = rc[0].apply_async(signal.pause), rc[0].apply_async(os.getpid)
    until(running.running)
    os.kill(pid, signal.SIGKILL)
    for call in (running, queued):
        with pytest.raises(EngineError, match="SIGKILL"):
            call.get(SECONDS)
    until(lambda: answers(rc, [0], os.getpid) != [pid])


def test_a_map_outlives_an_engine_that_is_killed(rc: Client) -> None:
    def slow(item: int) -> int:
        import threading

        threading.Event().wait(0.01)
        return item

    result = rc.load_balanced_view().map_async(slow, range(100), chunksize=1)
    pid = rc[0].apply_sync(os.getpid)
    os.kill(pid, signal.SIGKILL)
    assert result.get(SECONDS) == list(range(100))
    until(lambda: rc.ids == [0, 1])


def test_a_flow_of_futures_outlives_engines_that_are_killed_in_it(rc: Client, tmp_path: Path) -> None:
    def add(first: bytes, second: bytes) -> bytes:
        import threading

        threading.Event().wait(0.02)
        return bytes([(first[0] + second[0]) % 251]) * len(first)

    def made(number: int) -> bytes:
        return bytes([number]) * 200_000

    view = rc.load_balanced_view()
    layer = [view.apply_async(made, number) for number in range(8)]
    expected = [*range(8)]
    layers = [layer]
    for _ in range(8):  # each needs two of the layer before
        layer = [view.apply_async(add, layer[place], layer[place - 1]) for place in range(8)]
        expected = [(expected[place] + expected[place - 1]) % 251 for place in range(8)]
        layers.append(layer)
    for engine, depth in ((0, 1), (1, 3), (0, 5)):  # while the layers behind wait for these
        until(layers[depth][0].done)
        [pid] = answers(rc, [engine], os.getpid)
        os.kill(pid, signal.SIGKILL)

    assert [result.get(2 * SECONDS)[0] for result in layer] == expected
    assert {len(result.get()) for each in layers for result in each} == {200_000}
    until(lambda: rc.ids == [0, 1])


def test_who_needs_the_result_of_a_task_that_is_lost_for_good_is_told_why(rc: Client) -> None:
    [pid] = answers(rc, [0], os.getpid)
    lost = rc[0].apply_async(signal.pause)
    needs = rc.load_balanced_view().apply_async(abs, lost)
    behind = rc[1].apply_async(abs, needs)
    until(lost.running)
    os.kill(pid, signal.SIGKILL)

    with pytest.raises(EngineError, match="SIGKILL"):
        lost.get(SECONDS)
    for result in (needs, behind):
        with pytest.raises(ImpossibleDependency, match="SIGKILL") as caught:
            result.get(SECONDS)
        assert isinstance(caught.value.__cause__, EngineError)
    until(lambda: rc.ids == [0, 1])


def test_a_client_that_is_closed_keeps_nothing(cluster: Cluster, rc: Client) -> None:
    with cluster.connect_client_sync() as other:
        other.wait_for_engines(2, timeout=SECONDS)
        other.direct_view("all").push({"of_other": 1}, keep=True, block=True)
    renewed(rc, 0)
    assert not has(rc, 0, "of_other")


def test_five_deaths_in_a_row_are_the_end_and_name_the_kept_call(tmp_path: Path) -> None:
    with Cluster(n=1, profile_dir=tmp_path / "profile_five") as rc:
        mark = tmp_path / "mark"
        rc.direct_view("all").execute(
            f"import os; os.path.exists({str(mark)!r}) and os._exit(3)", keep=True, block=True
        )
        mark.touch()
        begun = time.monotonic()
        os.kill(rc[0].apply_sync(os.getpid), signal.SIGKILL)
        with pytest.raises(NoEnginesRegistered) as no:
            rc.load_balanced_view().apply_async(abs, -1).get(3 * SECONDS)
        assert "it is not restarted, for it died 5 times in a row within 5 s of its start" in str(no.value)
        assert 'it was running the kept call "execute import os; ' in str(no.value)
        assert time.monotonic() - begun < slowly(15.0)


def test_what_the_page_shows_runs(tmp_path: Path) -> None:
    script = tmp_path / "kept.py"
    script.write_text(blocks("engines.md")["kept"])
    said = subprocess.run(
        [sys.executable, str(script)], check=True, timeout=SECONDS, capture_output=True, text=True, cwd=tmp_path
    )
    assert "[3, 3, 3]\n[<KeptCall 1: 'push scale' on all engines, " in said.stdout


def test_an_engine_ended_on_purpose_stays_away_until_its_set_is_restarted(tmp_path: Path) -> None:
    with Cluster(n=3, profile_dir=tmp_path / "profile_wanted") as rc:
        rc.shutdown([0], block=True)
        rc[1].execute("exit").get(SECONDS)
        until(lambda: rc.ids == [2])
        rc.cluster.restart_engines_sync()
        until(lambda: rc.ids == [0, 1, 2])
        rc.shutdown(block=True)
        rc.cluster.restart_engines_sync()
        until(lambda: rc.ids == [0, 1, 2])
        rc.cluster.stop_engines_sync()
        until(lambda: rc.ids == [])
        with pytest.raises(NoEnginesRegistered):
            rc.load_balanced_view().apply_async(abs, -1).get(SECONDS)
