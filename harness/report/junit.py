"""JUnit XML from results: a test suite a dialect, a test case a run; what CI servers show."""

from __future__ import annotations

import re
from collections.abc import Sequence
from xml.etree import ElementTree

from harness.judging.grading import NotExercised
from harness.judging.results import Result
from harness.report.text import failure

# XML 1.0 section 2.2: these cannot stand in a document, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(results: Sequence[Result], *, seconds: float, left_out: Sequence[NotExercised] = ()) -> str:
    """The document as text. nonconformant is a failure; error and inconclusive are errors: they could not be judged.

    ``left_out`` are the scenarios that the service could not be made to do: skipped, with the reason.
    """
    root = ElementTree.Element(
        "testsuites", name="realtime-harness", tests=str(len(results) + len(left_out)), time=f"{seconds:.3f}"
    )
    for dialect in dict.fromkeys([*(one.dialect for one in results), *(one.dialect for one in left_out)]):
        runs = [result for result in results if result.dialect == dialect]
        skipped = [one for one in left_out if one.dialect == dialect]
        suite = ElementTree.SubElement(
            root,
            "testsuite",
            name=dialect,
            tests=str(len(runs) + len(skipped)),
            failures=str(sum(run.verdict == "nonconformant" for run in runs)),
            errors=str(sum(run.verdict in ("error", "inconclusive") for run in runs)),
            skipped=str(len(skipped)),
            time=f"{sum(run.seconds for run in runs):.3f}",
        )
        for run in runs:
            _case(suite, run)
        for one in skipped:
            case = ElementTree.SubElement(suite, "testcase", classname=one.scenario, name=one.dialect, time="0.000")
            ElementTree.SubElement(case, "skipped", message=_NOT_XML.sub("�", one.reason))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _case(suite: ElementTree.Element, run: Result) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=run.scenario,
        name=f"{run.dialect} #{run.repetition}" if run.repetition else run.dialect,
        time=f"{run.seconds:.3f}",
    )
    if run.warned:
        ElementTree.SubElement(case, "system-out").text = _NOT_XML.sub("�", "\n".join(failure(run)))
    if run.verdict == "conformant":
        return
    kind = "failure" if run.verdict == "nonconformant" else "error"
    text = _NOT_XML.sub("�", "\n".join(failure(run)))
    lines = text.splitlines()
    problem = ElementTree.SubElement(
        case, kind, type=run.verdict, message=" ".join(lines[1].split()) if len(lines) > 1 else run.verdict
    )
    problem.text = text
