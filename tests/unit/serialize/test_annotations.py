"""Annotations that are text mean on an engine what they mean in the script."""

import sys
import threading
import types
import typing

import pytest

from engineroom.serialize.by_value import annotations
from engineroom.serialize.payloads import pack, unpack
from tests.unit.serialize.conftest import joined

CELL = """\
from __future__ import annotations
import dataclasses, decimal, typing
import inspect
from typing import Annotated, ClassVar, Literal, Optional

if typing.TYPE_CHECKING:
    from nowhere import Missing

class Model:
    pass

@dataclasses.dataclass
class Node:
    value: Model
    next: Optional[Node] = None
    number: int = 0
    kind: Literal["a", "b"] = "a"
    exact: decimal.Decimal = decimal.Decimal(1)
    count: ClassVar[int] = 0
    note: Annotated[Model, "a note"] = None

    def follow(self, steps: list[Node]) -> Model: ...

def hints_of(f, **more):
    return {name: getattr(hint, "__name__", str(hint)) for name, hint in typing.get_type_hints(f).items()}

def f(model: Model, node: dict[str, Node], n: int, d: decimal.Decimal) -> Optional[Model]:
    return hints_of(f)

def g():
    return hints_of(Node), hints_of(Node.follow), inspect.get_annotations(Node, eval_str=True)["value"].__name__

def hidden(a: Missing, model: Model):
    return 1

def quoted(models: list["Model"], other: typing.Optional["Node"] = None):
    return hints_of(quoted)
"""


@pytest.fixture
def script(notebook, monkeypatch):
    """A script that is `__main__`."""
    module = types.ModuleType("__main__")
    module.__dict__.update(notebook.names)
    notebook.names = module.__dict__
    monkeypatch.setitem(sys.modules, "__main__", module)
    notebook.run(CELL)
    return notebook


def test_type_hints_of_a_function(engine, script):
    hints = engine.call(script["f"], 1, 2, 3, 4)
    assert hints == {"model": "Model", "node": "dict", "n": "int", "d": "Decimal", "return": "Optional"}
    assert script["f"].__annotations__["model"] == "Model"
    assert engine.names() == []


def test_type_hints_of_a_class_and_its_methods(engine, script):
    of_class, of_method, value = engine.call(script["g"])
    assert of_class["value"] == value == of_method["return"] == "Model"
    assert of_class["next"] == "Optional"
    assert of_class["exact"] == "Decimal"
    assert of_method["steps"] == "list"


def test_text_within_annotations(engine, script):
    script.run(
        CELL.replace("from __future__ import annotations\n", "").split("class Model")[0]
        + "def quoted(models: list['Model'], other: typing.Optional['Node'] = None): return hints_of(quoted)"
    )
    assert engine.call(script["quoted"], []) == {"models": "list", "other": "Optional"}


def test_names_that_only_type_checkers_know_stay_text(engine, script):
    assert engine.call(script["hidden"], 1, 2) == 1
    engine.push(hidden=script["hidden"])
    assert engine.pull("hidden.__annotations__['a'], hidden.__annotations__['model'].__name__") == ("Missing", "Model")


def test_what_cannot_be_pickled_leaves_annotations_as_text(engine, script):
    script.names["lock"] = threading.Lock()
    script.run("class Locked:\n    lock = lock\ndef f(x: 'Locked', y: 'Model') -> 'lock': return f.__annotations__")
    assert engine.call(script["f"], 1, 2) == {"x": "Locked", "y": "Model", "return": "lock"}


@pytest.mark.parametrize(
    "text", ["", "a b", "1 / 0", "\0", "Model(", "print", "Model + 1", "*", "5 metres", "Model.none"]
)
def test_any_text_may_be_an_annotation(engine, script, text):
    script.names["text"] = text
    function = script.run("def f(x): return f.__annotations__['x']\nf.__annotations__ = {'x': text}")
    assert engine.call(function, 1) == text


def test_a_class_that_is_not_installed_there_leaves_the_text(script, monkeypatch):
    known = types.ModuleType("elsewhere")
    known.Table = type("Table", (), {"__module__": "elsewhere"})
    monkeypatch.setitem(sys.modules, "elsewhere", known)
    script.names["elsewhere"] = known
    script.run("def f(x: 'elsewhere.Table', y: 'dict[Model, elsewhere.Table]'): ...")
    body = joined(pack(script["f"]))
    assert unpack(body).__annotations__ == {"x": known.Table, "y": "dict[Model, elsewhere.Table]"}
    monkeypatch.delitem(sys.modules, "elsewhere")
    assert unpack(body).__annotations__ == {"x": "elsewhere.Table", "y": "dict[Model, elsewhere.Table]"}


def test_annotations_without_text_are_left_alone(script):
    found = {"a": int, "b": list[int], "c": typing.Literal["x"], "d": typing.Annotated[int, "note"], "return": None}
    assert annotations.annotations_of_function(script["f"], found) == found
