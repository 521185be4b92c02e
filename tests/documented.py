"""The commands that the documentation shows, so that tests run what readers type.

A fenced block ```` ```console NAME ```` has lines that start with `$ ` or `[host] $ `, each a command; the others are
what it prints. Blocks of another kind may have a name too (```` ```python NAME ````): files that readers write.
A test takes a block by its name, and tests/architecture sees that no block of commands is without a test.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"

_BLOCK = re.compile(
    r"^(?P<indent> *)```(?P<kind>\w+) (?P<name>[\w-]+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)
_PROMPT = re.compile(r"(?:\[(?P<host>[\w.-]+)\] ?)?\$ (?P<command>.*)")


@dataclass
class Typed:
    """One command of a block. `host`: where it is typed, "" for here; `prints`: the lines shown below it."""

    command: str
    host: str = ""
    prints: list[str] = field(default_factory=list)


def blocks(page: str, kind: str = "") -> dict[str, str]:
    """Return the text of each named block of `page`, a path below docs/; of one kind, if given."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return {
        found["name"]: re.sub(f"^{found['indent']}", "", found["text"], flags=re.MULTILINE)
        for found in _BLOCK.finditer(text)
        if not kind or found["kind"] == kind
    }


def typed(page: str, name: str) -> list[Typed]:
    """Return the commands in the block called `name`, each with what it prints."""
    lines = iter(blocks(page, "console")[name].splitlines())
    found: list[Typed] = []
    for line in lines:
        if prompt := _PROMPT.fullmatch(line):
            command = prompt["command"]
            while command.endswith("\\"):
                command = command[:-1] + next(lines).strip()
            found.append(Typed(command, prompt["host"] or ""))
        elif found:
            found[-1].prints.append(line)
    return found


def commands(page: str, name: str) -> list[str]:
    """Return the commands in the block called `name`, without their prompts."""
    return [each.command for each in typed(page, name)]


def block_names() -> list[str]:
    """Return the names of all blocks of commands in the documentation."""
    return [name for page in sorted(DOCS.rglob("*.md")) for name in blocks(str(page.relative_to(DOCS)), "console")]
