"""The pages that show what is typed at a Python prompt: each answer is as they say."""

from __future__ import annotations

import doctest
from pathlib import Path

import pytest

from engineroom import Client, Cluster
from tests.documented import DOCS

PAGES = ("computing.md", "coming-from-ipyparallel.md", "coming-from-dask.md", "walk-away.md")
MOST = doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS


@pytest.mark.parametrize("page", PAGES)
def test_it_answers_as_the_page_says(
    page: str, cluster: Cluster, rc: Client, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert sorted(rc.ids) == [0, 1]
    text = (DOCS / page).read_text(encoding="utf-8")
    monkeypatch.chdir(Path(cluster.client_connection_file).parent)
    text = text.replace("Client()", f"Client({cluster.client_connection_file!r})").replace("```", "")
    found = doctest.DocTestParser().get_doctest(text, {"__name__": "__main__"}, page, page, 0)
    runner = doctest.DocTestRunner(optionflags=MOST)

    failed, tried = runner.run(found)

    assert not failed, capsys.readouterr().out
    assert tried >= {"computing.md": 20, "walk-away.md": 12}.get(page, 30)
