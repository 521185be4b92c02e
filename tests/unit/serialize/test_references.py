import pytest

from engineroom.serialize.references import Reference
from tests.unit.serialize.conftest import pickled_and_back


def test_a_reference_is_looked_up_on_the_engine(engine, notebook):
    engine.push(a=[1, 2], n=5)
    assert engine.call(sum, Reference("a")) == 3
    assert engine.call(dict, x=[{"deep": (Reference("n + 1"),)}]) == {"x": [{"deep": (6,)}]}
    assert engine.call(notebook.run("f = lambda x: x is a"), Reference("a"))


def test_a_reference_that_is_called_is_that_of_the_moment(engine):
    engine.execute("def g(x): return x + 1")
    assert engine.call(Reference("g"), 1) == 2
    engine.execute("def g(x): return x - 1")
    assert engine.call(Reference("g"), 1) == 0


def test_a_captured_reference_is_that_of_the_moment(engine, notebook):
    import functools

    engine.push(a=1)
    f = functools.partial(max, 0, Reference("a"))
    assert engine.call(f) == 1
    engine.push(a=2)
    assert engine.call(f) == 2


def test_pushed(engine):
    engine.push(a=[1])
    engine.push(b=Reference("a"))
    assert engine.pull("a is b")


def test_a_name_that_is_not_there(engine):
    with pytest.raises(NameError, match="name 'nowhere' is not defined"):
        engine.call(abs, Reference("nowhere"))


def test_elsewhere_it_is_itself():
    reference = Reference("a")
    assert pickled_and_back(reference) == reference
    assert (reference.name, repr(reference)) == ("a", "<Reference: 'a'>")
    with pytest.raises(TypeError, match="as a str, not 'int'"):
        Reference(1)
