"""Options of IPython's classes: for the engines, checked as ours are, however they are said."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from engineroom.cluster.plan.programs import engine_config
from engineroom.settings.cluster import IPClusterStart
from engineroom.settings.controller import IPController
from engineroom.settings.engine import IPEngine
from engineroom.settings.ipython_options import ipython_arguments
from engineroom.settings.option import OptionError
from engineroom.settings.reading import read_application

APP = "InteractiveShellApp"


def said(*arguments: str, directory: Path) -> dict[str, Any]:
    return engine_config(read_application(IPEngine, [f"--profile-dir={directory}", *arguments])).ipython


@pytest.mark.parametrize(
    ("argument", "options"),
    [
        (f"--{APP}.exec_lines=['a = 3', 'b = 4']", {APP: {"exec_lines": ["a = 3", "b = 4"]}}),
        (f"--{APP}.exec_lines=['a = 3']", {APP: {"exec_lines": ["a = 3"]}}),
        (f"--{APP}.exec_lines=a = 3", {APP: {"exec_lines": ["a = 3"]}}),
        (f"--{APP}.exec_PYTHONSTARTUP=False", {APP: {"exec_PYTHONSTARTUP": False}}),
        ("--IPKernelApp.code_to_run=a = 3", {APP: {"code_to_run": "a = 3"}}),
        ("--ZMQInteractiveShell.cache_size=0", {"InteractiveShell": {"cache_size": 0}}),
        ("--id=3", {}),
    ],
)
def test_on_a_command_line(tmp_path: Path, argument: str, options: dict[str, Any]) -> None:
    assert said(argument, directory=tmp_path) == options


def test_in_a_file_and_on_to_engines_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "ipengine_config.py").write_text(
        f"c.{APP}.exec_lines = ['a = 3']\nc.{APP}.extensions.append('autoreload')\nc.IPKernelApp.gui = None\n"
    )
    options = read_application(IPEngine, [f"--profile-dir={tmp_path}"])
    expected = {APP: {"exec_lines": ["a = 3"], "extensions": ["autoreload"], "gui": None}}
    assert engine_config(options).ipython == expected
    arguments = [each for each in ipython_arguments(options.config) if "gui" not in each]
    del expected[APP]["gui"]
    assert said(*arguments, directory=tmp_path / "none") == expected


def test_mistakes_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(OptionError, match=f"{APP}.exec_lins is not an option; did you mean {APP}.exec_lines"):
        said(f"--{APP}.exec_lins=x", directory=tmp_path)
    with pytest.raises(OptionError, match=r"InteractiveShell\.cache_size: .*expected an int, not the str 'many'"):
        said("--InteractiveShell.cache_size=many", directory=tmp_path)
    (tmp_path / "ipengine_config.py").write_text("c.InteractiveShell.no_such = 1\n")
    with caplog.at_level(logging.WARNING):
        said(directory=tmp_path)
    assert "InteractiveShell.no_such is not an option" in caplog.text


def test_who_starts_no_engines_takes_none_of_them(tmp_path: Path) -> None:
    argument = f"--{APP}.exec_lines=x"
    read_application(IPClusterStart, [f"--profile-dir={tmp_path}", argument])
    with pytest.raises(OptionError, match="is not an option"):
        read_application(IPController, [f"--profile-dir={tmp_path}", argument])
