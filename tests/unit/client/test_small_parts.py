"""Parts that need no connection: cutting, joining, naming, waiting."""

from __future__ import annotations

import asyncio
import json
import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.connection.acknowledgements import BATCH, Acknowledgements
from engineroom.client.connection.dialling import FromFile, FromInfo, find_dial
from engineroom.client.engines.targets import is_single, resolve, spell
from engineroom.client.sequences.chunks import blocks, cuts
from engineroom.client.state.engine_table import EngineTable
from engineroom.client.waiting.waits import Deadline, Waiter
from engineroom.errors import ConnectionFileError, NoEnginesRegistered
from engineroom.machine.processes import ProcessRecord
from engineroom.protocol.connection_files import ConnectionFile
from engineroom.protocol.messages import Delivered, EngineInfo, EngineJoined, EngineLeft

counts = st.integers(1, 20)


@given(st.integers(0, 1000), counts)
def test_blocks_differ_by_one_at_most_and_the_longer_ones_come_first(count: int, places: int) -> None:
    slices = list(blocks(count, places))
    sizes = [cut.stop - cut.start for cut in slices]
    assert [cut.start for cut in slices[1:]] == [cut.stop for cut in slices[:-1]]
    assert (slices[0].start, slices[-1].stop, len(slices)) == (0, count, places)
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes) - min(sizes) <= 1


@given(
    st.integers(0, 100_000), st.integers(1, 100), st.none() | st.integers(1, 1000), st.just(math.inf) | st.floats(0, 1)
)
def test_cuts_cover_everything_once_and_get_no_larger(
    count: int, places: int, chunksize: int | None, seconds: float
) -> None:
    sizes, end = [], 0
    for cut in cuts(count, places, chunksize, seconds):
        assert cut.start == end
        end = cut.stop
        sizes.append(cut.stop - cut.start)
    assert end == count
    assert sizes == sorted(sizes, reverse=True)
    if chunksize is None:
        assert len(sizes) <= places * 16 + places * 2


def test_few_costly_items_are_spread_evenly() -> None:
    assert [cut.stop - cut.start for cut in cuts(4, 4, None)] == [1, 1, 1, 1]
    assert len(list(cuts(100_000, 2, None))) <= 40


def test_tiny_items_are_in_chunks_of_a_millisecond_as_long_as_each_engine_gets_several() -> None:
    def sizes(seconds: float) -> list[int]:
        return [cut.stop - cut.start for cut in cuts(100_000, 2, None, seconds)]

    assert sizes(1e-5) == sizes(1.0) == sizes(math.inf)
    assert sizes(2.5e-7)[-2] == 4000
    assert sizes(0.0)[-2] == sizes(1e-9)[-2] == 6250
    assert len(sizes(0.0)) <= 10


def test_acknowledgements_name_the_exceptions_to_their_watermark() -> None:
    unfinished = {4, 7}
    acknowledgements = Acknowledgements(lambda: min(unfinished))
    for number in (1, 2, 3, 5, 6):
        acknowledgements.add(number)
    assert not acknowledgements.full
    assert acknowledgements.take() == [Delivered(3, ((5, 6),))]
    assert not acknowledgements
    for number in range(BATCH):
        acknowledgements.add(number)
    assert acknowledgements.full


def test_targets() -> None:
    engines = EngineTable()
    with pytest.raises(NoEnginesRegistered):
        resolve("all", engines)
    for engine in (0, 1, 2, 5):
        engines.joined(EngineJoined(engine, bytes(16), EngineInfo()))  # type: ignore[arg-type]
    assert resolve("all", engines) == resolve(None, engines) == (0, 1, 2, 5)
    assert resolve(-1, engines) == (5,)
    assert resolve([5, 0, -2], engines) == (5, 0, 2)
    assert resolve(slice(1, 3), engines) == (1, 2)
    with pytest.raises(IndexError, match="no engine 3; the engines are 0-2, 5"):
        resolve([0, 3], engines)
    with pytest.raises(TypeError):
        resolve("some", engines)
    with pytest.raises(TypeError, match="is not an engine id"):
        resolve([None], engines)  # type: ignore[list-item]
    assert [is_single(targets) for targets in (0, [0], "all", slice(1), None)] == [True, False, False, False, False]
    assert spell(()) == "none"


def test_a_target_that_has_ended_is_told_from_one_that_never_was() -> None:
    engines = EngineTable()
    for engine in (0, 1):
        engines.joined(EngineJoined(engine, bytes(16), EngineInfo()))  # type: ignore[arg-type]
    engines.departed(EngineLeft(1, bytes(16), "exit code 3"))  # type: ignore[arg-type]
    with pytest.raises(IndexError, match=r"engine 1 has ended \(exit code 3\); the engines are 0\. If it"):
        resolve([0, 1], engines)


def test_each_engine_that_ended_is_told_once_as_it_ended_last() -> None:
    engines = EngineTable()
    for life, cause in enumerate(("exit code 3", "stopped by its host")):
        for engine in (0, 1):
            engines.joined(EngineJoined(engine, bytes([life] * 16), EngineInfo()))  # type: ignore[arg-type]
        for engine in (1, 0):
            engines.departed(EngineLeft(engine, bytes([life] * 16), cause))  # type: ignore[arg-type]
    assert engines.ends() == "engine 1: stopped by its host; engine 0: stopped by its host"


def test_waiting() -> None:
    waiter = Waiter()
    assert not waiter.wait(0)
    waiter.wake()
    waiter.wake()
    assert waiter.wait()
    assert Deadline(None).left() is None
    assert Deadline(-1).left() == 0


def test_which_file_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    found = find_dial(None, profile="mine", cluster_id="a")
    assert isinstance(found, FromFile)
    assert found.path == tmp_path / "profile_mine/security/ipcontroller-a-client.json"
    security = tmp_path / "profile_default/security"
    security.mkdir(parents=True)
    (security / "other.json").write_text("{}")
    by_name = find_dial("other.json")
    assert isinstance(by_name, FromFile)
    assert by_name.path == security / "other.json"
    assert isinstance(find_dial({"url": "tcp://127.0.0.1:1", "exec_key": "k"}), FromInfo)


def test_a_missing_file_is_waited_for_and_then_named_with_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dial = find_dial(None, profile_dir=tmp_path, cluster_id="x")
    with pytest.raises(ConnectionFileError, match=r"ipcluster start -n 4 --profile-dir=.* --cluster-id=x"):
        asyncio.run(dial.wait(0.15))
    assert capsys.readouterr().err.count("Waiting for connection file: ") == 1


def test_a_stale_file_is_recognised(tmp_path: Path) -> None:
    mine = ProcessRecord.of_this_process()
    ended = {"pid": mine.pid, "start_time": "1", "boot_id": mine.boot_id, "host": mine.host}
    path = tmp_path / "ipcontroller-client.json"
    path.write_text(
        json.dumps(
            {
                "url": "tcp://127.0.0.1:1",
                "exec_key": "k",
                "controller": {**ended, "pid_namespace": mine.pid_namespace},
            }
        )
    )
    dial = find_dial(path)
    with pytest.raises(ConnectionFileError, match=r"stale: its controller .* has ended"):
        asyncio.run(dial.wait(0))


def test_whether_a_controller_may_be_back_is_known_by_its_process_and_by_whose_it_is() -> None:
    mine = ProcessRecord.of_this_process()
    ended = ProcessRecord(mine.pid, "1", mine.boot_id, mine.host, mine.pid_namespace)
    elsewhere = ProcessRecord(mine.pid, "1", mine.boot_id, "another machine", mine.pid_namespace)
    for controller, owner, over in (
        (ended, ended, True), (mine, ended, False), (ended, mine, False), (ended, None, False), (None, ended, False),
        (ended, elsewhere, False), (elsewhere, ended, False),
    ):  # fmt: skip
        info = ConnectionFile(url="tcp://127.0.0.1:1", exec_key="k", controller=controller, owner=owner)
        assert bool(info.over) is over


@pytest.mark.parametrize("text", ["", "[]", "{", '{"url": "x"}'])
def test_a_file_that_makes_no_sense_is_an_error_at_once(tmp_path: Path, text: str) -> None:
    path = tmp_path / "ipcontroller-client.json"
    path.write_text(text)
    with pytest.raises(ConnectionFileError, match=r"ipcontroller-client\.json"):
        asyncio.run(find_dial(path).wait(60))
