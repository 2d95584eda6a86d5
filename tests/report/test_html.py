"""The HTML report: everything escaped, readable without JavaScript, every link has its target."""

from __future__ import annotations

import re
from dataclasses import replace

from harness.diagnosis import Trouble
from harness.judging.results import EXIT_CODES, Expectation
from harness.report.html import LEGEND, OUTCOMES, anchor, brief, conformance_html, page_of, run_html, run_page
from harness.rules.base import Outcome, bad
from tests.judging.test_results import RESULT
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
    assert page_of(GOOD) == "runs/scenarios_a.yaml.openai-ga.html"
    assert 'href="../conformance.html"' in page
    assert 'href="../traces/a.ndjson"' in page
    assert EVIL not in page


def test_runs_of_scenarios_that_are_called_alike_have_pages_of_their_own() -> None:
    names = ("a/b.yaml", "a-b.yaml", "a b.yaml", "ü.yaml", "u.yaml")
    assert len({page_of(replace(GOOD, scenario=name)) for name in names}) == len(names)


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


def test_a_cause_is_told_before_its_runs_and_only_the_first_is_unfolded() -> None:
    other = replace(BAD, dialect="openai-beta", diagnosis=RESULT.diagnosis)
    page = conformance_html([replace(BAD, diagnosis=RESULT.diagnosis), other], seconds=1.0)
    assert page.index("What broke") < page.index('class="card bad"') < page.index("<h2>Scenarios</h2>")
    assert page.count('<section class="card bad"') == page.count('<details class="card bad">') == 1


def test_an_entry_that_is_spoken_of_can_be_looked_at() -> None:
    run = replace(BAD, error=None, rules=(replace(RESULT.rules[0], failures=(bad(RECORDING.entries[6], "a", "b"),)),))
    page = conformance_html([run], seconds=1.0)
    assert f'href="#{anchor(run)}-6">entry 6</a>' in page
    assert f'id="{anchor(run)}-6"' in page


def test_a_broken_rule_says_why_and_where_that_stands() -> None:
    page = conformance_html([BAD], seconds=1.0)
    assert "Clients wait for it before they configure anything." in page
    assert "/src/openai/types/realtime/session_created_event.py" in page


def test_a_report_says_when_it_was_made() -> None:
    assert "2026-11-21 06:00 UTC" in conformance_html([GOOD], seconds=1.0, made="2026-11-21 06:00 UTC")


def test_steps_that_were_not_reached_are_folded() -> None:
    steps = (Expectation(2, False, "b", "c"), Expectation(3, False, "d", "not reached: step 2 was missed"))
    page = conformance_html([replace(BAD, error=None, expectations=steps)], seconds=1.0)
    assert "<summary>1 later step not reached</summary>" in page
    assert page.index("<td>b</td>") < page.index("1 later step not reached") < page.index("<td>d</td>")


def test_a_conformant_call_with_warnings_has_its_card_and_its_sign() -> None:
    trouble = Trouble(6, "the service sent an error", f"bad: {EVIL}")
    run = replace(RESULT, verdict="conformant", rules=(), troubles=(trouble,))
    page = conformance_html([run, replace(run, dialect="openai-beta", troubles=())], seconds=1.0)
    assert page.count("<h2>Warnings</h2>") == 1
    assert page.index("<h2>Warnings</h2>") < page.index("the service sent an error") < page.index("<h2>Scenarios</h2>")
    assert f'<a href="#{anchor(run)}" class="should">~ conformant</a>' in page
    assert "1 with warnings" in page
    assert EVIL not in page
    calm = conformance_html([replace(run, troubles=())], seconds=1.0)
    assert "<h2>Warnings</h2>" not in calm
