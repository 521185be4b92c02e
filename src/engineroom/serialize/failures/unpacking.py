"""Errors of unpacking: which package they come from, and its version and Python's on both sides."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from types import TracebackType

from engineroom.serialize.functions.interactive import home

_MODULE = re.compile(r"<module '([\w.]+)'")
_PYTHON = ".".join(map(str, sys.version_info[:3]))
_OURS = frozenset({"engineroom", "cloudpickle"})


def explained(error: Exception, what: str, there: Callable[[str], str] = lambda _: "") -> Exception:
    """Return `error`, which came while `what` was unpacked, with the versions here; or itself, if it is the user's own.

    `there`: returns the versions of a package where `what` was packed, in words, as far as they can be known here.
    `unpacking`: an attribute of the error by which the other side knows the package (see `with_ours`).
    """
    package = _package_of(error)
    if isinstance(error, ModuleNotFoundError):
        side = "engine" if home.namespace is not None else "client"
        made: Exception = ModuleNotFoundError(
            f"{side} has no module {error.name!r} (needed to unpack {what}); install it there, or send it by value "
            f"with cloudpickle.register_pickle_by_value{_and(there(package))}",
            name=error.name,
        )
    elif isinstance(error, ImportError | AttributeError) or (type(error).__module__ == "builtins" and package):
        made = type(error)(f"{error} (needed to unpack {what}, with {versions(package)}{_and(there(package))})")
        vars(made)["unpacking"] = package
    else:
        return error
    made.__cause__ = error
    return made


def _and(words: str) -> str:
    return words and f"; {words}"


def with_ours(text: str, error: object) -> str:
    """Return the text of an error, with the versions on this side if it came while something was unpacked there."""
    package = getattr(error, "unpacking", None)
    if not isinstance(package, str):
        return text
    advice = f'; compare them by `rc.versions("{package}")`' if package else ""
    return f"{text}. This process has {versions(package)}{advice}"


def versions(package: str) -> str:
    """Return the versions here of a package ("": of none) and of Python, in words."""
    from importlib import metadata  # seldom needed, and it takes a while

    found = ""
    if package:
        try:
            names = metadata.packages_distributions().get(package, [package])
            found = f"{package} {metadata.version(names[0])} and "
        except (metadata.PackageNotFoundError, IndexError):
            said = vars(sys.modules[package]).get("__version__") if package in sys.modules else None
            found = f"{package} {said} and " if isinstance(said, str) else f"no installed {package} and "
    return f"{found}Python {_PYTHON}"


def _package_of(error: BaseException) -> str:
    """Return the package whose code, or lack of it, made unpacking fail; "" for Python's, ours, and a script's."""
    named = getattr(error, "name", None) if isinstance(error, ImportError) else None
    found = _MODULE.search(str(error))
    module = named or (found[1] if found else "") or _last_module(error.__traceback__)
    root = str(module).partition(".")[0]
    return "" if root in _OURS or root in sys.stdlib_module_names or root in {"", "__main__"} else root


def _last_module(trace: TracebackType | None) -> str:
    name = ""
    while trace is not None:
        name = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    return name
