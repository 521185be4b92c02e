"""A census of real Python code on four engines, and what else engineroom does: run it with `make demo`.

Every .py file of the running Python's standard library and of the installed packages is parsed and compiled on the
engines. The same census, done here one file after the other, must give identical numbers.
"""

from __future__ import annotations

import argparse
import ast
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import NamedTuple

import numpy as np
from rich.console import Console
from rich.panel import Panel
from rich.progress import track
from rich.table import Table
from rich.text import Text
from timeline import Span, draw

import engineroom as er

BUILD = Path(__file__).resolve().parents[1] / "build" / "demo"
ENGINES = 4
CHUNK = 8  # files in one task: enough work to be worth the way, and few enough that all engines end together
STDLIB, PACKAGES = (sysconfig.get_path(name) for name in ("stdlib", "purelib"))
console = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


class Facts(NamedTuple):
    """What the census notes of one file; `problem`: why it could not be parsed, or ""."""

    path: str
    lines: int = 0
    functions: int = 0
    classes: int = 0
    instructions: int = 0
    imports: tuple[str, ...] = ()
    longest: tuple[int, str] = (0, "")
    problem: str = ""


def statements(tree: ast.Module) -> Iterator[ast.stmt]:
    """Yield all statements; `ast.walk` would visit each name and number as well, ten times as many."""
    waiting: list[ast.stmt] = list(tree.body)
    while waiting:
        statement = waiting.pop()
        yield statement
        for block in ("body", "orelse", "finalbody"):
            waiting.extend(getattr(statement, block, ()))
        for case in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
            waiting.extend(case.body)


def instructions(code: CodeType) -> int:
    """Return how many bytecode instructions there are in `code` and in all functions and classes within."""
    inner = [constant for constant in code.co_consts if isinstance(constant, CodeType)]
    return len(code.co_code) // 2 + sum(map(instructions, inner))


def survey(path: str) -> Facts:
    """Parse and compile one file, and return what is in it."""
    with open(path, "rb") as file:
        source = file.read()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # other people's invalid escapes
            tree = ast.parse(source)
            code = compile(tree, path, "exec", dont_inherit=True)
    except (SyntaxError, ValueError) as error:
        return Facts(path, problem=type(error).__name__)
    functions, classes, imports, longest = 0, 0, [], (0, "")
    for node in statements(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            functions += 1
            longest = max(longest, ((node.end_lineno or node.lineno) - node.lineno + 1, node.name))
        elif isinstance(node, ast.ClassDef):
            classes += 1
        elif isinstance(node, ast.Import):
            imports += [name.name.partition(".")[0] for name in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            imports.append(node.module.partition(".")[0])
    return Facts(path, source.count(b"\n"), functions, classes, instructions(code), tuple(imports), longest)


def python_files(limit: int | None) -> list[str]:
    """Return the files to be counted, in order: the standard library's, then the installed packages'."""
    stdlib = [path for path in Path(STDLIB).rglob("*.py") if "site-packages" not in path.parts]
    packages = Path(PACKAGES).rglob("*.py")
    return [str(path) for paths in (stdlib, packages) for path in sorted(paths)][:limit]


def group_of(path: str) -> str:
    """Return the package that a file belongs to, or "stdlib"."""
    if not path.startswith(PACKAGES):
        return "stdlib"
    return Path(path).relative_to(PACKAGES).parts[0].removesuffix(".py")


@contextmanager
def cluster() -> Iterator[er.Client]:
    """Start a cluster with `ipcluster`, as one would in a shell, and connect; stop it at the end."""
    ipcluster = str(Path(sys.executable).with_name("ipcluster"))
    os.environ["IPYTHONDIR"] = home = tempfile.mkdtemp(prefix="ipython-", dir=BUILD)  # away from the user's own
    profile = f"--profile-dir={home}/profile_demo"
    began = time.perf_counter()
    with open(BUILD / "ipcluster.log", "w") as log:
        process = subprocess.Popen([ipcluster, "start", "-n", str(ENGINES), profile], stdout=log, stderr=log)
    try:
        with er.Client(profile_dir=f"{home}/profile_demo", timeout=30) as rc:
            rc.wait_for_engines(ENGINES, timeout=30)
            seconds = time.perf_counter() - began
            say(f"[bold]ipcluster start -n {ENGINES}[/]: engines {rc.ids} after {seconds:.2f} s")
            yield rc
    finally:
        began = time.perf_counter()
        if subprocess.run([ipcluster, "stop", profile], check=False, stdout=subprocess.DEVNULL).returncode:
            process.terminate()
        process.wait(timeout=30)
        shutil.rmtree(home, ignore_errors=True)
        say(f"[bold]ipcluster stop[/]: all gone after {time.perf_counter() - began:.2f} s")


def say(text: str) -> None:
    console.print(text, soft_wrap=True)


def watched(results: Iterable[Facts], total: int, title: str) -> list[Facts]:
    """Return the list of `results`, with a progress bar while they come in, if anybody looks."""
    return list(track(results, title, total=total, console=console, disable=not console.is_terminal))


def census(rc: er.Client, paths: list[str]) -> list[Facts]:
    """Take the census on the engines and here, compare the two, and show what they found."""
    began = time.perf_counter()
    found = rc.load_balanced_view().map_async(survey, paths, chunksize=CHUNK)
    facts = watched(found, len(paths), "on the engines")
    parallel = time.perf_counter() - began

    began = time.perf_counter()
    here = watched(map(survey, paths), len(paths), "here, serially ")
    serial = time.perf_counter() - began

    if facts != here:
        raise SystemExit("The two censuses differ: this is a bug in engineroom.")
    show_census(facts)
    table = Table("census", "seconds", "files/s", title=f"{len(paths):,} files", title_justify="left")
    table.add_row("here, serially", f"{serial:.2f}", f"{len(paths) / serial:,.0f}")
    table.add_row(f"on {ENGINES} engines", f"{parallel:.2f}", f"{len(paths) / parallel:,.0f}")
    console.print(table)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    say(f"identical numbers, {serial / parallel:.2f} times as fast on {cores} cores\n")

    tasks = zip(paths[::CHUNK], found.metadata[::CHUNK], strict=True)
    spans = [
        Span(path, group_of(path), row["engine_id"], row["started"].timestamp(), row["completed"].timestamp())
        for path, row in tasks
    ]
    (BUILD / "timeline.svg").write_text(draw(spans, f"A census of {len(paths):,} files: which engine ran what when"))
    say(f"Which engine ran what when: {BUILD / 'timeline.svg'}\n")
    return facts


def show_census(facts: list[Facts]) -> None:
    """Print the tables: the largest packages, and the most imported modules."""
    groups: dict[str, list[Facts]] = {}
    for fact in facts:
        groups.setdefault(group_of(fact.path), []).append(fact)
    columns = ("package", "files", "lines", "functions", "classes", "instructions", "longest function")
    table = Table(*columns, title="census")
    largest = sorted(groups, key=lambda name: -sum(fact.lines for fact in groups[name]))[:8]
    for name, members in [*((name, groups[name]) for name in largest), ("all packages", facts)]:
        length, function = max(fact.longest for fact in members)
        totals = (len(members), *(sum(column) for column in zip(*(fact[1:5] for fact in members), strict=True)))
        table.add_row(name, *(f"{total:,}" for total in totals), f"{function}, {length:,} lines")
    for column in table.columns[1:6]:
        column.justify = "right"
    console.print(table)
    imports = Counter(name for fact in facts for name in fact.imports)
    say("most imported: " + ", ".join(f"{name} ({count:,})" for name, count in imports.most_common(10)))
    unreadable = Counter(fact.problem for fact in facts if fact.problem)
    say("not valid Python (test data): " + (", ".join(f"{n} {name}" for name, n in unreadable.items()) or "none"))


def namespaces(rc: er.Client) -> None:
    """Push, execute, scatter and gather: the engines keep what they are given."""
    dv = rc[:]
    array = np.linspace(0, 1, 1_000_000)
    dv.push({"a": array}, block=True)
    dv.execute("import os; top = float((a * os.getpid()).max())", block=True)
    say(f"pushed 8 MB to each engine, which computed with it: {dv['top']}")
    dv.scatter("part", np.arange(16), block=True)
    dv.execute("part = part ** 2", block=True)
    say(f"scattered, squared, gathered: {dv.gather('part', block=True)}")


def per_head(pounds: float, heads: int) -> float:
    return pounds / heads


def remote_exception(rc: er.Client) -> None:
    """An exception arrives as what it was, and says where it came from."""
    try:
        rc[1].apply_sync(per_head, 100.0, heads=0)
    except ZeroDivisionError as error:
        text, title = "".join(traceback.format_exception(error)).rstrip(), "caught with `except ZeroDivisionError`"
        shown = Panel(Text(text), title=title, expand=False) if console.is_terminal else Text(f"{title}:\n{text}")
        console.print(shown, soft_wrap=True)


def killed_engine(rc: er.Client, paths: list[str], expected: list[Facts]) -> None:
    """Kill an engine in the middle of a run: every result comes all the same."""
    victim = rc.ids[-1]
    pid = rc[victim].apply_sync(os.getpid)
    run = rc.load_balanced_view().map_async(survey, paths, chunksize=1)
    results = iter(run)
    facts = [next(results) for _ in range(len(paths) // 4)]
    bound = rc[victim].apply_async(time.sleep, 60)  # it may run nowhere else
    os.kill(pid, signal.SIGKILL)
    began = time.perf_counter()
    try:
        bound.get(timeout=20)
    except er.EngineError as error:
        later = (time.perf_counter() - began) * 1e3
        say(f"engine {victim} SIGKILLed in the middle of a run; {later:.0f} ms later a task bound to it says: {error}")
    facts += watched(results, len(paths) - len(facts), "without it     ")
    if facts != expected:
        raise SystemExit("A result was lost or changed: this is a bug in engineroom.")
    say(f"all {len(facts):,} results are there, and right; engines left: {rc.ids}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--files", type=int, help="count at most so many files (all)")
    paths = python_files(parser.parse_args().files)
    BUILD.mkdir(parents=True, exist_ok=True)
    with cluster() as rc:
        facts = census(rc, paths)
        namespaces(rc)
        remote_exception(rc)
        part = slice(0, min(len(paths), 1000))
        killed_engine(rc, paths[part], facts[part])


if __name__ == "__main__":
    main()
