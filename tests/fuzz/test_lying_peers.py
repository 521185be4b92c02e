"""Whatever liars say, an honest client and an honest engine beside them keep their results and their pace."""

from __future__ import annotations

import pytest

from tests.fuzz import (
    lies_in_functions,
    lies_in_records,
    lies_in_shared_memory,
    lies_of_clients,
    lies_of_engines,
    lies_of_hosts,
    lies_of_strangers,
)
from tests.fuzz.honest import Honest
from tests.fuzz.lies import STORIES

TELLERS = (
    lies_of_strangers,
    lies_in_records,
    lies_in_functions,
    lies_in_shared_memory,
    lies_of_clients,
    lies_of_engines,
    lies_of_hosts,
)
"""They fill STORIES."""


@pytest.mark.parametrize("story", STORIES)
def test_nobody_else_notices(honest: Honest, story: str) -> None:
    honest.beside(STORIES[story])


def test_there_are_many_stories() -> None:
    assert len(STORIES) >= 67
