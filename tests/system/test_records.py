"""What a controller records of tasks, as users see it: from any client, in memory, in a file, and after SIGKILL."""

from __future__ import annotations

import csv
import json
import logging
import os
import resource
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

import engineroom as er
from engineroom.cli.ipcluster import main as ipcluster
from engineroom.store.queries.problems import BadQuery
from tests.conftest import wait_until
from tests.patience import SECONDS
from tests.system.conftest import until
from tests.system.held_tasks import put, wait_for_file
from tests.system.test_faults_controller import controller_pid


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[er.Cluster]:
    home = tmp_path_factory.mktemp("records") / "profile_default"
    options = [f"--SQLiteDB.location={home}", "--sqlitedb"]
    with er.Cluster(n=2, profile_dir=str(home), controller_args=options) as rc:
        yield rc.cluster


@pytest.fixture
def rc(cluster: er.Cluster) -> Iterator[er.Client]:
    with cluster.connect_client_sync() as client:
        client.wait_for_engines(2)
        yield client


@pytest.fixture
def other(cluster: er.Cluster) -> Iterator[er.Client]:
    with cluster.connect_client_sync() as client:
        yield client


def noisy(value: int) -> int:
    print("value", value)
    return value * 2


def test_any_client_finds_the_result_of_any_task(rc: er.Client, other: er.Client) -> None:
    sent = rc.load_balanced_view(label="doubling").apply_async(noisy, 21)
    rc.queue_status()  # its answer comes after the call is there
    found = other.get_result(sent.msg_id)
    assert isinstance(found, er.AsyncHubResult)
    assert found.get(SECONDS) == sent.get(SECONDS) == 42
    assert found.stdout == "value 21\n"
    assert found.label == "doubling"
    assert found.engine_id == sent.engine_id


def test_large_results_come_whole(rc: er.Client, other: er.Client) -> None:
    sent = rc[0].apply_async(bytes, 3_000_000)
    sent.get(SECONDS)
    assert other.get_result(sent.msg_id).get(SECONDS) == bytes(3_000_000)


def test_a_result_that_does_not_exist_yet_is_sent_when_its_task_ends(
    rc: er.Client, other: er.Client, tmp_path: Path
) -> None:
    mark = tmp_path / "go"
    sent = rc[1].apply_async(wait_for_file, str(mark))
    rc.queue_status()  # its answer comes after the call is there
    found = other.get_result(sent.msg_id)
    assert other.result_status([sent.msg_id])["pending"] == [sent.msg_id]
    assert not found.done()
    mark.touch()
    assert found.get(SECONDS) == sent.get(SECONDS)


def test_records_are_found_by_what_they_say(rc: er.Client, other: er.Client) -> None:
    view = rc.load_balanced_view(label="searched")
    ids = [view.apply_async(noisy, value).msg_id for value in range(5)]
    failed = view.apply_async(int, "x")
    failed.wait(SECONDS)
    rc.wait(timeout=SECONDS)
    found = other.db_query({"label": "searched", "state": "done"}, keys=["stdout", "engine_id"])
    assert [record["msg_id"] for record in found] == ids
    assert sorted(record["stdout"] for record in found) == [f"value {value}\n" for value in range(5)]
    [record] = other.db_query({"label": "searched", "state": "failed"}, sort="-completed", limit=1)
    assert record["result_content"]["ename"] == "ValueError"
    assert record["attempts"][0]["host"]
    assert set(ids) <= set(other.hub_history())


@pytest.mark.parametrize("query", [{"completed": {"$gtt": 3}}, {"$or": 3}, 7, {"nokey": 1}])
def test_a_query_that_is_none_is_refused_with_the_place(other: er.Client, query: object) -> None:
    with pytest.raises(BadQuery, match="bad query"):
        other.db_query(query)


def test_tasks_run_again_with_the_function_and_arguments_that_they_had(rc: er.Client, other: er.Client) -> None:
    offset = 5
    balanced = rc.load_balanced_view().apply_async(lambda value: value + offset, 7)
    direct = rc[1].apply_async(os.getpid)
    balanced.get(SECONDS), direct.get(SECONDS)
    again = other.resubmit([balanced.msg_id, direct.msg_id])
    assert again.get(SECONDS) == [12, direct.get()]
    assert set(again.msg_ids).isdisjoint({balanced.msg_id, direct.msg_id})
    [record] = other.db_query({"msg_id": balanced.msg_id}, keys="resubmitted")
    assert record["resubmitted"] == again.msg_ids[0]


def test_a_task_that_took_results_of_others_runs_again_with_these(
    rc: er.Client, other: er.Client, tmp_path: Path
) -> None:
    view, mark = rc.load_balanced_view(), tmp_path / "go"
    short = view.apply_async(wait_for_file, str(mark))
    parts = rc[:].apply_async(bytes, 3_000_000)
    several = view.apply_async(lambda text, found, again: (text, found, again), short, [parts, short], short)
    captured = view.apply_async(lambda: (short, 1))  # such a function is unpacked for each call
    put(mark, "four")
    wanted = ("four", [[bytes(3_000_000)] * 2, "four"], "four")
    assert several.get(SECONDS) == wanted
    names = [several.msg_id, captured.msg_id]
    for client in (other, rc):
        assert client.resubmit(names).get(SECONDS) == [wanted, captured.get(SECONDS)]
    until(lambda: not other._session.pins.some)


def test_a_large_result_that_nobody_has_read_is_taken_from_where_it_is(rc: er.Client, other: er.Client) -> None:
    first = rc[0].apply_async(bytearray, 3_000_000)
    first.wait(SECONDS)
    taken = rc[1].apply_async(len, first)
    assert taken.get(SECONDS) == 3_000_000
    before = rc._session.last_number
    assert rc.resubmit(taken.msg_id).get(SECONDS) == 3_000_000
    assert rc._session.last_number == before + 1
    assert other.resubmit(taken.msg_id).get(SECONDS) == 3_000_000
    first.get(SECONDS)
    assert rc.resubmit(taken.msg_id).get(SECONDS) == 3_000_000


def test_which_result_is_missing_is_said(rc: er.Client, other: er.Client) -> None:
    first = rc[0].apply_async(bytearray, 10)
    taken = rc[1].apply_async(len, first)
    assert taken.get(SECONDS) == 10
    rc.queue_status()  # before it asks, it acknowledges `first`, which until then the controller has
    other.purge_hub_results([first.msg_id])
    words = f"task {taken.msg_id} took the result of task {first.msg_id} as an argument, and that result cannot be had"
    with pytest.raises(er.EngineroomError, match=words):
        other.resubmit(taken.msg_id)
    until(lambda: not other._session.pins.some)


def test_a_purged_task_is_gone_and_the_account_says_so(rc: er.Client, other: er.Client) -> None:
    sent = rc[0].apply_async(noisy, 1)
    sent.get(SECONDS)
    assert other.purge_hub_results([sent.msg_id]) == 1
    assert other.db_query({"msg_id": sent.msg_id}) == []
    with pytest.raises(er.EngineroomError, match="nothing is known of task"):
        other.resubmit(sent.msg_id)
    audit = other.audit()
    assert audit.well, str(audit)
    assert audit["purged"] >= 1


def test_what_was_delivered_is_in_the_file_after_a_sigkill(tmp_path: Path) -> None:
    home = tmp_path / "profile_default"
    options = [f"--SQLiteDB.location={home}", "--SQLiteDB.table=kept", "--sqlitedb"]
    with er.Cluster(n=1, profile_dir=str(home), controller_args=options) as rc:
        rc.wait_for_engines(1)
        results = [rc[0].apply_async(noisy, value) for value in range(50)]
        names = [result.msg_id for result in results]
        rc.wait(results)
        assert wait_until(lambda: all(rc.db_query({"msg_id": {"$in": names}, "delivered": True}, keys="msg_id")))
        os.kill(controller_pid(rc.cluster.client_connection_file), signal.SIGKILL)
    from engineroom.store.sqlite.store import SQLiteStore

    store = SQLiteStore(home / "tasks.db", "kept", read_only=True)
    store.open()
    try:
        assert {entry.msg_id for entry in store.entries() if entry.result is not None} >= set(names)
        assert not list(store.damages())
    finally:
        store.close()


def listed(cluster: er.Cluster, capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return what `ipcluster` prints about the tasks of this cluster."""
    code = ipcluster([*arguments, f"--file={cluster.client_connection_file}"])
    said = capsys.readouterr()
    assert code == 0, said.err
    return said.out


def test_tasks_are_listed_shown_and_exported(
    rc: er.Client, cluster: er.Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    view = rc.load_balanced_view(label="listed")
    good, bad = view.apply_async(noisy, 3), view.apply_async(int, "x")
    rc.wait([good, bad], SECONDS)
    table = listed(cluster, capsys, "tasks", "--label=listed").splitlines()
    assert [line.split()[:2] for line in table] == [["ID", "STATE"], [bad.msg_id, "failed"], [good.msg_id, "done"]]
    assert "ValueError: invalid literal" in table[1]
    assert good.msg_id not in listed(cluster, capsys, "tasks", "--state=failed", "--since=1h", "--limit=5")
    assert "value 3" in listed(cluster, capsys, "tasks", good.msg_id)
    assert "error:\nValueError: invalid literal" in listed(cluster, capsys, "tasks", bad.msg_id)
    [line] = listed(cluster, capsys, "tasks", "--label=listed", "--state=done", "-o=json").splitlines()
    assert json.loads(line)["stdout"] == "value 3\n"
    rows = list(csv.DictReader(listed(cluster, capsys, "tasks", "--label=listed", "-o=csv").splitlines()))
    assert [(row["state"], row["function"]) for row in rows] == [("failed", "int"), ("done", "noisy")]
    assert "noisy" in listed(cluster, capsys, "tasks", good.msg_id, "-o=csv")
    assert "no record is missing" in listed(cluster, capsys, "audit")


def test_tasks_of_a_cluster_that_does_not_run_are_read_from_its_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    home = tmp_path / "profile_default"
    for value in (1, 2):  # each has a table of its own
        with er.Cluster(n=1, profile_dir=str(home), cluster_id="", controller_args=["--sqlitedb"]) as rc:
            view = rc.load_balanced_view()
            good, bad = view.apply_async(noisy, value), view.apply_async(int, "x")
            rc.wait([good, bad], SECONDS)
    place = f"--profile-dir={home}"
    assert ipcluster(["tasks", place]) == 0
    said = capsys.readouterr()
    assert [line.split()[0] for line in said.out.splitlines()] == ["ID", bad.msg_id, good.msg_id]
    assert "noisy" in said.out
    assert "no controller is running; reading SQLite, table" in said.err
    assert ipcluster(["tasks", place, bad.msg_id]) == 0
    assert "error:\nValueError: invalid literal" in capsys.readouterr().out
    assert ipcluster(["audit", place]) == 0
    assert "no record is missing" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", ["--since=yesterday", "--since=5", "nothing"])
def test_what_names_no_time_and_no_task_is_said(
    cluster: er.Cluster, capsys: pytest.CaptureFixture[str], wrong: str
) -> None:
    assert ipcluster(["tasks", wrong, f"--file={cluster.client_connection_file}"]) != 0
    assert wrong in capsys.readouterr().err


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="the size of another process's files can't be limited")
def test_a_file_that_can_grow_no_more_is_told_of_and_caught_up(
    rc: er.Client, cluster: er.Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    """As on a full disk: the kernel refuses each write of the controller to a file."""
    rc[0].apply_async(pow, 1, 1).get(SECONDS)
    controller = controller_pid(cluster.client_connection_file)
    before = resource.prlimit(controller, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    try:
        with caplog.at_level(logging.WARNING):
            sent = [rc[0].apply_async(pow, 2, number) for number in range(8)]
            assert [each.get(SECONDS) for each in sent] == [1, 2, 4, 8, 16, 32, 64, 128]
            assert wait_until(
                lambda: "Tasks go on; until this is solved they are kept in memory" in caplog.text, SECONDS
            )
            names = [each.msg_id for each in sent]
            assert [each["msg_id"] for each in rc.db_query({"msg_id": {"$in": names}}, keys=["state"])] == names
            assert rc.audit()["trouble"]
            caplog.clear()
            with er.Client(cluster.client_connection_file):
                assert wait_until(lambda: "tasks are not recorded: " in caplog.text, SECONDS)
            resource.prlimit(controller, resource.RLIMIT_FSIZE, before)
            assert wait_until(lambda: "tasks.db works again: " in caplog.text, SECONDS)
    finally:
        resource.prlimit(controller, resource.RLIMIT_FSIZE, before)
    assert rc.audit().well
