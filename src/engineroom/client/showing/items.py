"""What tasks display, one by one: which are alike, and how each is shown."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from engineroom.client.showing.folding import spelled
from engineroom.client.showing.screens import Screen
from engineroom.client.state.watchers import Kind


def key_of(kind: str, content: Any) -> str | None:
    """Return what is the same for things that are alike; None: this one is like no other."""
    match kind:
        case Kind.SHOW if content["transient"].get("display_id") is not None:
            return None  # it will be updated by itself
        case Kind.SHOW | Kind.RESULT:
            return key_of_object(content)
        case Kind.CLEAR:
            return str(content["wait"])
        case Kind.AGAIN:
            return ""
        case _:
            return None


def key_of_object(content: Any) -> str:
    """Return what is the same for objects that look alike; the number of a cell may differ."""
    return json.dumps([content["data"], content["metadata"]], sort_keys=True)


def show_item(screen: Screen, label: str, kind: str, content: Any, counts: Iterable[int] = ()) -> None:
    """Show one thing that tasks display, all alike. `counts`: the numbers of their cells."""
    match kind:
        case Kind.SHOW:
            screen.show(label, content)
        case Kind.UPDATE:
            screen.update(label, content)
        case Kind.CLEAR:
            screen.clear(wait=content["wait"])
        case Kind.RESULT:
            numbers = set(counts)
            screen.value(f"{label}:{numbers.pop()}" if len(numbers) == 1 else label, content)
        case Kind.AGAIN:
            screen.write("stderr", f"[{label}] the task runs again: what it has written so far is void\n")
        case _:
            pass


def labelled(stream: str, engines: Iterable[int], among: Iterable[int], text: str) -> str:
    """Return a text that was written to `stream`, with its engines before it, as whole lines."""
    between, end = "\n" if "\n" in text[:-1] else " ", "" if text.endswith("\n") else "\n"
    return f"[{stream}:{spelled(engines, among)}]{between}{text}{end}"
