"""What README and docs/ name exists: files, make targets, commands, settings, tests."""

import pkgutil
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import daybreak
import daybreak.training
from daybreak.cli.app import app
from daybreak.settings import PROJECT, Settings

PAGES = [PROJECT / "README.md", PROJECT / "CHANGELOG.md", *sorted((PROJECT / "docs").rglob("*.md"))]
FOLDERS = ("dags", "plugins", "include", "sql", "tests", "docs", ".ci", "unit", "retail", "end_to_end", "benchmarks")
ON_DISK = re.compile(rf"(?<![\w/.-])((?:{'|'.join(map(re.escape, FOLDERS))})/[\w./-]*)")
ROOMS = sorted(path.parent.name for path in (PROJECT / "include" / "daybreak").glob("*/__init__.py"))
IN_A_ROOM = re.compile(rf"(?:{'|'.join(ROOMS)})(?:\.\w+)+")
TARGETS = set(re.findall(r"^([a-z-]+):", (PROJECT / "Makefile").read_text(), re.M))


def name(path: Path) -> str:
    return path.relative_to(PROJECT).as_posix()


def code(page: Path) -> Iterator[str]:
    """Yield what a page sets as code, inline or in blocks."""
    text = page.read_text()
    for block in re.findall(r"^```\w*\n(.*?)^```", text, re.M | re.S):
        yield from block.splitlines()
    yield from re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.M | re.S))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_a_page_names_exists(page: Path) -> None:
    # What a page makes is not there before; the page's own test sees it being made.
    made = set(re.findall(r"^  (\S+)  \(\d+ lines\)$|^<!-- (?:shown|file): (\S+) -->$", page.read_text(), re.M))
    made = {path for either in made for path in either}
    for path in {path.rstrip(".") for snippet in code(page) for path in ON_DISK.findall(snippet)} - made:
        # Tests may be named from tests/ on, as `sql/test_replay.py`.
        assert any((root / path).exists() or list(root.glob(path)) for root in (PROJECT, PROJECT / "tests")), path


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
        if "://" not in target and not target.startswith("#"):
            assert (page.parent / target.partition("#")[0]).exists(), target


@pytest.mark.parametrize("snippet", sorted({*filter(IN_A_ROOM.fullmatch, code(PROJECT / "docs" / "architecture.md"))}))
def test_everything_that_the_architecture_names_by_its_room_exists(snippet: str) -> None:
    assert pkgutil.resolve_name(f"daybreak.{snippet}") is not None


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_make_target_a_page_names_exists(page: Path) -> None:
    for snippet in code(page):
        for target in re.findall(r"^\s*make ([a-z][a-z-]*)", snippet):
            assert target in TARGETS, snippet


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_and_option_a_page_names_exists(page: Path) -> None:
    for snippet in code(page):
        for line in re.findall(r"(?:^|bin/|run --rm )daybreak ([^#\n]*)", snippet):
            command: Any = get_command(app)
            words = line.split()
            while hasattr(command, "commands") and words and not words[0].startswith("-"):
                assert words[0] in command.commands, snippet
                command = command.commands[words.pop(0)]
            options = {option for parameter in command.params for option in parameter.opts + parameter.secondary_opts}
            assert {word for word in words if word.startswith("--")} <= options | {"--help"}, snippet


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_setting_a_page_names_exists(page: Path) -> None:
    known = {f"DAYBREAK_{field.upper()}" for field in Settings.model_fields}
    named = set(re.findall(r"\bDAYBREAK_[A-Z][A-Z_]*[A-Z]\b", page.read_text()))
    # Sources and channels have names of their own.
    assert {name for name in named if not name.startswith(("DAYBREAK_SOURCE_", "DAYBREAK_ALERT_"))} <= known


def test_every_setting_is_documented() -> None:
    page = (PROJECT / "docs" / "settings.md").read_text()
    for field in Settings.model_fields:
        assert f"`DAYBREAK_{field.upper()}{'_<NAME>' if field in ('source', 'alert') else ''}`" in page, field


def test_make_alone_lists_every_target() -> None:
    listed = subprocess.run(["make", "--no-print-directory"], cwd=PROJECT, capture_output=True, text=True, check=True)
    assert set(re.findall(r"^  make ([a-z-]+) ", listed.stdout, re.M)) == TARGETS


def test_ci_runs_what_a_user_would_run() -> None:
    assert re.search(r"^make test$", (PROJECT / ".ci" / "run").read_text(), re.M)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_test_a_page_names_exists(page: Path) -> None:
    sources = "\n".join(path.read_text() for path in (PROJECT / "tests").rglob("test_*.py"))
    files = {path.name for path in (PROJECT / "tests").rglob("*.py")}
    for snippet in code(page):
        for test in re.findall(r"\btest_\w+(?:\.py)?", snippet):
            assert test in files or f"def {test}(" in sources or f"{test}.py" in files, test


def test_the_reference_says_what_the_docstrings_say() -> None:
    made = subprocess.run(
        [sys.executable, "-c", "import make_reference; print(make_reference.page(), end='')"],
        cwd=PROJECT / "docs",
        capture_output=True,
        text=True,
        check=True,
    )
    assert (PROJECT / "docs" / "reference.md").read_text() == made.stdout, "run `make reference`"
    for name in (*daybreak.__all__, *daybreak.training.__all__):
        assert f"`{name}`" in made.stdout


def test_the_readme_hands_out_the_address_of_those_who_read() -> None:
    shown = re.findall(r"daybreak url\b(?: --role (\w+))?", (PROJECT / "README.md").read_text())
    assert shown
    assert set(shown) == {"reader"}
