"""`use_dill`: what neither pickle nor cloudpickle can send goes by dill, in both directions, until it is ended."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engineroom.errors import PackError
from engineroom.serialize.old_names import use_cloudpickle, use_dill, use_pickle
from engineroom.serialize.payloads import pack, unpack


@pytest.fixture
def dill() -> Iterator[None]:
    pytest.importorskip("dill", reason="an environment that is older than pyproject.toml: `make venv` refreshes it")
    use_dill()
    yield
    use_pickle()


def there_and_back(value: Any) -> Any:
    packed = pack(value)
    return unpack(packed if isinstance(packed, bytes) else b"".join(packed))


@pytest.mark.usefixtures("dill")
@pytest.mark.parametrize("mode", ["a", "ab", "r", "rb"])
def test_open_files_arrive_open_where_they_were(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "file"
    path.write_text("one")
    with open(path, mode) as file, there_and_back({"deep": [file]})["deep"][0] as arrived:
        assert (arrived.name, arrived.mode, arrived.tell()) == (str(path), mode, file.tell())


@pytest.mark.usefixtures("dill")
def test_a_function_brings_the_file_that_it_writes_to(tmp_path: Path) -> None:
    with open(tmp_path / "file", "a") as file:

        def note(words: str) -> int:
            written = file.write(words)
            file.flush()
            return written

        note("here, ")
        arrived = there_and_back(note)
        assert arrived("there") == 5
        arrived.__closure__[0].cell_contents.close()
    assert (tmp_path / "file").read_text() == "here, there"


@pytest.mark.usefixtures("dill")
def test_locks_arrive_as_they_are() -> None:
    lock = threading.Lock()
    with lock:
        assert there_and_back([lock])[0].locked()


@pytest.mark.usefixtures("dill")
def test_what_dill_cannot_send_either_is_named_and_nothing_beside_it(tmp_path: Path) -> None:
    with open(tmp_path / "file", "w") as file, pytest.raises(PackError, match="generator"):
        pack([file, (number for number in range(3))])


@pytest.mark.parametrize("end", [use_pickle, use_cloudpickle])
@pytest.mark.usefixtures("dill")
def test_it_ends(tmp_path: Path, end: Any) -> None:
    end()
    with open(tmp_path / "file", "w") as file, pytest.raises(PackError, match="Send its path"):
        pack(file)


def test_without_dill_it_is_said_where_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dill", None)
    with pytest.raises(ModuleNotFoundError, match=r"dill is not installed where `use_dill\(\)` was called. Install it"):
        use_dill()
