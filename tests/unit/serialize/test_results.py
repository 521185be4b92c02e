import pytest
from IPython.lib.pretty import pretty

from engineroom.serialize.results import ExecuteReply
from tests.unit.serialize.conftest import pickled_and_back


def test_what_a_cell_returned():
    reply = ExecuteReply(3, "1 + 1", {"text/plain": "2", "text/html": "<b>2</b>"}, {"width": 3})
    assert repr(reply) == "<ExecuteReply[3]: 2>"
    assert reply._repr_mimebundle_() == ({"text/plain": "Out[3]: 2", "text/html": "<b>2</b>"}, {"width": 3})
    assert pickled_and_back(reply) == reply


def test_what_a_cell_returned_says_which_engine_it_comes_from():
    reply = ExecuteReply(3, "", {"text/plain": "2"}, engine_id=0)
    assert repr(reply) == "<ExecuteReply[0:3]: 2>"
    assert pretty([reply, ExecuteReply(3, "", {"text/plain": "a\nb"}, engine_id=1)]) == "[Out[0:3]: 2, Out[1:3]:\na\nb]"
    assert reply == ExecuteReply(3, "", {"text/plain": "2"}, engine_id=1)  # the same value


def test_a_cell_without_a_value():
    reply = ExecuteReply(4, "x = 1")
    assert repr(reply) == "<ExecuteReply[4]>"
    assert reply._repr_mimebundle_()[0] == {"text/plain": "<ExecuteReply[4]>"}


def test_a_long_value_is_cut():
    assert len(repr(ExecuteReply(1, "", {"text/plain": "x" * 10_000}))) < 600


def test_a_reply_can_be_read_as_a_dict():
    reply = ExecuteReply(3, "1 + 1", {"text/plain": "2"}, {"width": 3})
    shown = {"data": {"text/plain": "2"}, "metadata": {"width": 3}, "execution_count": 3}
    assert reply.execute_result == reply.pyout == reply["execute_result"] == shown
    assert (reply["data"], reply["source"], reply["execution_count"]) == ({"text/plain": "2"}, "1 + 1", 3)
    with pytest.raises(KeyError, match="a reply has no 'stdout': it has execution_count"):
        reply["stdout"]
    reply.told = {"stdout": "hello"}
    assert (reply["stdout"], reply.stdout) == ("hello", "hello")
    assert "stdout" in dir(reply)
    assert reply.metadata["stdout"] == "hello"
    assert reply.metadata["execute_input"] == "1 + 1"
    assert reply.metadata["execute_result"] == shown
    with pytest.raises(AttributeError, match=r"an ExecuteReply has no attribute 'stdin': it has .*, stdout"):
        _ = reply.stdin
    assert pickled_and_back(reply).stdout == "hello"
