"""The root of all our errors, and the words of those that were raised elsewhere."""

from __future__ import annotations

from typing import Any

EngineInfo = dict[str, Any]
"""Where an error happened: `engine_id`, `engine_uuid`, `method` ("apply", "execute", ...); empty if unknown."""

ErrorWords = tuple[str, str, str, EngineInfo]
"""A remote error as words: (ename, evalue, traceback, engine_info)."""

Item = tuple[int, str]
"""An item of a map: its index and its repr, shortened."""


class EngineroomError(Exception):
    """Base class of all errors of engineroom."""
