"""Mistakes in a cell that are found before it is sent."""

from __future__ import annotations

import ast
import keyword
import re
import traceback
import warnings

from IPython.core.inputtransformer2 import TransformerManager

from engineroom.errors import EngineroomError

_NAME = "<cell>"
_COMMAND = re.compile(r"\s*([^\W\d]\w*)(\s+[^\s=]|\s*$)")
"""A line that may call a magic without its `%`: IPython on the engine knows."""
_FLAG = re.compile(r"\s*--?[a-z][a-z-]*(\s|$)")


class CellSyntaxError(EngineroomError):
    """The cell is not valid Python, so it was not sent. `error`: the SyntaxError."""

    def __init__(self, error: SyntaxError, advice: str = "") -> None:
        self.error = error
        lines = "".join(traceback.format_exception_only(error)).splitlines()
        self._lines = [line.removeprefix("  ") if number == 0 else line for number, line in enumerate(lines)]
        self._lines.append(f"The cell was not sent to the engines.{advice}")
        super().__init__(f"{error}. The cell was not sent to the engines.{advice}")

    def _render_traceback_(self) -> list[str]:
        return self._lines


def check_syntax(code: str) -> None:
    """Raise CellSyntaxError if `code` is not what IPython runs. What only an engine can tell is left to it."""
    text = code
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the engines warn
            text = TransformerManager().transform_cell(code)  # type: ignore[no-untyped-call]  # all of IPython is
            compile(text, _NAME, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
    except SyntaxError as error:
        if not _may_be_command(code):
            _show_line(error, text)
            raise CellSyntaxError(error.with_traceback(None), _advice(code)) from None
    except (ValueError, OverflowError, MemoryError, RecursionError):
        return  # null bytes, too deep: the engine says what it thinks of these


def _show_line(error: SyntaxError, text: str) -> None:
    """Have `error` show its line of `text`, which some kinds of it lack."""
    if error.text is None and error.lineno:
        error.text = "".join(text.splitlines()[error.lineno - 1 : error.lineno])


def _may_be_command(code: str) -> bool:
    found = _COMMAND.match(code)
    return found is not None and len(code.splitlines()) == 1 and not keyword.iskeyword(found[1])


def _advice(code: str) -> str:
    return " Flags belong to the cell magic: write `%%px FLAGS`, and the code below it." if _FLAG.match(code) else ""


def check_expression(expression: str) -> None:
    """Raise CellSyntaxError if `expression` is not an expression of Python."""
    try:
        compile(expression, _NAME, "eval", dont_inherit=True)
    except SyntaxError as error:
        raise CellSyntaxError(error.with_traceback(None)) from None
