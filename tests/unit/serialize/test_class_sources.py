"""`inspect.getsource` of classes that came by value, and of those of cells: each has its own lines."""

import ast
import inspect
import subprocess
import sys
import types

import pytest

from engineroom.serialize.by_value import class_sources
from engineroom.serialize.by_value.class_sources import place_of
from engineroom.serialize.payloads import pack
from tests.unit.serialize.conftest import joined
from tests.unit.serialize.test_sources import defined


def lines_of(cls):
    place = place_of(cls)
    return place and (place.file, place.first, "".join(place.lines))


def test_a_class_that_was_defined_again_has_the_lines_of_its_own_cell(notebook):
    old = defined(notebook, "<one>", "class A:\n    x: int\n")["A"]
    new = defined(notebook, "<two>", "# moved\nclass A:\n    y = 2\n")["A"]
    assert lines_of(new) == ("<two>", 2, "class A:\n    y = 2\n")
    assert lines_of(old) == ("<one>", 1, "class A:\n    x: int\n")


def test_of_two_definitions_in_a_file_that_with_the_methods_counts(notebook):
    names = defined(
        notebook,
        "<three>",
        "def a():\n    class A:\n        def f(self): 1\n    return A\n"
        "def b():\n    class A:\n        @property\n        def f(self): 2\n    return A\na, b = a(), b()\n",
    )
    assert lines_of(names["a"]) == ("<three>", 2, "    class A:\n        def f(self): 1\n")
    assert lines_of(names["b"]) == ("<three>", 6, "    class A:\n        @property\n        def f(self): 2\n")


@pytest.mark.parametrize(
    "head",
    ["if True:\n    ", "try:\n    ", "for _ in [1]:\n    ", "match 1:\n  case 1:\n    "],
)
def test_classes_within_statements_are_found(notebook, head):
    made = defined(notebook, "<four>", f"{head}class A: pass\n" + ("finally: pass\n" if "try" in head else ""))["A"]
    assert lines_of(made) == ("<four>", head.count("\n") + 1, "    class A: pass\n")


def test_classes_that_no_statement_defined_have_no_source(notebook):
    names = defined(notebook, "<five>", "A = type('Made', (), {})\nexec('class B:\\n    def f(self): pass')\n")
    assert [place_of(names["A"]), place_of(names["B"]), place_of(int)] == [None, None, None]


def test_what_makes_code_of_its_own_does_not_hide_the_class(notebook):
    code = "import dataclasses, functools\n@dataclasses.dataclass(slots=True)\nclass A:\n    x: int\n"
    assert lines_of(defined(notebook, "<six>", code)["A"]) == ("<six>", 2, code.split("\n", 1)[1])


def test_it_travels_on(notebook):
    cls = defined(notebook, "<seven>", "\n\nclass A:\n    def f(self): pass\n    B = int\n")["A"]
    there = (
        "import sys; from engineroom.serialize.by_value.class_sources import place_of; "
        "from engineroom.serialize.payloads import unpack; "
        "place = place_of(unpack(sys.stdin.buffer.read())); print((place.file, place.first, ''.join(place.lines)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", there], input=bytes(joined(pack(cls))), capture_output=True, check=True
    )
    assert ast.literal_eval(done.stdout.decode()) == ("<seven>", 3, "class A:\n    def f(self): pass\n    B = int\n")


def test_inspect_is_as_it_was_for_all_other_things():
    taught = types.SimpleNamespace(getfile=inspect.getfile, findsource=inspect.findsource)
    class_sources.teach(taught)
    assert taught.getfile(inspect.Signature) == inspect.__file__
    assert taught.findsource(inspect.Signature) == inspect.findsource(inspect.Signature)
    assert taught.findsource(pytest.raises) == inspect.findsource(pytest.raises)
    for nothing in (int, type("A", (), {}), sys, 3):
        with pytest.raises((TypeError, OSError)):
            taught.findsource(nothing)
        with pytest.raises((TypeError, OSError)):
            taught.findsource(nothing)
