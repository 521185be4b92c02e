"""A cell is sent, and Ctrl-C comes just then."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NoReturn

import pytest

from engineroom.magics.flags import NO_SIGNAL
from engineroom.magics.running import Way, run_and_show


def test_a_cell_that_was_sent_can_be_asked_for_though_ctrl_c_came_just_then(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view: Any = SimpleNamespace(_session=SimpleNamespace(scope=None))
    result: Any = SimpleNamespace(_unfinished=list)
    noted: list[Any] = []

    def submit() -> NoReturn:
        view._session.scope.note(result)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_and_show(view, submit, Way(signal=NO_SIGNAL), note=noted.append)
    assert noted == [result]
    assert "%pxresult waits for it" in capsys.readouterr().err


def test_a_cell_is_interrupted_by_a_signal_that_has_no_name(capsys: pytest.CaptureFixture[str]) -> None:
    sent: list[tuple[int, list[int]]] = []

    def send_signal(number: int, targets: list[int]) -> NoReturn:
        sent.append((number, targets))
        raise KeyboardInterrupt

    view: Any = SimpleNamespace(_session=SimpleNamespace(scope=None), client=SimpleNamespace(send_signal=send_signal))
    result: Any = SimpleNamespace(_unfinished=lambda: [SimpleNamespace(engine=2)])

    def submit() -> NoReturn:
        view._session.scope.note(result)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_and_show(view, submit, Way(signal="40"))
    assert sent == [(40, [2])]
    assert "sending signal 40 to engine 2" in capsys.readouterr().err
