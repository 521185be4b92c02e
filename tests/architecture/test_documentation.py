"""Whatever the documentation tells people to type is run by a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documented import DOCS, block_names

TESTS = sorted((Path(__file__).parents[1]).rglob("test_*.py"))


def test_every_block_of_commands_has_a_name() -> None:
    nameless = [str(page) for page in DOCS.rglob("*.md") if "```console\n" in page.read_text(encoding="utf-8")]
    assert nameless == []


def test_every_named_block_is_taken_by_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in TESTS)
    assert [name for name in block_names() if f'"{name}"' not in tests] == []


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []
