"""Writes what a run leaves in its output folder: results.json first, then conformance.html and junit.xml, all from the same results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from harness.capabilities import NotExercised, grade
from harness.report.html import conformance_html
from harness.report.junit import junit
from harness.results import Result, to_json


def write_reports(
    results: Sequence[Result], out: Path, *, seconds: float, left_out: Sequence[NotExercised] = ()
) -> Path:
    """Write the three files into ``out`` (made if needed) and return the path of the HTML report. Raises OSError.

    ``left_out`` are the scenarios that the target could not be made to do.
    """
    out.mkdir(parents=True, exist_ok=True)
    document = to_json(results, seconds=seconds)
    capabilities = grade(results, left_out)
    if capabilities:
        document["capabilities"] = {one.name: one.to_json() for one in capabilities}
    text = json.dumps(document, indent=1, ensure_ascii=False)
    (out / "results.json").write_text(text + "\n", encoding="utf-8")
    (out / "junit.xml").write_text(junit(results, seconds=seconds), encoding="utf-8")
    page = out / "conformance.html"
    page.write_text(conformance_html(results, seconds=seconds, out=out, capabilities=capabilities), encoding="utf-8")
    return page
