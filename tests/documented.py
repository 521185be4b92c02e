"""The commands that the documentation shows, so that tests run what readers type.

A fenced block ```` ```console NAME ```` has lines that start with `$ `, each a command; the others are what it prints.
A test takes the commands of a block by its name, and tests/architecture sees that no block is without a test.
"""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(r"^```(?P<kind>\w+) (?P<name>[\w-]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> dict[str, str]:
    """Return the text of each named block of `page`, a path below docs/."""
    return {found["name"]: found["text"] for found in _BLOCK.finditer((DOCS / page).read_text(encoding="utf-8"))}


def commands(page: str, name: str) -> list[str]:
    """Return the commands in the block called `name`, without their prompts."""
    return [line[2:] for line in blocks(page)[name].splitlines() if line.startswith("$ ")]


def block_names() -> list[str]:
    """Return the names of all named blocks in the documentation."""
    return [name for page in sorted(DOCS.rglob("*.md")) for name in blocks(str(page.relative_to(DOCS)))]
