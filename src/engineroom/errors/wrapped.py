"""Remote errors as plain dicts, in the form that Jupyter's messages have."""

from __future__ import annotations

import sys
import traceback
from typing import Any

from engineroom.errors.base import EngineInfo
from engineroom.errors.remote import RemoteError


def wrap_exception(engine_info: EngineInfo | None = None) -> dict[str, Any]:
    """Return the current exception as a dict: status "error", ename, evalue, traceback (lines), `engine_info`."""
    kind, error, trace = sys.exc_info()
    name = "" if kind is None else kind.__name__
    lines = traceback.format_exception(kind, error, trace)
    return {
        "status": "error",
        "ename": name,
        "evalue": str(error),
        "traceback": "".join(lines).splitlines(),
        "engine_info": engine_info or {},
    }


def unwrap_exception(content: dict[str, Any]) -> RemoteError:
    """Return the RemoteError that `content`, a dict from `wrap_exception`, describes."""
    lines = content.get("traceback", "")
    text = lines if isinstance(lines, str) else "\n".join(lines)
    return RemoteError(content["ename"], content["evalue"], text, content.get("engine_info", {}))
