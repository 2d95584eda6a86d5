"""The HTML report: everything escaped, readable without JavaScript, every link has its target."""

from __future__ import annotations

import re
from dataclasses import replace

from harness.report.html import LEGEND, OUTCOMES, anchor, brief, conformance_html, page_of, run_html, run_page
from harness.results import EXIT_CODES, Expectation
from harness.rules.base import Outcome
from tests.test_results import RESULT
from tests.traces import SET_UP, event, trace

EVIL = "<script>alert(1)</script>"
RECORDING = trace(
    *SET_UP,
    event(1.0, "service", "response.output_audio_transcript.delta", delta=EVIL),
    event(1.1, "service", "error", error={"code": EVIL, "message": EVIL}),
    (
        1.2,
        "audio.levels",
        {"direction": "received", "start": 1.0, "step": 0.1, "levels": [-20.0, -80.0], "speech": [1, 0]},
    ),
)
BAD = replace(RESULT, title=EVIL, expectations=(Expectation(1, False, EVIL, EVIL, 3),), recording=RECORDING, error=EVIL)
GOOD = replace(RESULT, verdict="conformant", dialect="openai-ga", diagnosis=(), recording=RECORDING)


def test_nothing_a_service_says_is_markup() -> None:
    page = conformance_html([BAD, GOOD], seconds=1.0)
    assert EVIL not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "<script" not in page


def test_internal_links_have_targets() -> None:
    page = conformance_html([BAD, GOOD], seconds=1.0)
    targets = set(re.findall(r'id="([^"]+)"', page))
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links
    assert links - {"SES-01"} <= targets


def test_report_holds_the_failed_runs_and_links_to_the_conformant_ones() -> None:
    page = conformance_html([GOOD, BAD], seconds=1.0)
    assert f'id="{anchor(BAD)}"' in page
    assert f'href="#{anchor(BAD)}"' in page
    assert f'id="{anchor(GOOD)}"' not in page
    assert f'href="{page_of(GOOD)}"' in page


def test_page_of_a_run_links_back_and_to_its_files() -> None:
    page = run_page(replace(GOOD, title=EVIL))
    assert page_of(GOOD) == "runs/scenarios-a-yaml--openai-ga.html"
    assert 'href="../conformance.html"' in page
    assert 'href="../traces/a.ndjson"' in page
    assert EVIL not in page


def test_fragment_for_pytest_html_links_from_its_page() -> None:
    fragment = run_html(BAD, base="../reports")
    assert 'src="../reports/audio/a.ogg"' in fragment
    assert EVIL not in fragment


def test_legend_covers_every_verdict_and_outcome() -> None:
    assert set(LEGEND) == set(EXIT_CODES)
    assert set(OUTCOMES) == {outcome.value for outcome in Outcome}


def test_entries_are_told_in_one_line() -> None:
    lines = [brief(entry) for entry in RECORDING.entries]
    assert lines[0] == "POST http://127.0.0.1/k"
    assert lines[6] == f"response.output_audio_transcript.delta {EVIL!r}"
