"""Whatever the documentation tells people to type is run by a test."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documented import DOCS, block_names, blocks, commands

FIRST_DOCUMENT = (
    r"ipcontroller --ip=('\*'|\d[\d.]+)",
    r"ipcluster start -n 4",
    r"ipcluster -h",
    r"ipython profile create --parallel --profile=\w+",
    r"ipcluster start .*--engines=MPI",
    r"ipcluster start -n 4 --profile=mpi",
    r"ipcluster start --profile=pbs -n \d+",
    r"ipcontroller",
    r"ipengine",
    r"ipengine --file=\S*ipcontroller-engine.json",
    r"ipengine --profile=\w+",
    r"ipengine .*--ssh=\S+",
    r"ipcontroller --enginessh=\S+",
    r"ipcluster engines --n=4",
    r"scp \S+:\.ipython/profile_default/security/ipcontroller-engine\.json \./",
    r"scp \S+:\.ipython/profile_default/security/ipcontroller-engine\.json ~/\.ipython/profile_\w+/security/",
    r"ipcontroller --reuse",
)
"""The commands of the document from which users of IPython.parallel learnt how to start things."""

TESTS = sorted((Path(__file__).parents[1]).rglob("test_*.py"))


def test_every_block_of_commands_has_a_name() -> None:
    nameless = [str(page) for page in DOCS.rglob("*.md") if "```console\n" in page.read_text(encoding="utf-8")]
    assert nameless == []


def test_every_named_block_is_taken_by_a_test() -> None:
    tests = "".join(path.read_text(encoding="utf-8") for path in TESTS)
    assert [name for name in block_names() if f'"{name}"' not in tests] == []


def test_the_page_of_the_architecture_names_what_there_is() -> None:
    page = (DOCS.parent / "ARCHITECTURE.md").read_text(encoding="utf-8")
    named = {path.removesuffix("/") for path in re.findall(r"`([\w./-]+/[\w./-]*)`", page)}
    places = (DOCS.parent, DOCS.parent / "src/engineroom")
    there = {path for path in named for at in places if (at / path).exists() or (at / f"{path}.py").exists()}
    assert named - there == set()
    assert len(page.splitlines()) < 120, "it is one page"


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8"))
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_commands_of_the_first_document_are_all_there() -> None:
    pages = [str(page.relative_to(DOCS)) for page in sorted(DOCS.rglob("*.md"))]
    shown = [command for page in pages for name in blocks(page, "console") for command in commands(page, name)]
    assert [each for each in FIRST_DOCUMENT if not any(re.fullmatch(each, command) for command in shown)] == []
