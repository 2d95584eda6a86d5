"""From a trace and what the scenario asserts to expectations, rules and verdict. Pure: no clock, no files, no network."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness.diagnosis import Case, Diagnosis, Trouble, diagnose
from harness.judging.party import others_rules, own, party_of
from harness.judging.repetitions import budgets
from harness.judging.results import Expectation, Verdict, stopped_short, verdict
from harness.rules.base import MUST, Observation, Outcome, Rule, RuleResult, Severity, judge_rule
from harness.rules.catalogue import all_rules
from harness.rules.latency import latencies
from harness.rules.support.milestones import milestone_entries, milestones
from harness.rules.support.reception import media_of
from harness.scenario.model import Assert
from harness.scenario.values import MILESTONES
from harness.trace import Entry, Trace, shows

_POSITION = {name: index for index, name in enumerate(MILESTONES)}


@dataclass(frozen=True)
class Judgement:
    """Everything that is judged from one trace."""

    verdict: Verdict
    milestones: Mapping[str, float | None]
    expectations: tuple[Expectation, ...]
    rules: tuple[RuleResult, ...]
    diagnosis: tuple[Diagnosis, ...]
    error: str | None = None
    bug: bool = False
    media: Mapping[str, Any] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    observed: Mapping[str, Any] = field(default_factory=dict)
    latencies: Mapping[str, Sequence[float]] = field(default_factory=dict)


def judge(
    trace: Trace,
    asserted: Assert | None = None,
    walked: Sequence[Expectation] = (),
    *,
    lenient: Container[int] = (),
    severity: Severity = MUST,
) -> Judgement:
    """Judge a trace. ``asserted`` is the scenario's assert block (None for a trace on its own), ``walked`` what its steps gave.

    ``severity`` is that of a missed step. ``lenient`` are the steps that the service alone is not to blame for (see :class:`harness.judging.results.Expectation`); 0 stands for what
    is asserted of the whole run.

    A run whose point is a failure (``assert.fails``) is conformant when it fails there, and so; nothing after that milestone
    is then asked for. Any other call that never got through is at best inconclusive: see :func:`harness.judging.results.stopped_short`.
    """
    reached = milestones(trace)
    error = trace.first("harness.error")
    party = party_of(trace.header.extra)
    skip = {**others_rules(party, all_rules()), **(asserted.rules.skip if asserted else {})}
    fails = asserted.fails if asserted else None
    short = None if fails else stopped_short(trace)
    bugs: list[str] = []
    rules = tuple(_judged(one, trace, skip, own(party, one, trace), bugs) for one in all_rules())
    missing = _missing(reached, asserted) if asserted else []
    if short and shows(trace, "channel.open"):
        missing.append("channel-open" if reached["channel-open"] is None else "session.created")
    case = Case(trace, rules, frozenset(missing), lenient)
    troubles = () if fails else case.troubles
    diagnosis = _diagnosed(case, bugs)
    # Behind a lenient step that was missed the call went another way than the scenario; behind another one it was not reached.
    astray = any(not one.met and one.reached and one.step in lenient for one in walked)
    expectations = [
        replace(one, lenient=one.lenient or astray or one.step in lenient, severity=severity) for one in walked
    ]
    if asserted:
        expectations += _order(trace, asserted)
        expectations += budgets(reached, asserted.budgets)
        expectations += [replace(one, lenient=astray) for one in _unexpected(case, asserted)]
        if fails:
            expectations.append(_failure(asserted, error, diagnosis))
        if 0 in lenient:
            expectations = [replace(one, lenient=True) for one in expectations]
    broke = error is not None and fails is None
    return Judgement(
        verdict=verdict(expectations, rules, error=broke, short=short is not None, bug=bool(bugs)),
        milestones=reached,
        expectations=tuple(expectations),
        rules=rules,
        diagnosis=diagnosis,
        error="\n".join(bugs) or (_message(error) if broke and error else None) or short,
        bug=bool(bugs),
        media=media_of(trace),
        troubles=troubles,
        observed=observed(trace, rules),
        latencies=_measured(trace),
    )


def observed(trace: Trace, rules: Sequence[RuleResult]) -> Mapping[str, Any]:
    """What a record that cannot show the whole call was good for: ``record`` (its forms in words), ``judged`` and ``rules``, how many of
    the rules that apply to the call it can show, ``recognised``: by what the dialect was known where it was not given. Empty where nothing is hidden.
    """
    if trace.header.shows is None:
        return {}
    applying = [one for one in rules if one.outcome is not Outcome.NOT_APPLICABLE]
    judged = sum(one.outcome is not Outcome.NOT_OBSERVABLE for one in applying)
    kept = {
        name: trace.header.extra[name] for name in ("record", "recognised", "left_out") if name in trace.header.extra
    }
    return {**kept, "judged": judged, "rules": len(applying)}


def _judged(
    one: Rule, trace: Trace, skip: Mapping[str, str], keep: Callable[[Observation], bool], bugs: list[str]
) -> RuleResult:
    """A check that raises is a bug of ours: the run cannot be judged, but everything else about it is still told."""
    try:
        return judge_rule(one, trace, skip=skip, keep=keep)
    except Exception as error:
        bugs.append(_bug(one.id, error))
        return RuleResult(one.id, Outcome.INCONCLUSIVE, one.severity_in(trace.header.dialect), note="the check raised")


def _measured(trace: Trace) -> Mapping[str, Sequence[float]]:
    """The latencies; none where measuring raises, which is a bug that LAT-01, which measures the same, has told already."""
    try:
        return latencies(trace)
    except Exception:
        return {}


def _diagnosed(case: Case, bugs: list[str]) -> tuple[Diagnosis, ...]:
    try:
        return diagnose(case)
    except Exception as error:
        bugs.append(_bug("the diagnosis", error))
        return ()


def _bug(what: str, error: Exception) -> str:
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"bug in the harness: {what} raised {type(error).__name__}: {error} ({place.name}, line {place.lineno})"


def _wanted(asserted: Assert) -> list[str]:
    """The milestones that must be reached: of a call that is to fail, only those before its failure."""
    fails = asserted.fails
    return [
        name
        for name in asserted.order
        if fails is None or fails.at == "session" or _POSITION[name] < _POSITION.get(fails.at, len(MILESTONES))
    ]


def _missing(reached: Mapping[str, float | None], asserted: Assert) -> list[str]:
    """The milestones that were asked for, by the order or by a budget, and never reached."""
    return [name for name in (*_wanted(asserted), *asserted.budgets) if reached.get(name) is None]


def _order(trace: Trace, asserted: Assert) -> list[Expectation]:
    """One expectation for the whole order. Milestones are steps of one caller on one loop, so their entries may be compared."""
    wanted = _wanted(asserted)
    if not wanted:
        return []
    entries = milestone_entries(trace)
    missing = [name for name in wanted if entries.get(name) is None]
    found = [(entry.seq, name, entry) for name in wanted if (entry := entries.get(name)) is not None]
    actual = [name for _, name, _ in sorted(found, key=lambda one: one[0])]
    text = ", ".join(actual) or "none of them"
    if missing:
        text += f"; never reached: {', '.join(missing)}"
    last = found[-1][2].seq if found else None
    return [Expectation(0, not missing and actual == wanted, f"in this order: {', '.join(wanted)}", text, last)]


def _unexpected(case: Case, asserted: Assert) -> list[Expectation]:
    """Error events that no step waited for, where the scenario does not allow them."""
    if asserted.fails or asserted.errors == "allowed":
        return []
    found = [one for one in case.troubles if case.trace.entries[one.entry].type == "error"]
    expected = "no error event besides those that a step expects (assert: {errors: allowed} lets them be)"
    return [Expectation(0, False, expected, one.said, one.entry) for one in found[:1]]


def _failure(asserted: Assert, error: Entry | None, diagnosis: Sequence[Diagnosis]) -> Expectation:
    fails = asserted.fails
    assert fails is not None
    wanted = [f"the call fails at {fails.at}"]
    if fails.status is not None:
        wanted.append(f"with status {fails.status}")
    if fails.diagnosis is not None:
        wanted.append(f"diagnosed as {fails.diagnosis}")
    expected = ", ".join(wanted)
    if error is None:
        return Expectation(0, False, expected, "the call did not fail")
    found = [one.id for one in diagnosis]
    seen = [f"it failed at {error.data.get('step')}"]
    if error.data.get("status") is not None:
        seen.append(f"with status {error.data.get('status')}")
    seen.append(f"diagnosed as {', '.join(found)}" if found else "without a diagnosis")
    met = (
        error.data.get("step") == fails.at
        and (fails.status is None or error.data.get("status") == fails.status)
        and (fails.diagnosis is None or fails.diagnosis in found[:1])
    )
    return Expectation(0, met, expected, ", ".join(seen), error.seq)


def _message(error: Entry) -> str:
    data = error.data
    lines = [f"step {data.get('step')!r}: {data.get('what')}"]
    lines += [f"  {name}: {data[name]}" for name in ("seen", "fix") if data.get(name)]
    return "\n".join(lines)
