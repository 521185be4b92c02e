"""The reader of a file with options: Python, in which `c` is what is set."""

from __future__ import annotations

import builtins
import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from traitlets.config import Config
from traitlets.config.loader import ConfigFileNotFound, JSONFileConfigLoader, PyFileConfigLoader

from engineroom.machine.own_files import read_code
from engineroom.settings.profiles import Profile


class OptionFile(PyFileConfigLoader):
    """One file. `bare`: the classes that it names as `HubFactory.ip`, where `c.HubFactory.ip` is meant."""

    def __init__(self, path: Path) -> None:
        super().__init__(path.name, path=str(path.parent))
        self.bare: list[str] = []

    def load_subconfig(self, fname: str, path: str | None = None, profile: str | None = None) -> None:
        """Take the options of another file, if it is there: beside this one, in `path`, or in another profile."""
        place = Profile.find(profile).path if profile else Path(path or Path(self.full_filename).parent)
        other = OptionFile(place / fname)
        try:
            self.config.merge(other.load_config())
        except ConfigFileNotFound:
            return
        self.bare += other.bare

    def _read_file_as_dict(self) -> None:
        names = _Names(
            self._section,
            c=self.config,
            get_config=lambda: self.config,
            load_subconfig=self.load_subconfig,
            print=partial(print, file=sys.stderr),  # stdout is for what the command answers
            __file__=self.full_filename,
        )
        exec(compile(read_code(Path(self.full_filename)), self.full_filename, "exec"), names)

    def _section(self, name: str) -> Config | None:
        """Return the section `name`, None if there is none of that name."""
        if not name[:1].isupper() or hasattr(builtins, name):
            return None
        from engineroom.settings.catalogue import CLASSES  # many classes, and few need them
        from engineroom.settings.old_names import sections_of

        if name not in sections_of(CLASSES):
            return None
        if name not in self.bare:
            self.bare.append(name)
        section: Config = self.config[name]
        return section


class JSONOptionFile(JSONFileConfigLoader):
    """One file of JSON: {"Cluster": {"n": 4}}."""

    bare: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        super().__init__(path.name, path=str(path.parent))

    def _read_file_as_dict(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(read_code(Path(self.full_filename)))
        return found


class _Names(dict[str, Any]):
    """The names that a file sees: what it defines itself, or else what `find` has for it."""

    def __init__(self, find: Callable[[str], Any], **names: Any) -> None:
        super().__init__(names)
        self._find = find

    def __missing__(self, name: str) -> Any:
        found = self._find(name)
        if found is None:
            raise KeyError(name)
        return found
