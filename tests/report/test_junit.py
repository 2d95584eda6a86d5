"""JUnit: valid XML whatever a service says, and the right counts."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from harness.judging.grading import NotExercised
from harness.judging.results import Expectation
from harness.report.junit import junit
from tests.judging.test_results import RESULT


def test_counts_and_cases() -> None:
    good = replace(RESULT, verdict="conformant")
    broken = replace(RESULT, verdict="error", error="step 'key': refused")
    root = ElementTree.fromstring(junit([RESULT, good, broken], seconds=1.0).encode())
    suite = root.find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "3",
        "failures": "1",
        "errors": "1",
    }
    cases = suite.findall("testcase")
    assert [case.get("name") for case in cases] == ["azure-ga"] * 3
    assert [len(case) for case in cases] == [1, 0, 1]
    failure = cases[0].find("failure")
    assert failure is not None
    assert failure.get("message") == "cause cause [api-key-invalid]"


def test_what_was_not_exercised_is_skipped_with_its_reason() -> None:
    good = replace(RESULT, verdict="conformant")
    left_out = [
        NotExercised("tools/one.yaml", name, "A tool", "the service has no <tools>") for name in ("azure-ga", "x")
    ]
    root = ElementTree.fromstring(junit([good], seconds=1.0, left_out=left_out).encode())
    assert root.get("tests") == "3"
    suites = {suite.get("name"): (suite.get("tests"), suite.get("skipped")) for suite in root}
    assert suites == {"azure-ga": ("2", "1"), "x": ("1", "1")}
    reasons = {(case.get("classname"), one.get("message")) for case in root.iter("testcase") for one in case}
    assert reasons == {("tools/one.yaml", "the service has no <tools>")}


@given(st.text())
def test_any_text_of_a_service_gives_valid_xml(text: str) -> None:
    result = replace(RESULT, expectations=(Expectation(1, False, text, text),))
    ElementTree.fromstring(junit([result], seconds=0.0).encode("utf-8", "surrogatepass"))
