"""What a cell shows, of whatever kind, is with its client in one order, and what widgets say goes both ways."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engineroom import Client, Cluster, RemoteError
from engineroom.client.state.comms import CommMessage
from engineroom.protocol.connection_files import read_connection_file
from tests.patience import SECONDS
from tests.stand_ins import comm as stand_in
from tests.system.conftest import until
from tests.system.proxy import Proxy, through

WITH_COMMS = f"import sys; sys.path.insert(0, {str(Path(stand_in.__file__).parent)!r})\nimport comm"


@pytest.fixture
def view(rc: Client) -> Any:
    return rc[0]


class Listening:
    """A client that listens to comms, and what it hears."""

    def __init__(self, rc: Client) -> None:
        self.rc, self.view = rc, rc[0]
        self.heard: list[CommMessage] = []
        rc._comms.listener = self.heard.append
        self.view.execute(WITH_COMMS).get(SECONDS)

    def send(self, msg_type: str, **content: Any) -> Any:
        return self.view._send_comm(msg_type, content, buffers=content.pop("buffers", ()))


@pytest.fixture
def one(cluster: Cluster) -> Iterator[Listening]:
    with cluster.connect_client_sync() as rc:
        yield Listening(rc)


def test_the_value_of_a_cell_is_one_of_its_outputs_and_its_reply(view: Any) -> None:
    ran = view.execute("from IPython.display import display\ndisplay(1)\nprint('between')\n{'a': 2}", silent=False)
    reply = ran.get(SECONDS)

    shown, value = ran.outputs
    assert (shown["output_type"], shown["data"]) == ("display_data", {"text/plain": "1"})
    assert (value["output_type"], value["data"]) == ("execute_result", {"text/plain": "{'a': 2}"})
    assert value["execution_count"] == reply.execution_count
    assert reply.data == value["data"]
    assert ran.stdout == "between\n"


def test_each_value_that_a_cell_shows_is_an_output(view: Any) -> None:
    view.execute("get_ipython().ast_node_interactivity = 'all'").get(SECONDS)
    ran = view.execute("1\n'two'\nx = 3\nNone\nx", silent=False)
    reply = ran.get(SECONDS)
    view.execute("get_ipython().ast_node_interactivity = 'last_expr'").get(SECONDS)

    assert [value["data"]["text/plain"] for value in ran.outputs] == ["1", "'two'", "3"]
    assert reply.text == "3"


@pytest.mark.parametrize("code", ["1", "None", "x = 1", "1;"])
def test_a_cell_that_shows_no_value_has_no_outputs(view: Any, code: str) -> None:
    ran = view.execute(code, silent=code == "1")
    ran.get(SECONDS)
    assert ran.outputs == []


FAILING = {
    "def f(n):\n    return 1 / n\nf(0)": ("ZeroDivisionError", "division by zero"),
    "def f(:": ("SyntaxError", "invalid syntax (<cell"),
    "raise SystemExit(3)": ("SystemExit", "3"),
    "class E(Exception):\n    def __str__(self): return 'é' * 3\nraise E": ("E", "ééé"),
    "raise ExceptionGroup('both', [ValueError(1), KeyError(2)])": ("ExceptionGroup", "both (2 sub-exceptions)"),
    "%no_such_magic": ("UsageError", "Line magic function `%no_such_magic` not found"),
    "assert False, 'x' * 100_000": ("AssertionError", "xxx"),
}


@pytest.mark.parametrize(("code", "error"), FAILING.items())
def test_what_ends_a_cell_is_its_last_output(view: Any, code: str, error: tuple[str, str]) -> None:
    ran = view.execute(f"from IPython.display import display\ndisplay('first')\n{code}", silent=False)
    with pytest.raises(RemoteError) as raised:
        ran.get(SECONDS)

    *first, last = ran.outputs
    assert (last["output_type"], last["ename"]) == ("error", error[0])
    assert last["evalue"].startswith(error[1])
    assert "\n".join(last["traceback"]) == raised.value.traceback
    assert len(first) == (0 if error[0] == "SyntaxError" else 1)


def test_calls_that_are_no_cells_have_no_error_among_their_outputs(view: Any) -> None:
    failed = view.apply_async(lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        failed.get(SECONDS)
    assert failed.outputs == []


@pytest.mark.parametrize("last", ["R()", "display(R())"])
@pytest.mark.parametrize("name", ["__repr__", "_repr_html_"])
def test_an_error_in_a_representation_is_printed_and_the_cell_goes_on(view: Any, last: str, name: str) -> None:
    code = (
        f"from IPython.display import display\nclass R:\n    def {name}(self): raise RuntimeError('in words')\n{last}"
    )
    ran = view.execute(code, silent=False)
    ran.get(SECONDS)
    assert ran.stderr.startswith("Traceback (most recent call last):\n")
    assert "RuntimeError: in words" in ran.stderr
    assert "IPython/core" not in ran.stderr


def test_outputs_of_many_engines_are_a_list_each(rc: Client) -> None:
    ran = rc[:].execute("import os\n[os.getpid()][0]", silent=False)
    replies = ran.get(SECONDS)
    assert len(ran.outputs) == len(rc)
    assert [value["data"] for [value] in ran.outputs] == [reply.data for reply in replies]


def test_a_comm_speaks_to_the_client_and_hears_it(one: Listening) -> None:
    made = one.view.execute(
        "slider = comm.create_comm(target_name='slider', data={'value': 1})\n"
        "slider.on_msg(lambda message: (print(message['content']['data']), "
        "slider.send({'value': 2}, buffers=message['buffers'])))\n"
        "print(slider.comm_id, end='')"
    )
    made.get(SECONDS)
    id_ = made.stdout
    sent = one.send("comm_msg", comm_id=id_, data={"value": 2}, buffers=[b"\x00raw"])
    sent.get(SECONDS)
    one.send("comm_close", comm_id=id_, data={}).get(SECONDS)

    assert sent.stdout == "{'value': 2}\n"
    until(lambda: len(one.heard) == 2)
    opened, answered = one.heard
    assert (opened.msg_type, opened.content["target_name"], opened.msg_id) == ("comm_open", "slider", made.msg_ids[0])
    assert (answered.msg_type, answered.content["data"], answered.buffers) == ("comm_msg", {"value": 2}, [b"\x00raw"])
    assert {opened.engine, answered.engine} == {0}
    with pytest.raises(ValueError, match="this engine has no comm"):
        one.send("comm_msg", comm_id=id_, data={}).get(SECONDS)
    with pytest.raises(ValueError, match="'comm_info' is not a message of a comm"):
        one.send("comm_info")


def test_a_client_opens_a_comm_to_a_target_of_the_engine(one: Listening) -> None:
    one.view.execute(
        "comm.get_comm_manager().register_target('form', lambda made, opened: made.send(opened['content']['data']))"
    ).get(SECONDS)
    one.send("comm_open", comm_id="mine", target_name="form", data={"a": 1}).get(SECONDS)
    until(lambda: one.heard)
    assert one.heard[0].content == {"comm_id": "mine", "data": {"a": 1}}


def test_what_a_listener_raises_is_logged_and_the_next_message_comes(
    one: Listening, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(message: CommMessage) -> None:
        one.heard.append(message)
        raise RuntimeError("the listener failed")

    one.rc._comms.listener = fails
    one.view.execute("bar = comm.create_comm()\nbar.send({'done': 1})\nbar.close()").get(SECONDS)
    until(lambda: len(one.heard) == 3 and caplog.text.count("the listener failed") >= 3)


def test_comms_go_to_the_client_whose_task_runs(cluster: Cluster, one: Listening) -> None:
    one.view.execute("bar = comm.create_comm()").get(SECONDS)
    with cluster.connect_client_sync() as rc:
        other = Listening(rc)
        other.view.execute("bar.send({'for': 'the other'})").get(SECONDS)
        until(lambda: other.heard)
    assert [message.msg_type for message in one.heard] == ["comm_open"]
    assert [message.content["data"] for message in other.heard] == [{"for": "the other"}]


SHOWS_SLOWLY = """
import threading
from IPython.display import display
bar = comm.create_comm(target_name="bar")
handle = display(0, display_id=True)
for step in range(1, 61):
    print(step)
    handle.update(step)
    bar.send({"step": step})
    threading.Event().wait(0.02)
raise ValueError("at the end")
"""


def test_all_kinds_come_once_and_in_order_though_the_connection_is_cut(cluster: Cluster, tmp_path: Path) -> None:
    with Proxy(read_connection_file(cluster.client_connection_file).port) as proxy:
        file = through(proxy, cluster.client_connection_file, tmp_path / "client.json")
        with Client(file, timeout=SECONDS) as far:
            one = Listening(far)
            ran = one.view.execute(SHOWS_SLOWLY, silent=False)
            for count in (5, 20, 40):
                until(lambda count=count: ran.stdout.count("\n") >= count)
                proxy.cut()
                threading.Event().wait(0.1)
                proxy.heal()
            with pytest.raises(RemoteError, match="at the end"):
                ran.get(SECONDS)
            until(lambda: len(one.heard) >= 61)

            assert ran.stdout == "".join(f"{step}\n" for step in range(1, 61))
            shown, error = ran.outputs
            assert shown["data"] == {"text/plain": "60"}
            assert error["ename"] == "ValueError"
    assert [message.content["data"].get("step", 0) for message in one.heard] == list(range(61))
