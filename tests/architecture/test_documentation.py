"""Whatever the documentation tells people to type is run by a test."""

from __future__ import annotations

from pathlib import Path

from tests.documented import DOCS, block_names

TESTS = sorted((Path(__file__).parents[1]).rglob("test_*.py"))


def test_every_block_of_commands_has_a_name() -> None:
    nameless = [str(page) for page in DOCS.rglob("*.md") if "```console\n" in page.read_text(encoding="utf-8")]
    assert nameless == []


def test_every_named_block_is_taken_by_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in TESTS)
    assert [name for name in block_names() if f'"{name}"' not in tests] == []
