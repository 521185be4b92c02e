"""Captured names that the engine's own variables hide."""

import numpy as np
import pytest

from engineroom.serialize.functions.shadows import hidden_names


def found(notebook, source, **theirs):
    """What is found when `f` of `source` meets a namespace with `theirs`."""
    from engineroom.serialize.by_value.pickler import captured_by

    f = notebook.run(source)
    return list(hidden_names(f, captured_by(f), theirs))


@pytest.mark.parametrize(
    ("ours", "theirs", "shown"),
    [
        ("0.5", 0.07, ("0.07", "0.5")),
        ("'ab'", "cd", ("'cd'", "'ab'")),
        ("(1, 2)", (1, 3), ("(1, 3)", "(1, 2)")),
        ("1", "1", ("'1'", "1")),
        ("[1]", 1, ("1", "list")),
        ("np.zeros(3)", np.zeros(4), ("ndarray of shape (4,)", "ndarray of shape (3,)")),
        ("np.zeros(3)", np.ones(3), ("ndarray of shape (3,)", "ndarray of shape (3,)")),
        ("lambda: 1", lambda: 2, ("a function", "a function")),
        ("int", float, ("a class", "a class")),
        ("'x' * 100", "y", ("'y'", "'xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx...")),
    ],
)
def test_what_differs(notebook, ours, theirs, shown):
    notebook.names["np"] = np
    assert found(notebook, f"rate = {ours}\nf = lambda: rate", rate=theirs) == [("rate", *shown)]


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("0.5", 0.5),
        ("1", 1.0),
        ("True", 1),
        ("float('nan')", float("nan")),
        ("None", 7),
        ("np", np),
        ("np.zeros(3)", np.zeros(3)),
        ("[1, 2]", [3]),
        ("{'a': 1}", {}),
    ],
)
def test_what_is_equal_or_not_known_for_certain(notebook, ours, theirs):
    notebook.names["np"] = np
    assert found(notebook, f"rate = {ours}\nf = lambda: rate", rate=theirs) == []


def test_functions_are_compared_by_their_code(notebook):
    source = "def g(x):\n    return [x + 1 for _ in [1]]"
    g = notebook.run(f"{source}\nf = g")
    other = {}
    exec(f"\n\n{source}", other)
    notebook.run(f"{source}\nf = lambda: g(1)")
    assert found(notebook, f"{source}\nf = lambda: g(1)", g=g) == []
    assert found(notebook, f"{source}\nf = lambda: g(1)", g=other["g"]) == []
    assert found(notebook, "def g(x): return 1\nf = lambda: g(1)", g=g) == [("g", "a function", "a function")]


def test_what_a_function_assigns_to_is_its_own_business(notebook):
    assert found(notebook, "n = 0\ndef f():\n    global n\n    n += 1", n=5) == []
    assert found(notebook, "n = 0\ndef f():\n    def g():\n        global n\n        n += 1\n    g()", n=5) == []


def test_values_that_refuse_to_be_compared(notebook):
    class Stubborn:
        dtype = shape = 1

        def __getattribute__(self, name):
            raise RuntimeError(name)

    notebook.names["S"] = Stubborn
    assert found(notebook, "rate = S()\nf = lambda: rate", rate=Stubborn()) == []
