"""README and docs/: their links lead somewhere, their scenarios load, and the commands and options that they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer.main

from harness.cli import main as cli
from harness.scenario.loader import loads

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]
COMMAND = re.compile(
    r"\bharness (run|check|serve|judge|scenario|cassette|rules|faults|dialects|explain|schema|selftest)\b([^`|\n]*)"
)
pages = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


@pages
def test_links_lead_to_files(page: Path) -> None:
    targets = re.findall(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


@pages
def test_scenarios_load(page: Path) -> None:
    for text in re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.S | re.M):
        whole = text if text.startswith("title:") else f"title: x\n{text}"
        assert loads(whole, ROOT / "scenarios" / "turns" / "x.yaml").dialects


@pages
def test_commands_have_the_options_that_are_named(page: Path) -> None:
    group = typer.main.get_command(cli.app)
    for name, rest in COMMAND.findall(page.read_text()):
        command = group.commands[name]  # type: ignore[attr-defined]
        known = {option for one in command.params for option in one.opts}
        assert set(re.findall(r"(?<!\w)--?[a-z][a-z-]*", rest)) <= known, f"harness {name}{rest}"


def test_there_is_something_to_look_at() -> None:
    text = "".join(page.read_text() for page in PAGES)
    assert len(COMMAND.findall(text)) > 15
    assert len(re.findall(r"^```yaml$", text, re.M)) >= 2
    assert len((ROOT / "README.md").read_text().splitlines()) < 150
