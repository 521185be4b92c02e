"""Templates of batch scripts: text with Python expressions in braces."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engineroom.errors import LaunchError
from engineroom.machine.homes import expanded

_BRACE = re.compile(r"\{\{|\}\}|\{|\}")


class TemplateError(LaunchError):
    """A template can't be filled in."""

    def __init__(self, name: str, line: int, words: str) -> None:
        self.line = line
        super().__init__(f"{name}, line {line}: {words}")


def render(template: str, fields: Mapping[str, Any], *, name: str = "the template") -> str:
    """Return `template` with each `{expression}` replaced by its value.

    Expressions are Python over `fields`, with `:format` or `!r` if wanted; a float that is whole is written as an int.
    `{{` and `}}` are braces; `${...}` is the shell's, unless it is just the name of a field. TemplateError names the
    line that makes no sense.
    """
    done: list[str] = []
    at = 0
    while (brace := _BRACE.search(template, at)) is not None:
        done.append(template[at : brace.start()])
        line = template.count("\n", 0, brace.start()) + 1
        at = brace.end()
        if brace[0] in {"{{", "}}"}:
            done.append(brace[0][0])
            continue
        end = _closing(template, at) if brace[0] == "{" else None
        if end is None:
            raise TemplateError(name, line, f"a lone {brace[0]}: write {brace[0] * 2} for a brace of the script")
        inside, at = template[at:end], end + 1
        if template[: brace.start()].endswith("$") and inside not in fields:
            done.append(f"{{{inside}}}")
        else:
            done.append(_value(inside, fields, name, line))
    return "".join([*done, template[at:]])


def _closing(text: str, start: int) -> int | None:
    """Return the index of the brace that closes the one before `start`."""
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return None


def _value(inside: str, fields: Mapping[str, Any], name: str, line: int) -> str:
    expression, conversion, spec = _parts(inside)
    try:
        value = eval(expression.strip(), dict(fields))
        if conversion:
            value = string.Formatter().convert_field(value, conversion)
        if not spec and isinstance(value, float) and value.is_integer():
            value = int(value)
        return format(value, spec)
    except Exception as error:  # noqa: BLE001 (an expression may raise anything)
        known = ", ".join(sorted(field for field in fields if not field.startswith("_")))
        raise TemplateError(
            name,
            line,
            f"{{{inside}}} can't be evaluated: {type(error).__name__}: {error}. Known are {known}; "
            "write {{ and }} for braces of the script itself",
        ) from None


def _parts(inside: str) -> tuple[str, str, str]:
    """Return expression, conversion and format of a field."""
    if _is_expression(inside):
        return inside, "", ""
    found = re.fullmatch(r"(?P<expression>.*?)(?:!(?P<conversion>[rsa]))?(?::(?P<spec>[^:]*))?", inside, re.DOTALL)
    if found is None or not _is_expression(found["expression"]):
        return inside, "", ""
    return found["expression"], found["conversion"] or "", found["spec"] or ""


def _is_expression(text: str) -> bool:
    try:
        compile(text.strip(), "template", "eval")
    except (SyntaxError, ValueError):
        return False
    return True


def find_template(name: str, places: list[Path]) -> Path:
    """Return the template file called `name`: itself if absolute, else the first in `places` that is there."""
    given = expanded(name)
    candidates = list(dict.fromkeys(place / given for place in places))
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    looked = " and ".join(str(candidate) for candidate in dict.fromkeys(candidates))
    raise LaunchError(f"the template file {name} is not there; looked for {looked}")
