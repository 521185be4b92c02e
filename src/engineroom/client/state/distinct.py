"""Ids that engines have given to widgets and displays, made distinct: two engines may have chosen the same ones."""

from __future__ import annotations

from collections.abc import Callable, Container
from typing import Any

MODEL = "IPY_MODEL_"
"""What stands before the id of one widget in the state of another."""

VIEW = "application/vnd.jupyter.widget-view+json"

_DEEPEST = 100
"""Levels of a widget's state in which others are looked for."""

Key = tuple[object, str]
"""The engine's process, and the id that the engine has for it."""


class DistinctIds:
    """The ids under which a notebook knows the comms of engines: their own unless those are taken."""

    def __init__(self) -> None:
        self._renamed: dict[Key, str] = {}

    def take(self, engine: object, id_: str, taken: Container[str]) -> str:
        """Return the id for a new comm of `engine`'s, one that is not in `taken`."""
        known = self._renamed.get((engine, id_), id_)
        if known not in taken:
            return known
        number = 2
        while f"{id_}-{number}" in taken:
            number += 1
        found = self._renamed[engine, id_] = f"{id_}-{number}"
        return found

    def known(self, engine: object, id_: str) -> str:
        """Return the id in the notebook of what `engine` knows as `id_`."""
        return self._renamed.get((engine, id_), id_)

    def forget(self, engine: object, id_: str) -> None:
        self._renamed.pop((engine, id_), None)

    def to_notebook(self, engine: object, value: Any) -> Any:
        """Return a widget's state with the notebook's ids of other widgets in it."""
        return _with_models(value, lambda id_: self.known(engine, id_)) if self._renamed else value

    def to_engine(self, engine: object, value: Any) -> Any:
        """Return a widget's state with the engine's ids of other widgets in it."""
        own = {new: id_ for (other, id_), new in self._renamed.items() if other == engine}
        return _with_models(value, lambda id_: own.get(id_, id_)) if own else value

    def display(self, engine: object, content: dict[str, Any]) -> dict[str, Any]:
        """Return what is displayed for `engine` with a display id of its own, and with the notebook's id of a widget.

        `content`: `data`, `metadata` and `transient`, as a notebook's message has them.
        """
        data, transient = content.get("data"), content.get("transient")
        if isinstance(transient, dict) and (id_ := transient.get("display_id")) is not None:
            content = content | {"transient": transient | {"display_id": f"{_word(engine)}-{id_}"}}
        if self._renamed and isinstance(data, dict) and isinstance(view := data.get(VIEW), dict):
            model = self.known(engine, str(view.get("model_id")))
            content = content | {"data": data | {VIEW: view | {"model_id": model}}}
        return content


def _word(engine: object) -> str:
    return engine.hex()[:16] if isinstance(engine, bytes) else str(engine)


def _with_models(value: Any, rename: Callable[[str], str], depth: int = 0) -> Any:
    if isinstance(value, str):
        return MODEL + rename(value[len(MODEL) :]) if value.startswith(MODEL) else value
    if depth > _DEEPEST:
        return value
    if isinstance(value, dict):
        return {name: _with_models(part, rename, depth + 1) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_models(part, rename, depth + 1) for part in value]
    return value
