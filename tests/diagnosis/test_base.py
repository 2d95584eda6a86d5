"""The registry of causes, and when a diagnosis is made at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from harness.diagnosis import CAUSES, base, diagnose, ranked
from harness.diagnosis.base import Case, Evidence, cause
from harness.report.catalogue import explain
from harness.rules.base import Observation, Outcome, RuleResult, Severity
from harness.trace import Entry, read_trace
from tests.diagnosis import test_connection, test_conversation, test_http, test_network
from tests.traces import SET_UP, event, refused, trace

ALL = {**test_http.CASES, **test_connection.CASES, **test_network.CASES, **test_conversation.CASES}
CASES = [*test_http.CASES, *test_connection.CASES, *test_network.CASES, *test_conversation.CASES]
GOLDEN = sorted((Path(__file__).parents[1] / "golden").glob("*/*.ndjson"))
ERROR = event(1.0, "service", "error", error={"code": "input_audio_buffer_commit_empty", "message": "x"})


def finding(severity: Severity, outcome: Outcome = Outcome.FAIL) -> RuleResult:
    return RuleResult("TURN-09", outcome, severity, 1, (Observation(len(SET_UP), False, ("x",), "y"),))


def strange_data(entry: Entry, junk: object) -> dict[str, object]:
    """The entry's data with every value replaced, but for what says which kind of thing it is."""
    kept = ("direction", "step", "message", "state", "expected")
    data = {key: value if key in kept else junk for key, value in entry.data.items()}
    return {**data, "event": {**dict.fromkeys(entry.event, junk), "type": entry.type}} if entry.event else data


def test_every_cause_that_can_be_seen_has_one_case() -> None:
    assert sorted(CASES) == sorted(row.id for row in CAUSES.values() if row.found is not None)


@pytest.mark.parametrize("row", CAUSES.values(), ids=CAUSES)
def test_page_of_a_cause_is_whole(row: object) -> None:
    known = CAUSES[row.id]  # type: ignore[attr-defined]
    page = explain(known.id)
    assert page is not None
    assert page[0] == f"{known.id}  {known.cause}"
    labels = [line[:12].strip() for line in page[1:] if line[:1].strip()]
    assert labels == ["recognised" if known.found else "not seen", "fix", "source"]
    assert all(known.cause.rstrip(":")[-1:] not in " ," for _ in page)
    assert known.fix.endswith(".")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_good_call_has_no_diagnosis(path: Path) -> None:
    case = Case(read_trace(path))
    found = diagnose(case)
    # What the service refused in a good call is told, and nothing else is.
    assert {seq for one in found for seq in one.evidence} <= {
        seq for one in case.troubles for seq in range(one.entry + 1)
    }
    assert bool(found) == bool(case.troubles)


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("junk", [None, "x", -1, [[]], {"type": 1}, float("nan")], ids=repr)
def test_no_recording_is_too_strange_to_be_diagnosed(name: str, junk: object) -> None:
    recorded = ALL[name]()
    entries = tuple(replace(entry, data=strange_data(entry, junk)) for entry in recorded.trace.entries)
    strange = replace(recorded, trace=replace(recorded.trace, entries=entries))
    assert all(one.evidence for one in strange.diagnose())


@pytest.mark.parametrize(
    ("rules", "missing", "expected"),
    [
        ((), (), ("commit-of-empty-buffer",)),
        ((finding("should"),), (), ("commit-of-empty-buffer",)),
        ((finding("must", Outcome.INCONCLUSIVE),), (), ("commit-of-empty-buffer",)),
        ((), ("first-audio",), ("commit-of-empty-buffer",)),
    ],
)
def test_diagnosis_is_made_only_where_something_is_wrong(
    rules: tuple[RuleResult, ...], missing: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    found = diagnose(Case(trace(*SET_UP, ERROR), rules, missing))
    assert tuple(one.id for one in found) == expected


@pytest.mark.parametrize("rules", [(), (finding("info"),), (finding("must", Outcome.PASS),)])
def test_a_call_without_trouble_has_no_diagnosis(rules: tuple[RuleResult, ...]) -> None:
    assert diagnose(Case(trace(*SET_UP), rules)) == ()


def test_evidence_names_each_entry_once_and_in_order_of_the_row() -> None:
    found = diagnose(Case(trace(*SET_UP, ERROR), (finding("must"),)))
    assert found[0].evidence == (len(SET_UP),)


def test_id_is_declared_once_and_row_says_how_it_is_recognised() -> None:
    def documented(case: Case) -> Evidence:
        """Never."""
        return ()

    def silent(case: Case) -> Evidence:
        return ()

    with pytest.raises(ValueError, match="declared twice"):
        cause("api-key-invalid", "x", rank=1, fix="x", source="x")(documented)
    with pytest.raises(ValueError, match="recognised"):
        cause("something-new", "x", rank=1, fix="x", source="x")(silent)
    assert "something-new" not in CAUSES


def test_every_cause_that_can_be_claimed_has_a_rank_of_its_own() -> None:
    ranks = [row.rank for row in CAUSES.values() if row.found is not None]
    assert None not in ranks
    assert len(set(ranks)) == len(ranks) == len(ranked())
    assert [row.rank for row in CAUSES.values() if row.found is None and row.rank is not None] == []


def test_the_smallest_rank_is_shown_first_wherever_it_is_declared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(base, "_CAUSES", {})

    def always(case: Case) -> Evidence:
        """Always."""
        return case.trace.entries[:1]

    for rank in (30, 10, 20):
        base.cause(f"rank-{rank}", "It is so.", rank=rank, fix="x", source="y")(always)
    with pytest.raises(ValueError, match="diagnosis another has the rank of rank-10: 10"):
        base.cause("another", "It is so.", rank=10, fix="x", source="y")(always)
    assert [one.id for one in diagnose(Case(refused("key", 500, "")))] == ["rank-10", "rank-20", "rank-30"]
