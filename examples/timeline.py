"""A picture of which engine ran what when: one row an engine, one bar a task, as SVG."""

from __future__ import annotations

import colorsys
import zlib
from collections import defaultdict
from html import escape
from typing import NamedTuple

WIDTH, LEFT, RIGHT, TOP, ROW, BAR = 1110, 90, 90, 64, 46, 32
STYLE = """
  text { font: 12px 'DejaVu Sans', Verdana, sans-serif; fill: #444 }
  .title { font-size: 15px; font-weight: bold; fill: #222 }
  .lane { fill: #efece5 }
  .grid { stroke: #d8d3c8 }
"""


class Span(NamedTuple):
    """One task: what it was called, the group that gives its colour, who ran it, and when (s since 1970)."""

    name: str
    group: str
    engine: int
    started: float
    completed: float


def colour(group: str) -> str:
    """Return a quiet colour that is always the same for the same `group`."""
    hue = (zlib.crc32(group.encode()) % 360) / 360
    red, green, blue = colorsys.hls_to_rgb(hue, 0.58, 0.48)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"


def draw(spans: list[Span], title: str) -> str:
    """Return the SVG of `spans` (at least one); pointing at a bar shows its name and duration."""
    first = min(span.started for span in spans)
    last = max(span.completed for span in spans)
    scale = (WIDTH - LEFT - RIGHT) / max(last - first, 1e-6)
    lanes: dict[int, list[Span]] = defaultdict(list)
    for span in spans:
        lanes[span.engine].append(span)
    bottom = TOP + ROW * len(lanes)
    body = [f'<text class="title" x="16" y="26">{escape(title)}</text>', *_legend(spans)]
    body += _axis(last - first, scale, bottom)
    for row, engine in enumerate(sorted(lanes)):
        y = TOP + ROW * row + (ROW - BAR) / 2
        busy = sum(span.completed - span.started for span in lanes[engine]) / max(last - first, 1e-6)
        body.append(f'<text x="16" y="{y + 20}">engine {engine}</text>')
        body.append(f'<rect class="lane" x="{LEFT}" y="{y}" width="{WIDTH - LEFT - RIGHT}" height="{BAR}"/>')
        body += [_bar(span, first, scale, y, faint=bool(index % 2)) for index, span in enumerate(lanes[engine])]
        body.append(f'<text x="{WIDTH - RIGHT + 8}" y="{y + 20}">{busy:.0%} busy</text>')
    height = bottom + 34
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}">'
    paper = f'<style>{STYLE}</style><rect width="{WIDTH}" height="{height}" fill="#fbfaf7"/>'
    return "\n".join([head, paper, *body, "</svg>\n"])


def _bar(span: Span, first: float, scale: float, y: float, *, faint: bool) -> str:
    """Return one bar; every other one is `faint`, so that neighbours are told apart."""
    x = LEFT + (span.started - first) * scale
    width = max((span.completed - span.started) * scale, 0.3)
    opacity = 0.8 if faint else 1
    told = f"{span.name}: {(span.completed - span.started) * 1e3:.1f} ms"
    return (
        f'<rect x="{x:.2f}" y="{y}" width="{width:.2f}" height="{BAR}" fill="{colour(span.group)}" opacity="{opacity}">'
        f"<title>{escape(told)}</title></rect>"
    )


def _axis(seconds: float, scale: float, bottom: float) -> list[str]:
    step = next((step for step in (0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60, 300) if seconds / step <= 12), 3600)
    lines = []
    for tick in range(int(seconds / step) + 1):
        x = LEFT + tick * step * scale
        lines.append(f'<line class="grid" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP}" y2="{bottom}"/>')
        lines.append(f'<text x="{x:.1f}" y="{bottom + 18}" text-anchor="middle">{tick * step:g} s</text>')
    return lines


def _legend(spans: list[Span]) -> list[str]:
    """Return a key to the groups that took the most time, as many as fit."""
    seconds: dict[str, float] = defaultdict(float)
    for span in spans:
        seconds[span.group] += span.completed - span.started
    lines, x = [], 16.0
    for group in sorted(seconds, key=lambda group: -seconds[group])[:9]:
        lines.append(f'<rect x="{x}" y="40" width="11" height="11" fill="{colour(group)}"/>')
        lines.append(f'<text x="{x + 16}" y="50">{escape(group)}</text>')
        x += 36 + 7.4 * len(group)
        if x > WIDTH - 160:
            break
    return lines
