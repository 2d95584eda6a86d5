"""Judging a trace by the whole catalogue, as the verdict does it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from harness.rules.base import MUST, Outcome, RuleResult, Severity, judge_rule
from harness.rules.catalogue import all_rules
from harness.trace import Trace


def judge_all(trace: Trace) -> tuple[RuleResult, ...]:
    """Every rule over one trace, in the order of the catalogue."""
    return tuple(judge_rule(one, trace) for one in all_rules())


def failures_of(results: Iterable[RuleResult], severity: Severity = MUST) -> Iterator[RuleResult]:
    """Results that failed at this severity."""
    return (result for result in results if result.outcome is Outcome.FAIL and result.severity == severity)
