"""Two calls of a Chromium against `harness serve`, each recorded in five ways: the records find what our own trace finds, and no more.

`clean` is a call without a mistake. In `faulty` the service left out its Location, answered an extension that was not offered, left out a field
and ended a response twice. Made with Debian's Chromium 150: console lines of the events, Playwright's HAR, the dump of webrtc-internals,
and rtcstats 5.2.0.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.formats import read_records
from harness.judging.recording import result_of
from harness.judging.results import Result
from harness.rules.base import Outcome

RECORDED = Path(__file__).with_name("recorded")
FORMS = {
    "events": ("console.txt",),
    "http": ("call.har",),
    "webrtc-internals": ("webrtc_internals_dump.txt",),
    "rtcstats": ("rtcstats.txt",),
    "http+events": ("call.har", "console.txt"),
    "http+rtcstats+events": ("console.txt", "rtcstats.txt", "call.har"),
    "http+webrtc-internals+events": ("webrtc_internals_dump.txt", "console.txt", "call.har"),
}
JUDGED = (Outcome.PASS, Outcome.FAIL, Outcome.INCONCLUSIVE)


def judged(call: str, *names: str, dialect: str = "azure-ga") -> Result:
    (found,) = read_records([RECORDED / call / name for name in names], dialect)
    return result_of(found.trace, name=found.name)


def findings(result: Result) -> dict[str, list[str]]:
    return {one.id: [seen.actual for seen in one.failures] for one in result.rules if one.outcome is Outcome.FAIL}


@pytest.mark.parametrize("call", ["clean", "faulty"])
@pytest.mark.parametrize("form", FORMS)
def test_a_record_finds_what_our_trace_finds_wherever_both_can_see(call: str, form: str) -> None:
    ours, theirs = judged(call, "served.ndjson"), judged(call, *FORMS[form])
    assert theirs.observed["record"] == form
    by_id = {one.id: one for one in ours.rules}
    seen = {one.id: one for one in theirs.rules if one.outcome in JUDGED}
    both = [id for id in seen if by_id[id].outcome in JUDGED]
    assert both
    assert {id: seen[id].outcome for id in both} == {id: by_id[id].outcome for id in both}
    expected = {id: actual for id, actual in findings(ours).items() if id in seen}
    assert findings(theirs) == expected


def test_the_records_together_find_all_that_the_service_did_wrong() -> None:
    together = judged("faulty", *FORMS["http+webrtc-internals+events"])
    assert findings(together) == findings(judged("faulty", "served.ndjson"))
    assert together.verdict == "nonconformant"
    assert [one.id for one in together.diagnosis] == ["rule-broken"]


@pytest.mark.parametrize(
    ("form", "verdict"),
    [
        ("events", "conformant"),
        ("http", "inconclusive"),
        ("webrtc-internals", "conformant"),
        ("rtcstats", "conformant"),
    ],
)
def test_what_cannot_be_seen_is_not_observable_and_told(form: str, verdict: str) -> None:
    result = judged("clean", *FORMS[form])
    assert result.verdict == verdict
    hidden = [one for one in result.rules if one.outcome is Outcome.NOT_OBSERVABLE]
    applying = [one for one in result.rules if one.outcome is not Outcome.NOT_APPLICABLE]
    assert all(one.note for one in hidden)
    assert (result.observed["judged"], result.observed["rules"]) == (len(applying) - len(hidden), len(applying))
    assert 0 < len(hidden) < len(applying)


@pytest.mark.parametrize("names", FORMS.values(), ids=FORMS)
def test_the_dialect_is_recognised_or_said_to_be_one_of_those_that_look_alike(names: tuple[str, ...]) -> None:
    result = judged("clean", *names, dialect="")
    assert result.dialect == "azure-ga" or "azure-ga looks the same" in result.observed["recognised"]


def test_statistics_give_the_figures_of_the_media() -> None:
    media = judged("clean", "webrtc_internals_dump.txt").media
    assert media["received"]["packets"] > 400
    assert media["received"]["loss_percent"] == 0.0
    assert media["sent"]["packets"] > 400
