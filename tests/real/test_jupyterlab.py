"""What the user of JupyterLab sees of engines, in a real browser."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from engineroom import Cluster
from tests.real.jupyterlab import Lab, Screen, browse


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Yield a JupyterLab whose kernels find a cluster of two engines."""
    made = Lab(tmp_path, {})
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    with Cluster(n=2, cluster_id=""):
        made.start()
        yield made
        made.stop()


START = "import engineroom as er, time; rc = er.Client(); rc.wait_for_engines(2); view = rc[:]; len(rc)"


def test_a_notebook_runs_cells_on_engines(lab: Lab, tmp_path: Path) -> None:
    def look(page: Page) -> None:
        screen = Screen(page, tmp_path)
        screen.open(lab.address([START, "view.apply_sync(lambda: 6 * 7)"]))
        assert screen.run(0) == "2"
        assert screen.run(1) == "[42, 42]"
        screen.picture("values")

    browse(look)


CELLS = [
    START,
    "%%px\nimport time\nprint('early')\ntime.sleep(3600)",
    (
        "%%px --targets 0\n%matplotlib inline\n"
        "import matplotlib.pyplot as plt\nplt.plot([1, 4, 2])\nplt.title('of an engine');"
    ),
    "%%px --targets 0\nfrom tqdm.notebook import tqdm\nfor _ in tqdm(range(60)): time.sleep(0.1)",
]


def test_cells_on_engines_are_seen_while_they_run(lab: Lab, tmp_path: Path) -> None:
    def look(page: Page) -> None:
        screen = Screen(page, tmp_path)
        screen.open(lab.address(CELLS))
        screen.run(0)

        screen.begin(1)
        screen.wait(lambda: "early" in screen.text(1))
        assert screen.prompt(1) == "[*]:"
        screen.interrupt()
        screen.ends(1)
        assert "KeyboardInterrupt" in screen.text(1)

        screen.run(2)
        figure = screen.cell(2).locator("img")
        screen.wait(lambda: figure.evaluate_all("found => found.map(each => each.naturalWidth > 100)") == [True])

        screen.begin(3)
        seen: set[str] = set()

        def moved() -> bool:
            seen.update(re.findall(r"(\d+)%", screen.text(3)))
            return len(seen) > 2

        screen.wait(moved)
        screen.picture("moves")
        screen.ends(3)
        screen.wait(lambda: "60/60" in screen.text(3))
        screen.picture("done")

    browse(look)


def test_a_cell_goes_on_while_its_page_is_loaded_again(lab: Lab, tmp_path: Path) -> None:
    goes_on = tmp_path / "goes-on"
    waits = f"while not os.path.exists({str(goes_on)!r}): time.sleep(0.05)"

    def look(page: Page) -> None:
        screen = Screen(page, tmp_path)
        screen.open(lab.address([START, f"%%px\nimport os, time\nprint('early')\n{waits}\nprint('late')", "%pxresult"]))
        screen.run(0)
        screen.begin(1)
        screen.wait(lambda: "early" in screen.text(1))
        screen.reload()
        goes_on.touch()
        assert screen.run(2).split() == ["[stdout:0-1]", "early", "late"]

    browse(look)
