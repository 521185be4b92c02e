"""What `--show-config` prints: the options that files and the command line set, and no others."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from traitlets.config import Config


def as_text(config: Config, files: Iterable[Path]) -> Iterator[str]:
    """Yield the lines that people read: the files that were read, then the options by class."""
    found = [str(path) for path in files if path.exists()]
    yield f"# from {', '.join(found)}" if found else "# no configuration files"
    for section, values in _sections(config):
        yield section
        for name, value in sorted(values.items()):
            yield f"  .{name} = {value!r}"


def as_json(config: Config) -> str:
    """Return the options as JSON, by class."""
    return json.dumps(dict(_sections(config)), indent=2, sort_keys=True, default=str)


def _sections(config: Config) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the options that are set, by class; that they are to be shown is none of them."""
    for section, values in sorted(config.items()):
        shown = {name: value for name, value in values.items() if not name.startswith("show_config")}
        if shown:
            yield section, shown
