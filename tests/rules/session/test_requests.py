"""What a client may ask of the session, at both ends of each range."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from harness.rules.base import Outcome, judge_rule
from harness.rules.catalogue import REGISTRY as RULES
from tests.limits import Limit
from tests.traces import event, trace

# Setting, dialect, smallest and largest value, the least above and below them, and the session that holds a value.
RANGES: tuple[tuple[str, str, float, float, float, Callable[[float], dict[str, Any]]], ...] = (
    ("threshold", "azure-ga", 0.0, 1.0, 0.01, lambda x: {"audio": {"input": {"turn_detection": {"threshold": x}}}}),
    ("idle", "azure-ga", 5000, 30000, 1, lambda x: {"audio": {"input": {"turn_detection": {"idle_timeout_ms": x}}}}),
    ("speed", "azure-ga", 0.25, 1.5, 0.01, lambda x: {"audio": {"output": {"speed": x}}}),
    ("tokens", "azure-ga", 1, 4096, 1, lambda x: {"max_output_tokens": x}),
    ("temperature", "azure-preview", 0.6, 1.2, 0.01, lambda x: {"temperature": x}),
)


def outcome(dialect: str, session: dict[str, Any]) -> Outcome:
    updated = trace(event(0.0, "client", "session.update", session=session), dialect=dialect)
    return judge_rule(RULES["SES-08"], updated).outcome


LIMITS = tuple(
    Limit(f"{setting} {value:g}", partial(outcome, dialect, session(value)), expected)
    for setting, dialect, low, high, least, session in RANGES
    for value, expected in (
        (low - least, Outcome.FAIL),
        (low, Outcome.PASS),
        (high, Outcome.PASS),
        (high + least, Outcome.FAIL),
    )
)
