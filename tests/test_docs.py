"""What `docs/testing.md` teaches is true: its examples run, and its reports are those they give.

A `python` block is a file, named by its first line. A `diff` block changes the file above it;
the result is run beside the original. A `text` block that begins with `$` is what one of them
reports, with `...` for whatever differs from run to run; a file that reports is meant to fail.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree import ElementTree as ET

import pytest

from tests.architecture import ROOT

TEACHING = ROOT / "docs" / "testing.md"
BLOCK = re.compile(r"^```(python|diff|text)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass
class Example:
    """A file of the text, and what is said about it."""

    name: str
    text: str
    reports: list[str] = field(default_factory=list)
    """What it is said to report when it fails."""


def examples(text: str) -> Iterator[Example]:
    """The files in `text`, and each as its diffs change it."""
    found: list[Example] = []
    for kind, block in BLOCK.findall(text):
        if kind == "python":
            name = re.match(r"# (\S+\.py)\n", block)
            assert name is not None, f"a block without a file name: {block[:60]!r}"
            found.append(Example(name[1], block))
        elif kind == "diff":
            found.append(Example(_next_name(found[-1].name), _changed(found[-1].text, block)))
        elif block.startswith("$ "):
            found[-1].reports.append(block.partition("\n")[2])
    yield from found


def _next_name(name: str) -> str:
    return f"{name.removesuffix('.py')}_changed.py"


def _changed(text: str, diff: str) -> str:
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] or line for line in lines if not line.startswith("+"))
    after = "".join(line[1:] or line for line in lines if not line.startswith("-"))
    assert text.count(before) == 1, f"this diff fits nowhere, or twice:\n{diff}"
    return text.replace(before, after)


def first_missing(report: str, output: str) -> str | None:
    """The first line of `report` that `output` does not have behind those before it."""
    left = (_words(line) for line in output.splitlines())
    return next((line for line in report.splitlines() if not _found(_words(line), left)), None)


def _found(line: str, left: Iterator[str]) -> bool:
    if line in {"", "..."}:
        return True
    pattern = re.compile(".*".join(map(re.escape, line.split("..."))))
    return any(pattern.fullmatch(each) for each in left)


def _words(line: str) -> str:
    return " ".join(line.split())


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    """Every example, run by one pytest, in a folder that has nothing else."""
    folder = tmp_path_factory.mktemp("reader")
    shown = list(examples(TEACHING.read_text(encoding="utf-8")))
    for example in shown:
        (folder / example.name).write_text(example.text, encoding="utf-8")
    quiet = ("-p", "no:cacheprovider", "--tb=short", "--show-capture=no", "-W", "error")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--rootdir", ".", "--junit-xml=told.xml", *quiet, "."],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (folder / "told.xml").exists(), done.stdout + done.stderr
    return Played(shown, done.stdout, ET.parse(folder / "told.xml").getroot())  # noqa: S314 - our own


@dataclass
class Played:
    """The examples, and what pytest said to them."""

    examples: list[Example]
    output: str
    junit: ET.Element

    def outcomes(self, example: Example) -> set[bool]:
        """Whether its tests failed: none has, all have, or some."""
        module = example.name.removesuffix(".py")
        cases = [c for c in self.junit.iter("testcase") if _module(c) == module]
        return {case.find("failure") is not None for case in cases}


def _module(case: ET.Element) -> str:
    return case.get("classname", "").partition(".")[0]


@pytest.mark.process
def test_every_example_does_what_the_text_says(played: Played) -> None:
    for example in played.examples:
        if example.name.startswith("test_"):
            assert played.outcomes(example) == {bool(example.reports)}, (
                f"{example.name}\n{played.output}"
            )


@pytest.mark.process
def test_every_report_is_what_the_reader_will_see(played: Played) -> None:
    reports = [report for example in played.examples for report in example.reports]
    assert reports
    for report in reports:
        assert first_missing(report, played.output) is None, played.output


def test_a_diff_changes_the_file_above_it() -> None:
    text = "```python\n# a.py\nx = 1\ny = 2\n```\n\n```diff\n x = 1\n-y = 2\n+y = 3\n```\n"
    assert [(e.name, e.text) for e in examples(text)] == [
        ("a.py", "# a.py\nx = 1\ny = 2\n"),
        ("a_changed.py", "# a.py\nx = 1\ny = 3\n"),
    ]


@pytest.mark.parametrize("diff", ["-z = 1\n", "-x = 1\n+y = 1\n"])
def test_a_diff_that_fits_nowhere_or_twice_is_noticed(diff: str) -> None:
    with pytest.raises(AssertionError, match="fits nowhere, or twice"):
        list(examples(f"```python\n# a.py\nx = 1\nx = 1\n```\n```diff\n{diff}```\n"))


def test_a_line_that_was_not_reported_is_noticed() -> None:
    output = "E   first 1\nE   second 2\n"
    assert first_missing("E first ...\n...\nE second 2\n", output) is None
    assert first_missing("E first ...\nE second\n", output) == "E second"
    assert first_missing("E second 2\nE first 1\n", output) == "E first 1"
