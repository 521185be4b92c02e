"""Imports in a `with` block, seen by what is sent to the engines."""

from __future__ import annotations

import builtins
import contextlib
import threading
from typing import Any

import pytest

import engineroom as er
from engineroom.client.client import Client
from engineroom.protocol.messages import Submit
from engineroom.serialize.functions.packing import unpack_call
from tests.unit.client.fake_controller import FakeController


def sent_by(fake: FakeController) -> list[str]:
    """Return the statements that the engines were sent."""
    return [unpack_call(submit.call.body)[0][0].statement for submit in fake.heard_of(Submit)]


def test_imports_run_here_and_there(rc: Client, fake: FakeController, capsys: pytest.CaptureFixture[str]) -> None:
    usual = builtins.__import__
    with rc[0].sync_imports():
        import collections.abc
        import json as js
        from os import path as here  # noqa: F401, PTH (as users write it)
    assert sent_by(fake) == [
        "import collections.abc",
        "import json as js",
        "from os import path as here",
    ]
    assert capsys.readouterr().out == (
        "importing collections.abc on engine(s)\n"
        "importing json as js on engine(s)\n"
        "importing path as here from os on engine(s)\n"
    )
    assert js.loads("1") == 1
    assert collections.abc.Sized
    assert builtins.__import__ is usual


def test_only_what_the_block_says_itself_is_sent_and_once(
    rc: Client, fake: FakeController, capsys: pytest.CaptureFixture[str]
) -> None:
    def elsewhere() -> None:
        import fractions  # noqa: F401

    with rc[0].sync_imports(quiet=True):
        for _ in range(2):
            import json  # noqa: F401
        elsewhere()
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    assert sent_by(fake) == ["import json"]
    assert capsys.readouterr().out == ""


def test_what_is_missing_here_is_not_sent(rc: Client, fake: FakeController) -> None:
    usual = builtins.__import__
    with pytest.raises(ModuleNotFoundError, match="no_such_module"), rc[0].sync_imports():
        import no_such_module  # type: ignore[import-not-found]  # noqa: F401
    assert sent_by(fake) == []
    assert builtins.__import__ is usual


def test_what_is_missing_there_is_an_error_at_the_end(rc: Client) -> None:
    done = []
    with pytest.raises(er.CompositeError, match="no_such_module"), rc[:].sync_imports(local=False, quiet=True):  # noqa: PT012
        import no_such_module

        done.append("the block goes on")
    assert done
    with pytest.raises(TypeError, match="on the engines only"):
        no_such_module.some.function(1)


def test_blocks_in_blocks_and_blocks_beside_blocks(rc: Client, fake: FakeController) -> None:
    usual = builtins.__import__
    first, second = rc[0], rc[1]
    with first.sync_imports(quiet=True):
        with second.importer:
            import json  # noqa: F401
        import decimal  # noqa: F401
    assert sent_by(fake) == ["import json", "import decimal"]
    one, two = first.sync_imports(quiet=True), second.sync_imports(quiet=True)
    entered, left = threading.Event(), threading.Event()

    def other() -> None:
        with two:
            import string  # noqa: F401

            entered.set()
            left.wait(10)

    thread = threading.Thread(target=other)
    with one:
        thread.start()
        entered.wait(10)
    left.set()
    thread.join()
    assert sent_by(fake)[2:] == ["import string"]
    assert builtins.__import__ is usual


def test_a_stack_enters_it(rc: Client, fake: FakeController) -> None:
    with contextlib.ExitStack() as stack:
        stack.enter_context(rc[0].sync_imports(quiet=True))
        import json  # noqa: F401
    assert sent_by(fake) == ["import json"]


def test_balanced_views_say_what_to_write(rc: Client) -> None:
    view: Any = rc.load_balanced_view()
    for name in ("sync_imports", "importer"):
        with pytest.raises(AttributeError, match=r"write|use a direct view: .*rc\[:\]"):
            getattr(view, name)
