"""docs/what-travels.md says what is tested, all of it and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

from tests.travel.runner import EVERYWHERE, WITH_LIBRARIES, WITH_MEMORY, WITH_NEW_PYTHON, titles

PAGE = Path(__file__).parents[2] / "docs" / "what-travels.md"


def test_each_row_of_the_page_is_tested_and_what_is_tested_is_a_row() -> None:
    rows = [cells[1].strip() for line in PAGE.read_text().splitlines() if len(cells := line.split("|")) == 4]
    rows = [row for row in rows if not re.fullmatch(r"-+|What .*", row)]
    tested = [
        title for file in [*EVERYWHERE, *WITH_NEW_PYTHON, *WITH_LIBRARIES, *WITH_MEMORY] for title in titles(file)
    ]
    assert sorted(rows) == sorted(tested)
