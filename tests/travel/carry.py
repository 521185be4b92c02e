"""Carries values to an engine and back, for the files beside this one, and writes down what went wrong.

These files run as scripts, and cell by cell in IPython: what is tested is what `__main__` defines there.
"""

from __future__ import annotations

import functools
import json
import operator
import os
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engineroom import Client, Reference

_first = operator.itemgetter(0)

Check = Callable[[Any], Any]
Same = Callable[[Any, Any], Any]


class Carrier:
    """One client, one view of one engine, and the row of the documentation that is tested now."""

    def __init__(self) -> None:
        self._client = Client(profile_dir=os.environ["TRAVEL_PROFILE"])
        self._view = self._client[0]
        self._balanced = self._client.load_balanced_view()
        self._title = ""
        self._faults: dict[str, list[str]] = {}

    def title(self, words: str) -> None:
        """Begin with the tests of the row with these words."""
        self._title = words
        self._faults[words] = []

    def row(self, value: Any, check: Check = bool, *, same: Same | None = operator.eq, once: bool = False) -> None:
        """Send `value` in each way; `check(value)` is true here, there and afterwards, `same(it, value)` when back.

        `once`: only there and back, for what is large.
        """
        ways = (self._as_argument, self._captured, self._as_result, self._kept, self._mapped)
        for way in (self._as_result,) if once else ways:
            try:
                way(value, check, same)
            except BaseException as error:  # noqa: BLE001 -- written down, whatever it is
                self._write_down(way.__name__, error)

    def made(self, make: Callable[[], Any], check: Check = bool, *, same: Same | None = operator.eq) -> None:
        """Let the engine make the value that `make` makes here, then do all that `row` does."""
        try:
            self._compare(self._view.apply_sync(make), make(), check, same)
        except BaseException as error:  # noqa: BLE001 -- written down, whatever it is
            self._write_down("made there", error)
        self.row(make(), check, same=same)

    def refused(self, value: Any, *words: str) -> None:
        """Sending `value` raises PackError at the call, with `words` in it."""
        for name, send in (
            ("argument", lambda: self._view.apply_async(_first, [value])),
            ("push", lambda: self._view.push({"kept": value})),
        ):
            try:
                send()
            except Exception as error:  # noqa: BLE001 -- looked at
                missing = [each for each in words if each not in str(error)]
                if type(error).__name__ != "PackError" or missing:
                    self._faults[self._title].append(f"{name}: without {missing}: {type(error).__name__}: {error}")
            else:
                self._faults[self._title].append(f"{name}: {value!r} was sent")

    def close(self) -> None:
        """Write down what was seen."""
        self._client.close()
        Path(os.environ["TRAVEL_REPORT"]).write_text(json.dumps(self._faults))

    def _write_down(self, way: str, error: BaseException) -> None:
        line = sys._getframe(2).f_lineno
        if line < 100 and sys._getframe(2).f_globals is globals():
            line = sys._getframe(3).f_lineno
        trace = traceback.extract_tb(error.__traceback__)[-1]
        self._faults[self._title].append(
            f"line {line}, {way}: {type(error).__name__}: {error} ({trace.filename}:{trace.lineno})"
        )

    def _as_argument(self, value: Any, check: Check, same: Same | None) -> None:
        del same
        assert check(value), "the check itself fails here"
        assert self._view.apply_sync(check, value), "the check fails there"

    def _captured(self, value: Any, check: Check, same: Same | None) -> None:
        del same
        assert self._view.apply_sync(functools.partial(check, value)), (
            "the check fails where it is part of the function"
        )

    def _as_result(self, value: Any, check: Check, same: Same | None) -> None:
        self._compare(self._view.apply_sync(_first, [value]), value, check, same)

    def _kept(self, value: Any, check: Check, same: Same | None) -> None:
        self._view["kept"] = value
        for _ in range(2):
            assert self._view.apply_sync(check, Reference("kept")), "the check fails on what was kept"
        back = self._view.apply_sync(_first, [Reference("kept")])
        self._compare(back, value, check, same)
        self._view["again"] = back
        assert self._view.apply_sync(_first, [Reference("type(again) is type(kept)")]), (
            "kept and sent again differ in type"
        )
        self._compare(self._view["kept"], value, check, same)
        self._compare(self._view["again"], value, check, same)

    def _mapped(self, value: Any, check: Check, same: Same | None) -> None:
        del same
        assert all(self._balanced.map_sync(check, [value] * 3)), "the check fails in a map"

    def _compare(self, back: Any, value: Any, check: Check, same: Same | None) -> None:
        assert type(back) is type(value), (
            f"{type(back)} {id(type(back))} came back for {type(value)}  {id(type(value))}"
        )
        assert same is None or same(back, value), f"{back!r} came back for {value!r}"
        assert check(back), f"the check fails on what came back: {back!r}"


_carrier = Carrier()
title, row, made, refused, close = _carrier.title, _carrier.row, _carrier.made, _carrier.refused, _carrier.close
