"""Tab completes names that live on engines, in code for %px."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from IPython.core.completer import SimpleCompletion, context_matcher

from engineroom.client.engines.targets import resolve
from engineroom.errors import EngineroomError
from engineroom.magics.autopx import ToEngines
from engineroom.protocol.questions import AskNames, NamesThere
from engineroom.protocol.ranges import WORD

if TYPE_CHECKING:
    from engineroom.client.views.direct import DirectView

WITHIN = 0.3
"""Seconds that an engine has to answer; then there is no completion."""

_IDENTIFIER = "engineroom_names_on_engines"
_LINE = re.compile(r"\s*%px(?P<suffix>\w*)\s+\S?")
_CELL = re.compile(r"\s*%%px(?P<suffix>\w*)\b")
_DOTTED = re.compile(r"((?:[^\W\d]\w*\.)*(?:[^\W\d]\w*)?)\Z")
_LEFT = "\\'\"%!/"
"""What stands before the name in texts, magics, commands and paths, which are none of an engine's names."""


def complete_names(shell: Any, view_of: Callable[[Any, str], DirectView[Any] | None]) -> None:
    """Have tab complete names of engines in `shell`. `view_of(shell, suffix)`: the view of %px with this suffix."""
    matchers: list[Any] | None = getattr(shell.Completer, "custom_matchers", None)
    if matchers is None or any(getattr(each, "matcher_identifier", "") == _IDENTIFIER for each in matchers):
        return

    def names_on_engines(context: Any) -> dict[str, Any]:
        found = wanted(context.full_text, context.cursor_line, context.cursor_position, _autopx(shell))
        view = None if found is None else view_of(shell, found[0])
        if found is None or view is None or not found[1]:
            return {"completions": []}
        dropped = len(found[1]) - len(context.token) if found[1].endswith(context.token) else 0
        names = names_on(view, found[1])
        completions = [SimpleCompletion(text=name[dropped:], type="engine") for name in names]
        return {"completions": completions, "suppress": bool(completions)}

    decorate: Any = context_matcher(identifier=_IDENTIFIER)
    matchers.append(decorate(names_on_engines))


def wanted(text: str, line: int, position: int, autopx: str | None) -> tuple[str, str] | None:
    """Return the suffix of the %px that `text` is for, and the dotted name before the cursor; None: it is for none.

    `line`, `position`: where the cursor is. `autopx`: the suffix that cells go to by themselves, None for none.
    """
    lines = text.split("\n")
    before = lines[line][:position] if line < len(lines) else ""
    name = _DOTTED.search(before)
    suffix = _suffix(lines[0], before, line, autopx)
    if suffix is None or name is None:
        return None
    left = before[: name.start()]
    return None if left[-1:] in _LEFT and left[-1:] else (suffix, name[1])


def _suffix(first: str, before: str, line: int, autopx: str | None) -> str | None:
    if (cell := _CELL.match(first)) is not None:
        return cell["suffix"] if line else None
    if (one := _LINE.match(before)) is not None:
        return one["suffix"]
    return None if first.lstrip().startswith("%") else autopx


def names_on(view: DirectView[Any], text: str) -> tuple[str, ...]:
    """Return the names that begin with `text` on the first engine of `view`; none if it does not answer in time."""
    session = view._session
    if len(text) > WORD or session.closed:
        return ()
    try:
        engine = resolve(view.targets, session.engines)[0]
        reply = session.ask(AskNames(engine, text), "a completion", timeout=WITHIN)
    except (EngineroomError, TimeoutError, LookupError, RuntimeError):
        return ()
    return reply.names if isinstance(reply, NamesThere) else ()


def _autopx(shell: Any) -> str | None:
    found = (each.suffix for each in shell.input_transformers_cleanup if isinstance(each, ToEngines))
    return next(found, None)
