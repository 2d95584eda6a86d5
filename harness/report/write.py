"""Writes what a run leaves in its output folder: results.json first, then junit.xml, conformance.html and runs/, all from the same results."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.files import write_text
from harness.judging.grading import NotExercised, grade
from harness.judging.results import Result, to_json
from harness.report.html import conformance_html, page_of, run_page, selftest_html
from harness.report.junit import junit
from harness.report.proof import FILE, PAGE, Proof, proof_of, read_proof


def write_reports(
    results: Sequence[Result],
    out: Path,
    *,
    seconds: float,
    left_out: Sequence[NotExercised] = (),
    proof: Proof | None = None,
    fresh: Sequence[Result] | None = None,
) -> Path:
    """Write the reports into ``out`` (made if needed) and return the path of the HTML report. Raises UsageError where a file cannot be written.

    The report itself tells what failed; each conformant run has a page of its own below ``runs/``, so that the report stays small.

    ``left_out`` are the scenarios that the target could not be made to do; ``proof`` is what a selftest proved, by default the last
    one that was run with the same ``out``; ``fresh`` are the runs whose pages are not there yet: all, unless told.
    """
    made = datetime.now(UTC)
    document = {**to_json(results, seconds=seconds), "made": made.isoformat(timespec="seconds")}
    capabilities = grade(results, left_out)
    if capabilities:
        document["capabilities"] = {one.name: one.to_json() for one in capabilities}
    write_text(out / "results.json", _by_run(document))
    write_text(out / "junit.xml", junit(results, seconds=seconds, left_out=left_out))
    page = out / "conformance.html"
    proof = proof or read_proof(out)
    when = f"{made:%Y-%m-%d %H:%M} UTC"
    write_text(
        page, conformance_html(results, seconds=seconds, out=out, capabilities=capabilities, proof=proof, made=when)
    )
    conformant = [one for one in (results if fresh is None else fresh) if one.verdict == "conformant"]
    for result in conformant:
        write_text(out / page_of(result), run_page(result, out=out))
    return page


def write_selftest(document: Mapping[str, Any], out: Path) -> Path:
    """Write what a selftest showed as selftest.json and selftest.html, and return the path of the page. Raises UsageError likewise."""
    write_text(out / FILE, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    write_text(out / PAGE, selftest_html(proof_of(document)))
    return out / PAGE


def _by_run(document: Mapping[str, Any]) -> str:
    """The JSON text with each run on a line of its own: a third of the size of indented text, and still easy to compare."""
    rest = {name: value for name, value in document.items() if name != "runs"}
    head = json.dumps(rest, indent=1, ensure_ascii=False).removesuffix("\n}")
    runs = ",\n".join(json.dumps(run, ensure_ascii=False, separators=(",", ":")) for run in document["runs"])
    return f'{head},\n "runs": [\n{runs}\n]\n}}\n'
