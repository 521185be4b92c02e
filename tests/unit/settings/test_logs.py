"""Log files: facts behind the text, a few earlier files beside."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path

from engineroom.settings.logs import FORGOTTEN, KEPT, FactsFormatter, RotatingFile, clean, forget_old, rotate


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


def test_clean_leaves_the_logs_of_other_clusters(tmp_path: Path) -> None:
    mine = ("ipcluster.log", "ipcontroller.log.1", "ipengine-0.log", "ipengines-1.log.2")
    others = ("ipcluster-x.log", "ipengine-x-0.log", "ipengines-x-1.log")
    for name in mine + others:
        (tmp_path / name).touch()
    clean(tmp_path, "")
    assert sorted(each.name for each in tmp_path.iterdir()) == list(others)
    clean(tmp_path, "x")
    assert list(tmp_path.iterdir()) == []


def test_what_drawn_ids_left_long_ago_is_forgotten(tmp_path: Path) -> None:
    long_ago = time.time() - FORGOTTEN - 60
    drawn = ["ipcluster-0123abcd.log", "ipcontroller-0123abcd.log.1", "ipengine-0123abcd-7.log", "steps-0123abcd.jsonl"]
    named = ["ipcluster.log", "ipengine-0123456789ab-7.log", "ipcontroller-lab.log", "steps-thursday.jsonl", "mine.log"]
    for name in [*drawn, *named]:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (long_ago, long_ago))
    (tmp_path / "ipcluster-89abcdef.log").touch()
    forget_old(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([*named, "ipcluster-89abcdef.log"])
    forget_old(tmp_path / "gone")
