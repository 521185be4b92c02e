"""Import statements, read back from the code that runs them."""

from __future__ import annotations

import builtins
import os.path
import sys
from collections.abc import Sequence
from types import CodeType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engineroom.serialize.functions.imports import OnEngines, written
from engineroom.serialize.payloads import pack, unpack

_names = st.sampled_from(["a", "b", "long_name", "x1"])
_paths = st.lists(_names, min_size=1, max_size=3).map(".".join)


@st.composite
def statements(draw: st.DrawFn) -> str:
    """Return an import statement in which no name is given its own name."""
    path, as_name = draw(_paths), draw(st.none() | _names)
    if draw(st.booleans()):
        return f"import {path}" + (f" as {as_name}" if as_name not in {None, path} else "")
    parts = draw(st.lists(st.tuples(_names, st.none() | _names), min_size=1, max_size=3) | st.just([("*", None)]))
    taken = [name if new in {None, name} else f"{name} as {new}" for name, new in parts]
    return f"from {path} import {', '.join(taken)}"


def seen(source: str, **names: Any) -> list[str]:
    """Return the statements that are seen when `source` imports something."""
    found = []

    def import_(
        name: str, names: object = None, local: object = None, fromlist: Sequence[str] = (), level: int = 0
    ) -> Any:
        del names, local, level
        frame = sys._getframe(1)
        found.append(written(name, fromlist or (), frame.f_code, frame.f_lasti))
        return OnEngines(name if fromlist else name.partition(".")[0])

    exec(source, {"__builtins__": {**vars(builtins), "__import__": import_}, **names})
    return found


@given(st.lists(statements(), min_size=1, max_size=4))
def test_statements_are_what_was_written(lines: list[str]) -> None:
    assert seen("\n".join(lines)) == lines
    plain = [line for line in lines if "*" not in line]
    assert seen("def f():\n    pass\n" + "".join(f"    {line}\n" for line in plain) + "f()") == plain


def test_names_that_are_used_at_once_and_far_names() -> None:
    assert seen("def f():\n    import a as b; b.x\n    from c import d as e; e.x\nf()") == [
        "import a as b",
        "from c import d as e",
    ]
    many = "".join(f"v{number} = {number}\n" for number in range(300))  # so that operands need more than a byte
    assert seen(many + "import far as away\nimport far.x as away\nfrom far import x as away, y") == [
        "import far as away",
        "import far.x as away",
        "from far import x as away, y",
    ]


def test_a_call_is_the_statement_that_imports_as_much() -> None:
    assert seen("x = __import__('a.b')") == ["import a.b"]
    assert seen("x = __import__('a', fromlist=['b', 'c'])") == ["from a import b, c"]


def test_code_in_which_nothing_is_imported() -> None:
    code: CodeType = compile("x = 1", "here", "exec")
    assert written("a", (), code, 0) == written("a", (), code, 1000) == "import a"


def test_what_is_on_engines_only_becomes_itself_there() -> None:
    stand_in = OnEngines("math").sqrt
    assert unpack(pack(stand_in))(4) == 2
    assert unpack(pack(OnEngines("os.path"))) is os.path
    assert repr(stand_in) == "<math.sqrt: imported on the engines only>"
    with pytest.raises(TypeError, match=r"math\.sqrt was imported on the engines only, and cannot be used here"):
        stand_in(4)
    with pytest.raises(AttributeError):
        len(stand_in.__len__)
