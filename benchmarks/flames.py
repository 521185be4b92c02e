"""`python -m benchmarks.flames`: where the controller's CPU time goes under no-ops, as a flame graph.

A frame is as wide as its share of the samples; the frames that it calls stand on it. `--engines N`: of how many
connections over TLS (1,000); `-o FILE`: where the SVG goes.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import engineroom as er
from benchmarks.rates import submit_and_gather
from benchmarks.scale import controller, fakes, wait_for_ids

PAGE = Path(__file__).resolve().parents[1] / "docs" / "controller-time.svg"
TASKS = 200_000
WIDTH, ROW, EDGE = 1200, 17, 24
LEAST = 0.004
"""Frames with less than this share of all samples are left out."""
_LETTER = 6.4
FONT = 'font-family="monospace" font-size="11"'


@dataclass
class Node:
    """A frame, as called from those below it. `count`: samples in it, and in what it calls."""

    name: str
    count: int = 0
    calls: dict[str, Node] = field(default_factory=dict)


def tree(lines: list[str]) -> Node:
    """Return the root of all stacks in folded lines."""
    root = Node("all")
    for line in lines:
        stack, _, count = line.rpartition(" ")
        node = root
        root.count += int(count)
        for name in stack.split(";"):
            node = node.calls.setdefault(name, Node(name))
            node.count += int(count)
    return root


def boxes(node: Node, depth: int, start: int, least: float) -> Iterator[tuple[Node, int, int]]:
    """Yield frames that are wide enough, their depth, and how many samples lie left of them."""
    yield node, depth, start
    for called in sorted(node.calls.values(), key=lambda each: each.name):
        if called.count >= least:
            yield from boxes(called, depth + 1, start, least)
        start += called.count


def colour(name: str) -> str:
    """Return a colour by the layer that a frame belongs to."""
    layers = {"core": "#e8a33d", "transport": "#6aa5d8", "protocol": "#8fc7a6", "controller": "#d9746a"}
    return layers.get(name.partition(".")[0], "#c9c3b8")


def svg(root: Node, title: str) -> str:
    """Return the picture."""
    drawn = list(boxes(root, 0, 0, root.count * LEAST))
    height = EDGE + ROW * (1 + max(depth for _, depth, _ in drawn)) + 6
    scale = WIDTH / root.count
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" {FONT}>',
        f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
        f'<text x="4" y="15" font-size="13">{escape(title)}</text>',
    ]
    for node, depth, start in drawn:
        x, y, width = start * scale, height - 4 - ROW * (depth + 1), node.count * scale
        share = f"{node.name}: {node.count / root.count:.1%}"
        parts.append(
            f'<g><title>{escape(share)}</title><rect x="{x:.1f}" y="{y}" width="{max(width - 0.5, 0.5):.1f}" '
            f'height="{ROW - 1}" fill="{colour(node.name)}"/>'
        )
        letters = int((width - 6) / _LETTER)
        if letters >= 4:
            name = share if len(share) <= letters else node.name.rpartition(".")[2]
            parts.append(f'<text x="{x + 3:.1f}" y="{y + 12}">{escape(name[:letters])}</text>')
        parts.append("</g>")
    return "\n".join([*parts, "</svg>\n"])


def sampled(engines: int) -> list[str]:
    """Return the folded stacks of a controller with so many connections, while no-ops run."""
    with tempfile.TemporaryDirectory(prefix="er-bench-") as home:
        profile, stacks = Path(home) / "profile_bench", Path(home) / "stacks"
        with (
            controller(profile, sampled=stacks),
            er.Client(profile_dir=str(profile), timeout=30) as rc,
            fakes(engines, profile),
        ):
            wait_for_ids(rc, engines)
            submit_and_gather(rc.load_balanced_view(), TASKS)
        return stacks.read_text().splitlines()


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.flames", description=__doc__)
    parser.add_argument("--engines", type=int, default=1000)
    parser.add_argument("-o", "--output", type=Path, default=PAGE)
    chosen = parser.parse_args()
    root = tree(sampled(chosen.engines))
    chosen.output.write_text(svg(root, f"CPU time of the controller: {chosen.engines:,} engines, {TASKS:,} no-ops"))
    print(f"{root.count:,} samples, drawn in {chosen.output}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
