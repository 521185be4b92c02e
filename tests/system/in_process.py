"""`ipcluster` in the process of the test: what it does and says is the same, without the imports of a process.

Each command runs as a process of its own in at least one test of its own words.
"""

from __future__ import annotations

import io
import logging
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

from engineroom.cli.ipcluster import main

SET_BY_COMMANDS = ("engineroom", "engineroom.client")
"""The loggers whose levels commands set: for good, as it is their process elsewhere."""


@dataclass(frozen=True)
class Done:
    """A command that has ended; it is asked like a `Command`."""

    code: int
    output: str

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines(keepends=True)

    def ends(self) -> int:
        """Return the exit code."""
        return self.code

    def succeeds(self) -> Done:
        """See that it ended well."""
        assert self.code == 0, f"exit code {self.code}:\n{self.output}"
        return self


def ipcluster(*arguments: str) -> Done:
    """Do what `ipcluster` does with these arguments, in the profile of the test."""
    printed = io.StringIO()
    warnings = logging.StreamHandler(printed)  # which logging prints where nobody has set it up
    warnings.setLevel(logging.WARNING)
    logging.getLogger().addHandler(warnings)
    levels = [(logger, logger.level) for logger in map(logging.getLogger, SET_BY_COMMANDS)]
    try:
        with redirect_stdout(printed), redirect_stderr(printed):
            code = main(arguments)
    finally:
        logging.getLogger().removeHandler(warnings)
        for logger, level in levels:
            logger.setLevel(level)
    return Done(code, printed.getvalue())
