"""A comparison as text and as Markdown."""

from __future__ import annotations

from harness.comparing.statistics import Budget
from harness.report.comparison import comparison_lines, comparison_markdown
from harness.rules.base import Outcome
from tests.comparing.runs import GOOD, compared, events, rules, run

BROKEN = run(
    verdict="nonconformant",
    rules=rules(RSP_03=Outcome.FAIL, SES_01=Outcome.NOT_EXERCISED),
    causes=("rule-broken",),
    words={"rule-broken": "A rule is broken."},
    order=events("> session.update", "< error", "< error"),
)


def test_the_same() -> None:
    lines = list(comparison_lines(compared([GOOD], [GOOD])))
    assert lines[0] == "before  old  1 run, azure-ga, fake, virtual time"
    assert lines[-1] == "✓ 1 pair: 0 worse, 0 changed otherwise, 1 unchanged"
    assert "    latency   call request  100 ms (n 1) → 100 ms (n 1)  too few runs for a claim: n = 1" in lines


def test_what_broke() -> None:
    lines = list(comparison_lines(compared([GOOD], [BROKEN])))
    assert "✗ turns/a [azure-ga]  conformant → nonconformant" in lines
    assert "    cause     none → rule-broken: A rule is broken." in lines
    assert "    rules     newly failing: RSP-03 (must) every response.created is closed by one response.done" in lines
    assert "    rules     now not exercised: SES-01" in lines
    assert "    order     first differs at event 2, after > session.update: was < session.updated, is < error" in lines
    assert "              only after: < error ×2" in lines
    assert lines[-1].startswith("✗ 1 pair: 1 worse")


def test_the_same_regression_of_many_scenarios_is_told_once() -> None:
    names = [f"scenarios/turns/{letter}.yaml" for letter in "abcdefg"]
    found = compared([run(scenario=name) for name in names], [run(scenario=name, **_changed()) for name in names])
    lines = list(comparison_lines(found))
    assert sum(line.startswith("✗ turns/") for line in lines) == 1
    assert "    also      turns/b [azure-ga], turns/c [azure-ga], turns/d [azure-ga] and 3 more" in lines


def _changed() -> dict[str, object]:
    return {name: getattr(BROKEN, name) for name in ("verdict", "rules", "causes", "words")}


def test_latencies_with_their_interval() -> None:
    quick, slow = ([run(latencies={"call request": [t]})] * 6 for t in (0.1, 0.2))
    lines = list(comparison_lines(compared(quick, slow, budget=Budget.parse("20%"))))
    told = next(line for line in lines if "call request" in line)
    assert told.endswith(
        "median 100 ms, p95 100 ms (n 6) → median 200 ms, p95 200 ms (n 6)  "
        "slower by +100 ms (95 %: +100 ms to +100 ms), beyond the budget"
    )
    assert any("call request  median 100 ms" in line and "faster by −100 ms" not in line for line in lines)
    assert any("faster by −100 ms" in line for line in comparison_lines(compared(slow, quick)))
    assert any("no difference" in line for line in comparison_lines(compared(slow, slow)))


def test_traces_that_are_missing() -> None:
    lines = list(comparison_lines(compared([run(order=None)], [GOOD])))
    assert "    order     not compared where the trace is missing: 1 of 1 before" in lines


def test_nothing_in_common() -> None:
    lines = list(comparison_lines(compared([GOOD], [run(scenario="scenarios/b.yaml"), run(scenario="c")])))
    assert lines[-1] == "? nothing could be compared: no scenario is on both sides in a dialect"
    assert "· only before, not compared: turns/a::azure-ga" in lines


def test_markdown() -> None:
    text = comparison_markdown(compared([GOOD], [BROKEN]))
    assert text.startswith("**✗ 1 pair: 1 worse")
    (row,) = [line for line in text.splitlines() if line.startswith("| ✗")]
    assert "RSP-03" in row
    assert "conformant → nonconformant" in row
    assert (
        "| call request | turns/a::azure-ga | 100 ms (n 1) | 100 ms (n 1) | too few runs for a claim: n = 1 |" in text
    )


def test_the_same_new_order_of_many_scenarios_is_told_once() -> None:
    names = [f"scenarios/turns/{letter}.yaml" for letter in "abcd"]
    new = events("> session.update", "< session.updated", "< conversation.item.done")
    found = compared([run(scenario=name) for name in names], [run(scenario=name, order=new) for name in names])
    lines = list(comparison_lines(found))
    assert sum(line.startswith("~ turns/") for line in lines) == 1
    assert found.exit_code == 0
