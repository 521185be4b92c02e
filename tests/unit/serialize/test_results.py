from engineroom.serialize.results import ExecuteReply
from tests.unit.serialize.conftest import pickled_and_back


def test_what_a_cell_returned():
    reply = ExecuteReply(3, "1 + 1", {"text/plain": "2", "text/html": "<b>2</b>"}, {"width": 3})
    assert repr(reply) == "<ExecuteReply[3]: 2>"
    assert reply._repr_mimebundle_() == ({"text/plain": "2", "text/html": "<b>2</b>"}, {"width": 3})
    assert pickled_and_back(reply) == reply


def test_a_cell_without_a_value():
    reply = ExecuteReply(4, "x = 1")
    assert repr(reply) == "<ExecuteReply[4]>"
    assert reply._repr_mimebundle_()[0] == {"text/plain": "<ExecuteReply[4]>"}


def test_a_long_value_is_cut():
    assert len(repr(ExecuteReply(1, "", {"text/plain": "x" * 10_000}))) < 600
