"""The output folder: all files, results.json valid and one run a line."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from harness.judging.results import to_json
from harness.report.html import page_of
from harness.report.write import write_reports
from tests.judging.test_results import RESULT

GOOD = replace(RESULT, verdict="conformant", dialect="openai-ga")


def test_every_file_is_there(tmp_path: Path) -> None:
    page = write_reports([RESULT, GOOD], tmp_path / "new" / "out", seconds=1.5)
    assert page == tmp_path / "new" / "out" / "conformance.html"
    left = {path.relative_to(page.parent).as_posix() for path in page.parent.rglob("*") if path.is_file()}
    assert left == {"results.json", "junit.xml", "conformance.html", page_of(GOOD)}


def test_results_json_is_what_to_json_says_one_run_a_line(tmp_path: Path) -> None:
    write_reports([RESULT, GOOD], tmp_path, seconds=1.5)
    text = (tmp_path / "results.json").read_text()
    read = json.loads(text)
    expected = json.loads(json.dumps(to_json([RESULT, GOOD], seconds=1.5)))
    assert {name: read[name] for name in expected} == expected
    assert sum(line.startswith('{"scenario"') for line in text.splitlines()) == 2


def test_no_runs_is_still_a_report(tmp_path: Path) -> None:
    write_reports([], tmp_path, seconds=0.0)
    assert json.loads((tmp_path / "results.json").read_text())["runs"] == []
