"""IPython's own names are in the namespace only while a cell runs."""

from __future__ import annotations

from engineroom.engine.own_names import OwnNames


def test_results_of_no_cell_hide_nothing() -> None:
    names = {"_": "", "__": "", "___": "", "kept": ""}
    own = OwnNames(names, {})
    own.put_aside()
    assert names == {"kept": ""}
    own.bring_back()
    assert names == {"_": "", "__": "", "___": "", "kept": ""}


def test_what_a_user_has_under_such_a_name_stays() -> None:
    names = {"_": str.upper, "Out": 3}
    own = OwnNames(names, {"Out": {}, "_i": "1 + 1"})
    own.put_aside()
    assert names == {"_": str.upper, "Out": 3}
    own.bring_back()
    assert names == {"_": str.upper, "Out": 3, "_i": "1 + 1"}
