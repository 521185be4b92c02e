"""Engines choose ids for widgets and displays without each other; in a notebook they are distinct."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from engineroom.client.state.distinct import VIEW, DistinctIds

A, B = b"a" * 16, b"b" * 16

states: st.SearchStrategy[Any] = st.recursive(
    st.sampled_from(["IPY_MODEL_one", "IPY_MODEL_two", "one", "", 1, None, b"x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
)


def two_engines() -> DistinctIds:
    ids = DistinctIds()
    taken: set[str] = set()
    for engine in (A, B):
        for id_ in ("one", "two"):
            taken.add(ids.take(engine, id_, taken))
    assert taken == {"one", "two", "one-2", "two-2"}
    return ids


def test_an_id_is_kept_where_nobody_else_has_it() -> None:
    ids = DistinctIds()
    assert [ids.take(A, "x", set()), ids.take(B, "y", {"x"}), ids.take(B, "x", {"x", "x-2"})] == ["x", "y", "x-3"]
    assert (ids.known(A, "x"), ids.known(B, "x")) == ("x", "x-3")
    ids.forget(B, "x")
    assert ids.known(B, "x") == "x"


@given(states)
def test_states_come_back_as_they_were(state: Any) -> None:
    ids = two_engines()
    assert ids.to_engine(B, ids.to_notebook(B, state)) == state
    assert ids.to_notebook(A, state) == state


def test_a_state_names_the_widgets_of_its_own_engine() -> None:
    state = {"children": ["IPY_MODEL_one", "IPY_MODEL_two"], "description": "one"}
    assert two_engines().to_notebook(B, state) == {
        "children": ["IPY_MODEL_one-2", "IPY_MODEL_two-2"],
        "description": "one",
    }


def test_a_display_has_the_id_of_its_engine() -> None:
    ids = two_engines()
    content = {"data": {VIEW: {"model_id": "one"}}, "metadata": {}, "transient": {"display_id": "bar"}}
    first, second = ids.display(A, content), ids.display(B, content)
    assert first["transient"] != second["transient"]
    assert ids.display(A, content) == first, "an update finds it again"
    assert [each["data"][VIEW]["model_id"] for each in (first, second)] == ["one", "one-2"]
    assert content["transient"] == {"display_id": "bar"}


def test_a_display_without_an_id_stays_as_it_is() -> None:
    content = {"data": {"text/plain": "1"}, "metadata": {}, "transient": {}}
    assert two_engines().display(B, content) == content
    assert DistinctIds().display(-1, {"data": None}) == {"data": None}
