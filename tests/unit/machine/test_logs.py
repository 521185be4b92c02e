"""Log files: facts behind the text, a few earlier files beside."""

from __future__ import annotations

import logging
from pathlib import Path

from engineroom.machine.logs import KEPT, FactsFormatter, RotatingFile, rotate


def record(text: str, **facts: object) -> logging.LogRecord:
    return logging.getLogger("engineroom").makeRecord(
        "engineroom", logging.WARNING, "file", 1, text, (), None, extra=facts
    )


def test_facts_follow_the_text() -> None:
    line = FactsFormatter().format(record("engine lost", engine=3, cause="killed"))
    assert line.endswith("WARNING engine lost  engine=3  cause=killed")


def test_a_few_earlier_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    for number in range(KEPT + 3):
        rotate(path)
        path.write_text(str(number))
    assert [each.read_text() for each in sorted(tmp_path.iterdir())] == ["5", "4", "3", "2"]


def test_an_empty_file_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "a.log").touch()
    rotate(tmp_path / "a.log")
    assert [each.name for each in tmp_path.iterdir()] == ["a.log"]


def test_a_long_file_starts_anew(tmp_path: Path) -> None:
    handler = RotatingFile(tmp_path / "a.log", max_bytes=20)
    for text in ("a" * 15, "b" * 15, "c"):
        handler.emit(record(text))
    handler.close()
    assert (tmp_path / "a.log").read_text() == "c\n"
    assert (tmp_path / "a.log.1").read_text() == f"{'a' * 15}\n{'b' * 15}\n"
