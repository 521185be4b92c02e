"""Widgets of ipywidgets on engines: libraries of the real tests only."""

from __future__ import annotations

import json
from typing import Any

import engineroom as er
from engineroom.client.state.comms import CommMessage
from tests.conftest import wait_until
from tests.patience import SECONDS

MAKES = """
from IPython.display import display
from ipywidgets import IntSlider
slider = IntSlider(value=3, max=10)
display(slider)
slider.comm.comm_id
"""


def test_a_widget_on_an_engine_is_shown_and_moved() -> None:
    heard: list[CommMessage] = []
    with er.Cluster(n=1) as rc:
        view: Any = rc[0]
        rc._comms.listener = heard.append
        made = view.execute(MAKES, silent=False)
        id_ = made.get(SECONDS).text.strip("'")
        assert any("application/vnd.jupyter.widget-view+json" in shown["data"] for shown in made.outputs)
        assert wait_until(lambda: any(message.content["comm_id"] == id_ for message in heard))
        opened = next(message for message in heard if message.content["comm_id"] == id_)
        assert opened.content["target_name"] == "jupyter.widget"
        assert opened.content["data"]["state"]["value"] == 3

        moved = {"method": "update", "state": {"value": 8}, "buffer_paths": []}
        view._send_comm("comm_msg", {"comm_id": id_, "data": moved}).get(SECONDS)
        assert view.pull("slider.value").get(SECONDS) == 8
        view.execute("slider.value = 5").get(SECONDS)
        said = [json.dumps(message.content["data"]) for message in heard]
        assert wait_until(lambda: any('"value": 5' in json.dumps(each.content["data"]) for each in heard)), said
