"""What `ipython profile create --parallel` takes for an application: something that writes its file."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from traitlets.config import Config

from engineroom.settings.config_files import config_file, write_config_file


class ProgramOfProfile:
    """A program with a file of options. IPython sets the attributes, then asks for the file."""

    program: ClassVar[str]
    main: ClassVar[Callable[[], int]]

    def __init__(self) -> None:
        self.config = Config()
        self.log: Any = logging.getLogger("ipyparallel")
        self.overwrite = False
        self.copy_config_files = True
        self.ipython_dir = ""
        self.profile_dir: Any = None
        """IPython's ProfileDir."""

    def init_config_files(self) -> None:
        """Write the file of the program, unless it is there already or `overwrite` says that this does not matter."""
        directory = Path(self.profile_dir.location)
        if write_config_file(directory, self.program, overwrite=self.overwrite):
            # At this level IPython itself says so of its own files.
            self.log.warning("Generating default config file: %r", config_file(directory, self.program))

    @classmethod
    def launch_instance(cls) -> None:
        """Run the program with the arguments of this process, and exit with its code."""
        raise SystemExit(cls.main())
