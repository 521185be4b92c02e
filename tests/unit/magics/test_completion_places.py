"""Where tab asks the engines, and for what."""

from __future__ import annotations

import pytest

from engineroom.magics.completion import wanted

PLACES = [
    ("%px np.li|", ("", "np.li")),
    ("%px |", ("", "")),
    ("%px0 x = f(alp|", ("0", "alp")),
    ("  %px a|", ("", "a")),
    ("%p|x a", None),
    ("%%px\nal|", ("", "al")),
    ("%%px_one -t 0\nfor x in y:\n    x.ap|", ("_one", "x.ap")),
    ("%%px --tar|", None),
    ("x = al|", None),
    ("%time al|", None),
    ("%%px\n%ti|", None),
    ("%%px\n'al|", None),
    ("%%px\nf(x).al|", ("", "al")),
    ("%%pxx\nal|", ("x", "al")),
    ("%%px\nx = 1\n|", ("", "")),
    ("%px 3.re|", ("", "re")),
    ("%px größe.wei|", ("", "größe.wei")),
]


@pytest.mark.parametrize(("typed", "found"), PLACES)
def test_the_name_before_the_cursor(typed: str, found: tuple[str, str] | None) -> None:
    before, _, after = typed.partition("|")
    lines = before.split("\n")
    answer = wanted(before + after, len(lines) - 1, len(lines[-1]), None)
    assert answer == found


def test_cells_that_go_to_engines_by_themselves() -> None:
    assert wanted("x = al", 0, 6, "") == ("", "al")
    assert wanted("%time al", 0, 8, "") is None
