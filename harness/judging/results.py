"""The result of a run and of many: milestones, expectations, verdict, and their JSON form (``results.json``, schema 1).

Everything here is a pure function of a trace and of what the scenario asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from harness import __version__
from harness.diagnosis import Diagnosis, Trouble
from harness.protocol.dialects import DIALECTS
from harness.rules.base import MUST, SHOULD, Outcome, RuleResult, Severity, View
from harness.rules.support.milestones import milestone_entries
from harness.trace import Trace, shows

SCHEMA = 1

Verdict = Literal["conformant", "nonconformant", "inconclusive", "error"]
NOT_REACHED = "not reached"
"""How ``actual`` begins where an earlier step was missed."""
EXIT_CODES: Mapping[Verdict, int] = {"conformant": 0, "nonconformant": 1, "inconclusive": 3, "error": 3}


@dataclass(frozen=True)
class Expectation:
    """What a step, an order, a budget or ``fails`` asked for, and what came. ``step`` counts from 1; 0 is the ``assert`` block.

    ``lenient``: something else than the service can be the reason that it was missed. ``severity``: SHOULD where no source demands it,
    so that a miss is told and is no nonconformance.
    """

    step: int
    met: bool
    expected: str
    actual: str
    entry: int | None = None
    lenient: bool = False
    severity: Severity = MUST

    @property
    def demanded(self) -> bool:
        """Whether a miss is the service's fault: it depends on nothing else, and a source demands what is asked for."""
        return not self.lenient and self.severity == MUST

    @property
    def reached(self) -> bool:
        """Whether the call came to this step: after a missed one nothing is asked for any more."""
        return not self.actual.startswith(NOT_REACHED)

    @classmethod
    def from_json(cls, one: Mapping[str, Any]) -> Self:
        """An expectation as it was before ``to_json``."""
        return cls(
            one["step"],
            one["outcome"] == "met",
            one["expected"],
            one["actual"],
            one["entry"],
            one.get("lenient", False),
            one.get("severity", MUST),
        )

    def to_json(self) -> dict[str, Any]:
        """The ``expectations`` element of results.json."""
        return {
            "step": self.step,
            "outcome": "met" if self.met else "missed",
            "expected": self.expected,
            "actual": self.actual,
            "entry": self.entry,
            **({"lenient": True} if self.lenient else {}),
            **({"severity": self.severity} if self.severity != MUST else {}),
        }


@dataclass(frozen=True)
class Result:
    """One run: scenario x dialect x target, with its trace and everything judged from it.

    ``seconds`` is wall time, ``media_seconds`` the length of the call on its own clock. ``error`` is set when the call broke or never
    got through: the whole message of the CallError, or of a ``bug`` of ours. ``media``: see :func:`harness.rules.support.reception.media_of`;
    ``observed``: of a record that cannot show the whole call, see :func:`harness.judging.verdict.observed`;
    ``latencies``: see :func:`harness.rules.latency.latencies`. ``repetition`` counts from 1 where a run is made several times, else it
    is 0.
    """

    scenario: str
    title: str
    dialect: str
    target: str
    observer: str
    time: str
    verdict: Verdict
    seconds: float
    media_seconds: float
    milestones: Mapping[str, float | None]
    expectations: tuple[Expectation, ...]
    rules: tuple[RuleResult, ...]
    diagnosis: tuple[Diagnosis, ...] = ()
    trace: str | None = None
    audio: Mapping[str, str] = field(default_factory=dict)
    error: str | None = None
    bug: bool = False
    recording: Trace | None = None
    tags: tuple[str, ...] = ()
    media: Mapping[str, Any] = field(default_factory=dict)
    troubles: tuple[Trouble, ...] = ()
    observed: Mapping[str, Any] = field(default_factory=dict)
    latencies: Mapping[str, Sequence[float]] = field(default_factory=dict)
    repetition: int = 0

    @property
    def warned(self) -> bool:
        """Conformant, but with something to know: trouble in the call, a SHOULD rule that failed, a step that no source demands missed."""
        broken = any(rule.outcome is Outcome.FAIL and rule.severity == SHOULD for rule in self.rules)
        missed = any(not one.met and one.severity == SHOULD for one in self.expectations)
        return self.verdict == "conformant" and bool(self.troubles or broken or missed)

    @property
    def id(self) -> str:
        """What pytest, JUnit and the report call this run: ``scenarios/turns/greeting.yaml::azure-ga``."""
        return f"{self.scenario}::{self.dialect}"

    @property
    def label(self) -> str:
        """The id, with the number of the repetition where the run was made several times."""
        return f"{self.id} #{self.repetition}" if self.repetition else self.id

    @classmethod
    def from_json(cls, run: Mapping[str, Any]) -> Self:
        """A result as it was before ``to_json``; without the recording, which stays in its file."""
        return cls(
            scenario=run["scenario"],
            title=run["title"],
            dialect=run["dialect"],
            target=run["target"],
            observer=run["observer"],
            time=run["time"],
            verdict=run["verdict"],
            seconds=run["seconds"],
            media_seconds=run["media_seconds"],
            milestones=run["milestones"],
            expectations=tuple(Expectation.from_json(one) for one in run["expectations"]),
            rules=tuple(RuleResult.from_json(one) for one in run["rules"]),
            diagnosis=tuple(
                Diagnosis(one["id"], one["cause"], one["fix"], tuple(one["evidence"])) for one in run["diagnosis"]
            ),
            trace=run["trace"],
            audio=run["audio"],
            error=run.get("error"),
            bug=run.get("bug", False),
            tags=tuple(run.get("tags", ())),
            media=run.get("media", {}),
            troubles=tuple(Trouble(one["entry"], one["what"], one["said"]) for one in run.get("troubles", ())),
            observed=run.get("observed", {}),
            latencies=run.get("latencies", {}),
            repetition=run.get("repetition", 0),
        )

    def to_json(self) -> dict[str, Any]:
        """The ``runs`` element of results.json."""
        return {
            "scenario": self.scenario,
            "title": self.title,
            "dialect": self.dialect,
            "target": self.target,
            "observer": self.observer,
            "time": self.time,
            "verdict": self.verdict,
            "seconds": round(self.seconds, 3),
            "media_seconds": round(self.media_seconds, 3),
            "milestones": dict(self.milestones),
            "expectations": [expectation.to_json() for expectation in self.expectations],
            "rules": [result.to_json() for result in self.rules],
            "diagnosis": [diagnosis.to_json() for diagnosis in self.diagnosis],
            "trace": self.trace,
            "audio": dict(self.audio),
            "tags": list(self.tags),
            "media": dict(self.media),
            "troubles": [trouble.to_json() for trouble in self.troubles],
            **({"observed": dict(self.observed)} if self.observed else {}),
            "latencies": {name: list(values) for name, values in self.latencies.items()},
            **({"repetition": self.repetition} if self.repetition else {}),
            **({"error": self.error} if self.error else {}),
            **({"bug": True} if self.bug else {}),
        }


def stopped_short(trace: Trace) -> str | None:
    """Where a call stopped that never got through; None for one whose channel opened and whose session was created.

    A call that never got through broke no rule of a conversation because it had none. Where ``webrtcfilter=on`` hides session.created,
    any event of the service proves the session: from a client, and from a proxy in the service's place. So it does in a record that cannot
    show the channel or its own beginning.
    """
    seen = [kind for kind in ("channel.open", "event.sent", "event.received") if shows(trace, kind)]
    if not seen:
        return "the record does not show whether the call got through"
    if trace.header.shows is not None and trace.events("service"):
        return None
    if trace.first("channel.open") is None:
        reached = [name for name, entry in milestone_entries(trace).items() if entry is not None]
        return f"the call never got through: {f'it stopped after the {reached[-1]}' if reached else 'no request succeeded'}"
    if not shows(trace, "event.received"):
        return None
    hidden = View(trace, DIALECTS[trace.header.dialect]).filtered
    if not trace.events("service", *(() if hidden else ("session.created",))):
        return "the call never got through: the channel opened, and no session.created came"
    return None


def verdict(
    expectations: Iterable[Expectation],
    rules: Iterable[RuleResult],
    *,
    error: bool = False,
    short: bool = False,
    bug: bool = False,
) -> Verdict:
    """A bug of ours, then a failed MUST, then an error of the call, then a missed expectation, then what is still open.

    A failed MUST is a fact, also where the call ended by it. Behind an error, what was not reached is no fact about the service.
    A missed expectation that is lenient, and a call that never got through (``short``), make a run inconclusive; one that no source
    demands makes it neither.
    """
    rules = tuple(rules)
    missed = [one for one in expectations if not one.met and (one.lenient or one.demanded)]
    if bug:
        return "error"
    if any(result.outcome is Outcome.FAIL and result.severity == MUST for result in rules):
        return "nonconformant"
    if error:
        return "error"
    if any(one.demanded for one in missed):
        return "nonconformant"
    if missed or short or any(result.outcome is Outcome.INCONCLUSIVE and result.severity == MUST for result in rules):
        return "inconclusive"
    return "conformant"


def summary(results: Sequence[Result]) -> dict[str, int]:
    """Counts by verdict, and of the conformant ones those with warnings."""
    verdicts = [result.verdict for result in results]
    counts: dict[str, int] = {name: verdicts.count(name) for name in EXIT_CODES}
    return {"runs": len(verdicts), **counts, "with_warnings": sum(result.warned for result in results)}


def exit_code(results: Sequence[Result], *, strict: bool = False) -> int:
    """70 if a bug of ours was met, else 1 if any run is nonconformant (a fact), else 3 if any could not be judged, else 0.

    3 also where there is no result: nothing was judged. ``strict``: a conformant run with warnings counts as nonconformant.
    """
    if any(result.bug for result in results):
        return 70
    codes = {1 if strict and result.warned else EXIT_CODES[result.verdict] for result in results}
    return next((code for code in (1, 3) if code in codes), 0 if codes else 3)


def to_json(results: Sequence[Result], *, seconds: float) -> dict[str, Any]:
    """The whole of results.json; ``seconds`` is the wall time of the whole run."""
    return {
        "schema": SCHEMA,
        "harness": __version__,
        "seconds": round(seconds, 3),
        "media_seconds": round(sum(result.media_seconds for result in results), 3),
        "summary": summary(results),
        "runs": [result.to_json() for result in results],
    }
