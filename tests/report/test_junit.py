"""JUnit: valid XML whatever a service says, and the right counts."""

from __future__ import annotations

from dataclasses import replace
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from harness.report.junit import junit
from harness.results import Expectation
from tests.test_results import RESULT


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
    assert failure.get("message") == "cause     cause  [api-key-invalid]"


@given(st.text())
def test_any_text_of_a_service_gives_valid_xml(text: str) -> None:
    result = replace(RESULT, expectations=(Expectation(1, False, text, text),))
    ElementTree.fromstring(junit([result], seconds=0.0).encode("utf-8", "surrogatepass"))
