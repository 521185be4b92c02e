"""Options that are amounts, as files, command lines and Python say them."""

from __future__ import annotations

from typing import Any

import pytest
from traitlets import HasTraits, TraitError

from engineroom.settings.amount_traits import Resources, Size, Tags


class Owner(HasTraits):
    """Has one of each."""

    size = Size()
    resources = Resources()
    tags = Tags()


def test_what_they_mean() -> None:
    owner = Owner()
    assert (owner.size, owner.resources, owner.tags) == (0, {}, [])
    owner.size, owner.resources, owner.tags = "2GiB", "gpu=1, memory=4GiB", "fast,big"  # type: ignore[assignment]
    assert owner.size == 2 * 2**30
    assert owner.resources == {"gpu": 1.0, "memory": 4.0 * 2**30}
    assert owner.tags == ["big", "fast"]
    owner.size, owner.resources, owner.tags = 512, {"gpu": 0, "x": "2k"}, ("a",)  # type: ignore[assignment]
    assert (owner.size, owner.resources, owner.tags) == (512, {"x": 2000.0}, ["a"])


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("size", "much", "size must be a number"),
        ("size", -1, "size must be 0 or more"),
        ("resources", "gpu", "expected name=amount"),
        ("resources", "gpu=lots", "resource 'gpu' must be a number"),
        ("resources", {f"r{number}": 1 for number in range(21)}, "at most 20"),
        ("resources", 3, "resources must be a dict"),
        ("tags", [3], "the name of a tag must be text"),
        ("tags", [str(number) for number in range(21)], "at most 20"),
    ],
)
def test_what_they_refuse(name: str, value: Any, words: str) -> None:
    with pytest.raises(TraitError, match=words):
        setattr(Owner(), name, value)
