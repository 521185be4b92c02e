"""Widgets made on engines work in a notebook: their comms go both ways, and say in words when that has ended."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.documented import blocks
from tests.notebooks.kernels import Kernel, Shown

VIEW = "application/vnd.jupyter.widget-view+json"

TOUCHES = """
import threading
manager = get_ipython().kernel.comm_manager

# What belongs to an earlier cell goes there, and whoever runs cells listens to the last one.
from engineroom.magics.notebook_messages import Notebook
sent = []
def send(self, msg_type, content, parent, send=Notebook.send, **options):
    sent.append((msg_type, content, parent["content"].get("code", "")))
    send(self, msg_type, content, parent, **options)
Notebook.send = send

def printed():
    return "".join(content["text"] for msg_type, content, _ in sent if msg_type == "stream")

def said(id_, data, msg_type="comm_msg"):
    getattr(manager, msg_type)(None, None, {"content": {"comm_id": id_, "data": data}, "metadata": {}, "buffers": []})

def touch(id_, **state):
    said(id_, {"method": "update", "state": state, "buffer_paths": []})

def outputs():
    states = [content.get("data", {}).get("state", {}) for _, content, _ in sent]
    return [state["outputs"] for state in states if state.get("outputs")]

def wait_until(true, seconds=30):
    pause = threading.Event()
    for _ in range(seconds * 100):
        if true():
            return
        pause.wait(0.01)
    raise AssertionError("it did not come true")
"""

MAKES = """
made = view.execute('''
from IPython.display import display
from ipywidgets import IntSlider, Output
slider = IntSlider(value=3)
out = Output()
def moved(change):
    global last
    last = change["new"]
    print("moved to", last)
    with out:
        print("in the widget:", last)
slider.observe(moved, "value")
display(slider)
''')
made.get()
ids = view.pull("slider.model_id").get()
"""


@pytest.fixture(scope="module")
def touching(kernel: Kernel) -> Kernel:
    kernel.run([TOUCHES])
    return kernel


@pytest.fixture
def run(touching: Kernel) -> Callable[[str], Shown]:
    return lambda code: touching.run([code])[0]


def comms(shown: Shown, msg_type: str) -> list[dict[str, Any]]:
    return [message["content"] for _, message in shown.seen if message["msg_type"] == msg_type]


def states(shown: Shown, name: str) -> list[Any]:
    found = [each["data"].get("state", {}) for each in comms(shown, "comm_msg")]
    return [state[name] for state in found if name in state]


def test_a_slider_on_an_engine_is_in_the_notebook_and_moves_there(run: Callable[[str], Shown]) -> None:
    made = run(MAKES)
    opened = [each["data"]["state"] for each in comms(made, "comm_open")]
    assert [state["value"] for state in opened if state["_model_name"] == "IntSliderModel"] == [3, 3]

    moved = run(
        "touch(ids[1], value=8)\nwait_until(lambda: rc[1].pull('slider.value').get() == 8)\n"
        "print(view.pull('slider.value').get())\nrc[0].execute('slider.value = 5').get()"
    )
    assert "[3, 8]" in moved.text
    assert 5 in states(moved, "value")


def test_a_widget_is_in_the_notebook_before_its_view(run: Callable[[str], Shown]) -> None:
    shown = run(
        "%%px\nfrom IPython.display import display\nfrom ipywidgets import IntSlider\ndisplay(IntSlider(value=4))\n"
        "IntSlider(value=5)"
    )
    opened: list[str] = []
    views = 0
    for _, message in shown.seen:
        content = message["content"]
        if message["msg_type"] == "comm_open":
            opened.append(content["comm_id"])
        elif VIEW in content.get("data", {}):
            views += 1
            assert content["data"][VIEW]["model_id"] in opened
            assert "IntSlider" in content["data"]["text/plain"]
    assert views == 4


def test_engines_that_use_the_same_display_id_have_a_display_each(run: Callable[[str], Shown]) -> None:
    run("view.scatter('number', [0, 1], flatten=True).get()")
    shown = run(
        "%%px\nfrom IPython.display import display, HTML\nhandle = display(HTML('begins'), display_id='mine')\n"
        "handle.update(HTML(f'<b>{number}</b>'))"
    )
    assert sorted(shown.data("text/html")) == ["<b>0</b>", "<b>1</b>"]
    later = run(
        "%%px --targets 1\nfrom IPython.display import update_display\nupdate_display(HTML('later'), display_id='mine')"
    )
    shows = [message["content"] for _, message in shown.seen if message["msg_type"] == "display_data"]
    [update] = [message["content"] for _, message in later.seen if message["msg_type"] == "update_display_data"]
    ids = [each["transient"]["display_id"] for each in shows if "display_id" in each["transient"]]
    assert len(set(ids)) == 2
    assert update["data"]["text/html"] == "later"
    assert update["transient"]["display_id"] in ids


def test_a_message_of_several_megabytes_arrives_whole(run: Callable[[str], Shown]) -> None:
    shown = run(
        "%%px --targets 0\nfrom ipywidgets import Image\npicture = Image(value=bytes(3_000_000) + b'end')\n"
        "len(picture.value)"
    )
    buffers = [
        buffer for _, message in shown.seen if message["msg_type"] == "comm_open" for buffer in message["buffers"]
    ]
    assert [(len(buffer), bytes(buffer[-3:])) for buffer in buffers] == [(3_000_003, b"end")]


def test_what_the_documentation_shows(run: Callable[[str], Shown]) -> None:
    page = blocks("widgets.md", "python")
    assert run(page["widgets-slider"]).data(VIEW)
    assert run(page["widgets-value"]).value == "3"


@pytest.mark.parametrize("wait", [True, False])
def test_an_engine_that_clears_its_output_leaves_that_of_others(run: Callable[[str], Shown], wait: bool) -> None:
    run("view.scatter('number', [0, 1], flatten=True).get()")
    shown = run(
        "%%px\nimport threading\nfrom IPython.display import clear_output, display, HTML\n"
        f"for step in range(4):\n    clear_output(wait={wait})\n    display(HTML(f'{{number}}: {{step}}'))\n"
        "    print(number, step)\n    threading.Event().wait(0.02 + 0.02 * number)"
    )
    assert sorted(shown.data("text/html")) == ["0: 3", "1: 3"]
    assert sorted(line for line in shown.stream("stdout").splitlines() if "stdout" in line) == [
        "[stdout:0] 0 3",
        "[stdout:1] 1 3",
    ]


def test_what_a_callback_prints_is_shown_and_what_is_printed_into_a_widget_is_there(
    run: Callable[[str], Shown],
) -> None:
    run(MAKES)
    shown = run(
        "sent.clear()\ntouch(ids[0], value=7)\n"
        "wait_until(lambda: 'moved to 7\\n' in printed() and 'in the widget: 7' in str(outputs()))\n"
        "print(outputs()[-1][-1]['text'])\n"
        "print(['made = view' in code for kind, _, code in sent if kind == 'stream'])"
    )
    assert "in the widget: 7\n\n[True]" in shown.text


def test_a_callback_that_fails_shows_its_traceback(run: Callable[[str], Shown]) -> None:
    run(MAKES + "rc[0].execute('slider.observe(lambda change: 1 / 0, \"value\")').get()")
    shown = run(
        "sent.clear()\ntouch(ids[0], value=6)\nwait_until(lambda: 'ZeroDivisionError' in printed())\nprint(printed())"
    )
    assert "ZeroDivisionError: division by zero" in shown.text


def test_a_busy_engine_hears_of_a_moved_slider_later_and_only_of_its_last_place(
    run: Callable[[str], Shown], tmp_path: Path
) -> None:
    mark = tmp_path / "mark"
    shown = run(
        MAKES + "rc[0].execute('count = [0]; slider.observe(lambda change: "
        'count.append(change["new"]), "value")\').get()\n'
        f"rc[0].push({{'mark': {str(mark)!r}}}).get()\n"
        "busy = rc[0].execute('import os, time\\nwhile not os.path.exists(mark): time.sleep(0.01)')\n"
        "wait_until(busy.running)\n"
        "for value in range(10, 60):\n    touch(ids[0], value=value)\n"
        f"open({str(mark)!r}, 'w').close()\n"
        "wait_until(lambda: rc[0].pull('slider.value').get() == 59)\nprint(rc[0].pull('count').get())"
    )
    assert "[0, 10, 59]" in shown.text


def test_engines_that_use_the_same_comm_id_have_a_widget_each(run: Callable[[str], Shown]) -> None:
    shown = run(
        "view.execute('''\nimport comm\n"
        "one = comm.create_comm('same', comm_id='mine', data={'box': 'IPY_MODEL_mine'})\n"
        "got = []\none.on_msg(lambda message: got.append(message['content']['data']))\n''').get()\n"
        "rc._comms.pass_on()\nsaid('mine', 1); said('mine-2', {'to': 'IPY_MODEL_mine-2'})\n"
        "wait_until(lambda: all(view.pull('got').get()))\nprint(*map(str, view.pull('got').get()))\n"
        "view.execute('one.close()').get()\n"
        "wait_until(lambda: not {'mine', 'mine-2'} & set(manager.comms))"
    )
    opened = {each["comm_id"]: each["data"]["box"] for each in comms(shown, "comm_open")}
    assert opened == {"mine": "IPY_MODEL_mine", "mine-2": "IPY_MODEL_mine-2"}
    assert shown.text.strip() in ("[{'to': 'IPY_MODEL_mine'}] [1]", "[1] [{'to': 'IPY_MODEL_mine'}]")


def test_a_progress_bar_on_an_engine_goes_on_and_ends(run: Callable[[str], Shown]) -> None:
    pytest.importorskip("tqdm")
    shown = run("%%px\nfrom tqdm.notebook import tqdm\nfor _ in tqdm(range(20), mininterval=0):\n    pass")
    assert states(shown, "value").count(20) == 2


def test_a_client_that_is_closed_is_said_once_and_its_engines_forget(run: Callable[[str], Shown]) -> None:
    run(
        "view.execute('import comm').get()\ndef on_engines():\n"
        "    return set().union(*view.apply_sync(lambda: set(comm.get_comm_manager().comms)))\nbefore = on_engines()"
    )
    shown = run(
        "far = er.Client()\n"
        "far[:].execute('from ipywidgets import IntText\\ntext = IntText()').get()\n"
        "both = far[:].pull('text.model_id').get()\nfar.close()\n"
        "for _ in range(2):\n    for id_ in both:\n        touch(id_, value=1)\n"
        "print(set(both) & set(manager.comms))"
    )
    run("wait_until(lambda: not on_engines() - before)")
    assert shown.text.count("the client is closed: widgets of its engines no longer respond.") == 1
    assert len(comms(shown, "comm_close")) == 2
    assert "set()" in shown.text


def test_a_widget_of_an_engine_that_has_died_says_so_once(run: Callable[[str], Shown]) -> None:
    run(MAKES)
    shown = run(
        "view.apply_async(os._exit, 3)\nwait_until(lambda: not rc.ids)\nsent.clear()\n"
        "for _ in range(3):\n    touch(ids[0], value=9)\n"
        "print(printed(), [content['comm_id'] for kind, content, _ in sent if kind == 'comm_close'])\n"
        "print(ids[:1])"
    )
    assert shown.text.count("engine 0 has ended (exit code 3): its widgets no longer respond.") == 1
    closed, touched = shown.text.splitlines()[-2:]
    assert closed.endswith(touched)
