"""docs/futures.md shows what happens."""

from __future__ import annotations

import shlex

from tests.reader import Reader, blocks


def test_futures_as_shown(reader: Reader) -> None:
    python = blocks("futures.md", "python")
    code = "\n".join([python[name] for name in ("futures", "waiting", "functions")])
    said = reader.types(f"python -c {shlex.quote(code)}").output.splitlines()
    assert said[-3:] == ["72", "32 64", "[1] True"]
