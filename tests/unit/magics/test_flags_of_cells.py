"""What is typed after %%px, and what is found wrong before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest
from IPython.core.error import UsageError

from engineroom.magics import flags
from engineroom.magics.autopx import ToEngines
from engineroom.magics.parallel_magics import ParallelMagics
from engineroom.magics.syntax import CellSyntaxError, check_expression, check_syntax
from engineroom.magics.target_texts import targets_of

IDS = [0, 1, 2, 5, 7]

TARGETS = [
    ("all", "all"),
    ("'all'", "all"),
    ("3", 3),
    ("-1", -1),
    ("0,2", [0, 2]),
    ("0, 2", [0, 2]),
    ("[0,2]", [0, 2]),
    ("(0,)", [0]),
    ("0-2,5", [0, 1, 2, 5]),
    (":", IDS),
    ("::2", [0, 2, 7]),
    ("[1:3]", [1, 2]),
    ("-2:", [5, 7]),
    ("mine", [5, 7]),
    ("range(2)", [0, 1]),
    ("set(mine)", [5, 7]),
]


def evaluate(text: str) -> Any:
    return eval(text, {"mine": [5, 7]})


@pytest.mark.parametrize(("text", "targets"), TARGETS)
def test_targets_are_typed_in_many_ways(text: str, targets: Any) -> None:
    assert targets_of(text, lambda: IDS, evaluate) == targets


@pytest.mark.parametrize("text", ["nobody", "1.5", "0-", "None", "1:2:3:4", "[0,"])
def test_what_names_no_engines_is_said(text: str) -> None:
    with pytest.raises(UsageError, match="names no engines"):
        targets_of(text, lambda: IDS, evaluate)


def parsed(line: str) -> dict[str, Any]:
    return vars(flags.parsed(ParallelMagics.cell_px, line))


def test_every_flag_of_a_cell_is_taken() -> None:
    assert parsed("") == {
        "block": None,
        "targets": None,
        "stream": None,
        "fold": None,
        "verbose": None,
        "progress_after": None,
        "signal_on_interrupt": None,
        "time_limit": None,
        "keep": False,
        "local": False,
        "groupby": "type",
        "save_name": None,
    }
    assert parsed("-b")["block"] is parsed("--block")["block"] is True
    assert parsed("-a")["block"] is parsed("--noblock")["block"] is False
    assert parsed("--stream")["stream"] is True
    assert parsed("--no-stream")["stream"] is False
    assert parsed("--no-fold")["fold"] is False
    assert parsed("-t 0,1")["targets"] == parsed("--targets 0,1")["targets"] == "0,1"
    assert parsed("--verbose")["verbose"] is True
    assert parsed("--no-verbose")["verbose"] is False
    assert parsed("--progress-after -1")["progress_after"] == -1
    assert parsed("--signal-on-interrupt SIGTERM")["signal_on_interrupt"] == "SIGTERM"
    assert parsed("--signal-on-interrupt 0")["signal_on_interrupt"] == flags.NO_SIGNAL
    assert parsed("-r")["groupby"] == "order"
    assert parsed("-e")["groupby"] == "engine"
    assert parsed("--group-outputs engine")["groupby"] == "engine"
    assert parsed("-o ar")["save_name"] == parsed("--out ar")["save_name"] == "ar"
    assert parsed("--local --keep --time-limit 1.5") | {"local": 0} == parsed("") | {
        "local": 0,
        "keep": True,
        "time_limit": 1.5,
    }


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("--signal-on-interrupt SIGNONE", "is not a signal"),
        ("--time-limit 0", "positive number of seconds"),
        ("--time-limit soon", "number of seconds"),
        ("--progress-after nan", "number of seconds"),
        ("--group-outputs size", "invalid choice"),
        ("x = 1", "unrecognized arguments"),
        ("-o 5x", "cannot be the name of a variable"),
    ],
)
def test_a_flag_that_is_wrong_is_said(line: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parsed(line)


@pytest.mark.parametrize(
    "code",
    [
        "x = 1",
        "await f()",
        "async with a as b:\n    pass",
        "%time x = 1",
        "%%bash\nif true; then echo; fi",
        "!ls -l | head",
        "x = !ls",
        "len?",
        "cd /tmp",
        "matplotlib inline",
        "pwd",
        "/len x",
        "In [3]: x = 1",
        "    x = 1\n    y = 2",
        "x = '\\d'",
        "x" * 3 + " = " + "(" * 300,
    ],
)
def test_what_ipython_runs_is_sent(code: str) -> None:
    if code.endswith("("):
        with pytest.raises(CellSyntaxError):
            check_syntax(code)
    else:
        check_syntax(code)


@pytest.mark.parametrize(
    ("code", "line", "caret"),
    [
        ("if x", "    if x", "        ^"),
        ("a = 1\nb = = 2", "    b = = 2", "        ^"),
        ("return 1", "    return 1", "    ^^^^^^^^"),
        ("for x in y:\npass", "    pass", "    ^"),
        ("print 'a'", "    print 'a'", "    ^^^^^^^^^"),
    ],
)
def test_a_mistake_is_shown_with_its_line_and_a_caret(code: str, line: str, caret: str) -> None:
    if len(code.split()) == 2 and code.startswith("print"):
        check_syntax(code)  # it might be a magic of the engines
        code += "\n"
        code = "\n" + code + "\n1"
    with pytest.raises(CellSyntaxError) as raised:
        check_syntax(code)
    lines = raised.value._render_traceback_()
    assert lines[1].startswith(line)
    assert lines[2].startswith(caret)
    assert lines[-1] == "The cell was not sent to the engines."


def test_flags_of_the_line_magic_are_explained() -> None:
    with pytest.raises(CellSyntaxError, match="write `%%px FLAGS`"):
        check_syntax("--targets 0 x = 1")


def test_what_is_compared_must_be_an_expression() -> None:
    check_expression("x.shape[0]")
    with pytest.raises(CellSyntaxError):
        check_expression("x = 1")


@pytest.mark.parametrize("cell", ["%autopx", "%px 1", "%%px\n1", "%pxresult", " %autopx0", "%load_ext x", "", "\n\n"])
def test_cells_for_here_stay_here(cell: str) -> None:
    lines = cell.splitlines(keepends=True) or [""]
    assert ToEngines("")(lines) == lines


def test_other_cells_go_to_the_engines_once() -> None:
    lines = ToEngines("0")(["x = 1\n", "%time x\n"])
    assert lines == ["%%px0\n", "x = 1\n", "%time x\n"]
    assert ToEngines("0")(lines) == lines


@pytest.mark.parametrize("cell", ["# off\n%autopx", "\n# a\n# b\n%pxresult", "# nothing else\n%autopx\nx = 1"])
def test_a_magic_below_comments_runs_here(cell: str) -> None:
    lines = cell.splitlines(keepends=True)
    assert ToEngines("")(lines) == lines


def test_what_stands_below_autopx_runs_here() -> None:
    lines = ["x = 1\n", "y = 2\n", "%autopx\n", "z = 3\n"]
    assert ToEngines("0")(lines) == ["get_ipython().run_cell_magic('px0', '', 'x = 1\\ny = 2\\n')\n", *lines[2:]]


@pytest.mark.parametrize("cell", ['s = """\n%autopx\n"""\n', "x = (1\n%autopx)\n", "if x:\n    %autopx\n"])
def test_autopx_within_something_else_is_no_switch(cell: str) -> None:
    lines = cell.splitlines(keepends=True)
    assert ToEngines("")(lines) == ["%%px\n", *lines]
