"""Who ran what when, as a picture: a lane for each engine, a bar for each task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path

from engineroom.client.pictures.merging import FAILED, Bar, merged
from engineroom.client.progress.standing import duration, in_a_line

_WIDTH, _LEFT, _TOP, _BOTTOM = 900.0, 76.0, 20.0, 34.0
"""Of the picture, in pixels: all of it, and what is beside, above and below the lanes."""

_HEIGHT, _TALLEST, _SHORTEST = 480.0, 22.0, 3.0
"""Of all lanes, if that leaves each between the tallest and the shortest."""

_MOST_BARS, _MOST_LANES = 6000, 400
"""More bars are merged until there are so few; more lanes are left out, which is said."""

_LABELLED = 12.0
"""Pixels that a lane must have for its number to fit."""

_LONGEST, _LETTER = 24, 6.2
"""Letters of a name in the legend, and pixels that one takes."""

_COLOURS = ("#3b82f6", "#2a9d4a", "#9467bd", "#ff9f1c", "#17a2b8", "#8c6d31", "#e377c2", "#5c7080")
_OF_STATES = {"error": "#d62728", "running": "#93c5fd", "aborted": "#9ca3af", "lost": "#111827"}


class Timeline:
    """A picture of tasks by engine and time: a notebook shows it, `save` writes it to a file.

    Move the pointer over a bar to read what it is. The length of a timeline is the number of its tasks.
    """

    def __init__(self, bars: Sequence[Bar], *, name: str, waiting: int = 0) -> None:
        """`bars`: a task each; `waiting`: how many tasks have no bar, since they have not started."""
        self._bars, self._name, self._waiting = bars, in_a_line(name), waiting
        self._start = min((bar.start for bar in bars), default=0.0)
        self._seconds = max(1e-6, max((bar.end for bar in bars), default=0.0) - self._start)
        self._lanes: dict[int, list[Bar]] = {}
        for bar in bars:
            self._lanes.setdefault(bar.lane, []).append(bar)
        self._names = list(dict.fromkeys(bar.name for bar in bars))[: len(_COLOURS)]

    def __len__(self) -> int:
        return len(self._bars)

    def __repr__(self) -> str:
        return f"<Timeline({self._name}): {self._in_words()}>"

    def _repr_html_(self) -> str:
        return f"<div>{self.svg()}</div>"

    def save(self, path: str | Path) -> None:
        """Write the picture to a file: a page if its name ends in `.html`, else SVG. OSError: it cannot be written."""
        path, svg = Path(path), self.svg()
        if path.suffix.lower() in {".html", ".htm"}:
            svg = f"<!DOCTYPE html><meta charset='utf-8'><title>{escape(self._name)}</title><body>{svg}</body>\n"
        path.write_text(svg, encoding="utf-8")

    def svg(self) -> str:
        """Return the picture as text in SVG, of at most about 1 MB."""
        ids = sorted(self._lanes)[:_MOST_LANES]
        lane = min(_TALLEST, max(_SHORTEST, _HEIGHT / max(1, len(ids))))
        below = _TOP + lane * len(ids)
        body = "".join([*self._ruler(below), *self._rows(ids, lane), *self._legend(below)])
        style = "font:11px sans-serif;fill:currentColor"
        size = f"width='{_WIDTH:g}' height='{below + _BOTTOM:g}'"
        return f"<svg xmlns='http://www.w3.org/2000/svg' {size} role='img' style='{style}'>{body}</svg>"

    def _in_words(self) -> str:
        count, lanes = len(self._bars), len(self._lanes)
        busy = sum(bar.busy for bar in self._bars)
        part = min(1.0, busy / (self._seconds * max(1, lanes)))
        failed = sum(bar.state in FAILED for bar in self._bars)
        words = [f"{count:,} task{'s' * (count != 1)} on {lanes} engine{'s' * (lanes != 1)}"]
        if count:
            words.append(f"{duration(self._seconds)}, {part:.0%} busy")
        words += [f"{failed:,} failed"] * bool(failed) + [f"{self._waiting:,} not started"] * bool(self._waiting)
        if lanes > _MOST_LANES:
            words.append(f"the first {_MOST_LANES} engines are shown")
        return ", ".join(words)

    def _x(self, at: float) -> float:
        return _LEFT + (at - self._start) / self._seconds * (_WIDTH - _LEFT - 8)

    def _ruler(self, below: float) -> Iterator[str]:
        step = 10 ** math.floor(math.log10(self._seconds))
        step = next(each for each in (step / 5, step / 2, step, step * 2) if self._seconds / each <= 9)
        for number in range(int(self._seconds / step) + 1):
            x = self._x(self._start + number * step)
            yield f"<line x1='{x:.1f}' x2='{x:.1f}' y1='{_TOP - 4:g}' y2='{below:g}' stroke='#8884'/>"
            yield f"<text x='{x:.1f}' y='12' text-anchor='middle'>{number * step:.4g} s</text>"

    def _rows(self, ids: Sequence[int], lane: float) -> Iterator[str]:
        pixels = max(1.0, len(ids) * _WIDTH / _MOST_BARS)
        least = pixels * self._seconds / _WIDTH
        every = max(1, math.ceil(_LABELLED / lane))
        for number, engine in enumerate(ids):
            y = _TOP + number * lane
            if number % every == 0:
                middle = y + lane / 2 + 4
                yield f"<text x='{_LEFT - 6:g}' y='{middle:.1f}' text-anchor='end'>engine {engine}</text>"
            for bar in merged(self._lanes[engine], least):
                yield self._rectangle(bar, y, lane)

    def _rectangle(self, bar: Bar, y: float, lane: float) -> str:
        x, right = self._x(bar.start), self._x(bar.end)
        wide, high = max(0.8, right - x), max(1.0, lane - max(1.0, lane / 8))
        where = f"x='{x:.1f}' y='{y:.1f}' width='{wide:.1f}' height='{high:.1f}'"
        edge = " stroke='#fff8' stroke-width='0.5'" if wide > 3 else ""
        title = escape(in_a_line(bar.title))
        part = bar.failures / bar.tasks if bar.tasks > 1 and bar.state not in FAILED else 0.0
        red = max(1.0, part * high) if part else 0.0
        where_red = f"x='{x:.1f}' y='{y + high - red:.1f}' width='{wide:.1f}' height='{red:.1f}'"
        failed = f"<rect {where_red} fill='{_OF_STATES['error']}' pointer-events='none'/>" if part else ""
        return f"<rect {where} fill='{self._colour(bar)}'{edge}><title>{title}</title></rect>{failed}"

    def _colour(self, bar: Bar) -> str:
        if bar.state in _OF_STATES:
            return _OF_STATES[bar.state]
        return _COLOURS[self._names.index(bar.name)] if bar.name in self._names else _COLOURS[-1]

    def _legend(self, below: float) -> Iterator[str]:
        yield f"<text x='{_LEFT:g}' y='{below + 28:g}'>{escape(f'{self._name}: {self._in_words()}')}</text>"
        entries = [(in_a_line(name) or "tasks", _COLOURS[number]) for number, name in enumerate(self._names)]
        found = {bar.state for bar in self._bars}
        entries += [(state, colour) for state, colour in _OF_STATES.items() if state in found]
        x = _LEFT
        for name, colour in entries:
            short = name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"
            if x + 13 + _LETTER * len(short) > _WIDTH:
                return
            yield f"<rect x='{x:.0f}' y='{below + 6:g}' width='9' height='9' fill='{colour}'/>"
            yield f"<text x='{x + 13:.0f}' y='{below + 14:g}'>{escape(short)}</text>"
            x += 30 + _LETTER * len(short)
