"""Many remote errors as few sections: those that differ in nothing but where they happened are shown once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from engineroom.errors.remote import RemoteError, item_words, last_words, where

_SHOWN_RANGES = 8
_HEAD, _TAIL = 3, 7
"""Lines that are shown of the longer traceback of many errors: its first frame, and its end."""
_LINES, _AROUND = 25, 8
"""Lines that a single kind of error of many engines takes in all, and how many of them say where it was raised here."""

Section = list[RemoteError]
"""Errors of one type that were raised in the same place; their messages may differ."""


def sections_of(errors: Iterable[RemoteError]) -> list[Section]:
    """Return `errors` by type and place, in the order in which these come first."""
    found: dict[object, Section] = {}
    for error in errors:
        found.setdefault((error.ename, error.engine_info.get("method"), _place(error)), []).append(error)
    return list(found.values())


def summaries(sections: Sequence[Section], limit: int) -> list[str]:
    """Return a line for each of the first `limit` messages, and one that says how many errors are not shown."""
    alike = [errors for section in sections for errors in _by_message(section)]
    return [f"{heading(errors)}{last_words(errors[0])}" for errors in alike[:limit]] + omitted(alike, limit)


def rendered(sections: Sequence[Section], limit: int) -> list[str]:
    """Return the tracebacks of the first `limit` sections as lines, and how many errors are not shown."""
    lines: list[str] = []
    for section in sections[:limit]:
        if lines:
            lines.append("")
        lines += _section(section, limit, _room(sections, limit))
    return lines + omitted(sections, limit)


def omitted(sections: Sequence[Section], limit: int) -> list[str]:
    """Return a line that says how many errors are in sections after the first `limit`, if there are any."""
    more = sum(map(len, sections[limit:]))
    return [f"... {more} more exceptions ..."] if more else []


def heading(section: Section) -> str:
    """Return "[0-3, 7:apply] " and which items of a map it was."""
    if len(section) == 1:
        return where(section[0].engine_info) + _items(section)
    infos = [error.engine_info for error in section]
    if not all(infos):
        return where({}) + _items(section)
    engines = {info.get("engine_id", "?") for info in infos}
    numbers = -1 if engines == {-1} else ranges(each for each in engines if isinstance(each, int) and each >= 0) or "?"
    return where({**infos[0], "engine_id": numbers}) + _items(section)


def ranges(numbers: Iterable[int]) -> str:
    """Return "0-3, 7", at most so many ranges that they fit a line."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and number == found[-1][1] + 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    texts = [str(first) if first == last else f"{first}-{last}" for first, last in found]
    more = len(texts) - _SHOWN_RANGES
    return ", ".join(texts[:_SHOWN_RANGES] + ([f"and {more} more"] if more > 0 else []))


def _items(section: Section) -> str:
    known = [error.item for error in section if error.item is not None]
    if not known:
        return ""
    if len(known) == 1:
        return item_words(known[0])
    return f"items {ranges(index for index, _ in known)}: "


def _title(section: Section) -> str:
    title = heading(section).rstrip(" :")
    if len(section) == 1:
        return f"{title}:"
    what = "the same error" if len({error.evalue for error in section}) == 1 else "errors of the same kind"
    return f"{title}: {what}, {len(section)} times"


def _place(error: RemoteError) -> str:
    """Return the traceback without the message, which may name what each engine has of its own."""
    before, message, after = error.traceback.rpartition(last_words(error))
    return f"{before}\n{after}" if message else error.traceback


def _room(sections: Sequence[Section], limit: int) -> int | None:
    """Return how many lines a section may take before its traceback is shortened; None: any number."""
    if sum(map(len, sections)) == 1:
        return None
    return 0 if len(sections) > 1 else _LINES - _AROUND - len(summaries(sections, limit))


def _section(section: Section, limit: int, room: int | None) -> list[str]:
    if not section[0].traceback:
        return _messages(section, 0, limit)
    lines = section[0].render_traceback()
    others = _messages(section, 1, limit - 1)
    if room is not None and 1 + len(lines) + len(others) > room:
        lines = _shortened(lines, _TAIL - len(others))
    return [_title(section), *lines, *others]


def _shortened(lines: list[str], tail: int) -> list[str]:
    if len(lines) <= _HEAD + tail + 1:
        return lines
    frames = (at for at in range(len(lines) - tail, len(lines)) if lines[at].startswith("  File "))
    start = next(frames, len(lines) - tail)
    return [*lines[:_HEAD], f"  ... {start - _HEAD} lines; print_traceback(number) shows all ...", *lines[start:]]


def _by_message(section: Section) -> list[Section]:
    found: dict[str, Section] = {}
    for error in section:
        found.setdefault(error.evalue, []).append(error)
    return list(found.values())


def _messages(section: Section, start: int, limit: int) -> list[str]:
    """Return a line for each message of `section` from number `start` on, and how many are not shown."""
    groups = _by_message(section)
    lines = [f"{heading(alike)}{last_words(alike[0])}" for alike in groups[start:limit]]
    more = sum(map(len, groups[limit:]))
    return [*lines, f"... and {more} more with other messages ..."] if more else lines
