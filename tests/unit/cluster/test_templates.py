"""Templates of batch scripts."""

from __future__ import annotations

from pathlib import Path

import pytest

from engineroom.cluster.launchers.templates import TemplateError, find_template, render
from engineroom.errors import LaunchError

FIELDS = {"n": 16, "queue": "short", "profile_dir": "/p", "nodes": {"a": 1}, "name": "it's"}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("nodes={n/4}:ppn=4", "nodes=4:ppn=4"),
        ("{n/5}", "3.2"),
        ("{n/3:.1f}", "5.3"),
        ("{n:03d} {queue!r}", "016 'short'"),
        ("{max(1, n // 32)} {n if n > 8 else 'few'}", "1 16"),
        ("{nodes['a']} {[x for x in range(3)][1:]}", "1 [1, 2]"),
        ("{ {1: 'one'}[1] }", "one"),
        ("{{n}} {{{n}}} awk '{{print $1}}'", "{n} {16} awk '{print $1}'"),
        ("${HOME} ${VAR:-x} ${#list[@]} ${file%.*} $HOME", "${HOME} ${VAR:-x} ${#list[@]} ${file%.*} $HOME"),
        ("${{n}} cost$${n}", "${n} cost$$16"),
        ("", ""),
    ],
)
def test_what_is_in_braces_is_evaluated(template: str, expected: str) -> None:
    assert render(template, FIELDS) == expected


@pytest.mark.parametrize(
    ("template", "line", "words"),
    [
        ("a\nb\n{nosuch}", 3, r"\{nosuch\} can't be evaluated: NameError.*Known are .*queue"),
        ("a\n{print $1}", 2, "SyntaxError.*write {{ and }}"),
        ("{n/0}", 1, "ZeroDivisionError"),
        ("{n", 1, "a lone {: write {{"),
        ("a\n}", 2, "a lone }: write }}"),
        ("{queue:d}", 1, "ValueError"),
    ],
)
def test_what_can_not_be_filled_in_is_named_with_its_line(template: str, line: int, words: str) -> None:
    with pytest.raises(TemplateError, match=words) as caught:
        render(template, FIELDS, name="pbs.template")
    assert caught.value.line == line
    assert str(caught.value).startswith(f"pbs.template, line {line}: ")


def test_a_template_file_is_looked_for_here_first_and_then_in_the_profile(tmp_path: Path) -> None:
    here, profile = tmp_path / "here", tmp_path / "profile"
    for place in (here, profile):
        place.mkdir()
    (profile / "t").write_text("")
    assert find_template("t", [here, profile]) == profile / "t"
    (here / "t").write_text("")
    assert find_template("t", [here, profile]) == here / "t"
    assert find_template(str(profile / "t"), [here]) == profile / "t"
    with pytest.raises(LaunchError, match=f"looked for {here}/u and {profile}/u"):
        find_template("u", [here, profile])
