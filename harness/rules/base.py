"""What a rule is: its family, its declaration, its observations, its outcome, and the registry of all rules.

A rule is one registered function in the file or folder of its family. Its check gets the trace and yields one
:class:`Observation` for each thing judged; the outcome is computed from these, never claimed. The first line of the docstring
is the title of the rule, so that it is written once and stands above what it is about:

    @FAMILY.rule("03", MUST, DOCUMENTED, sdk("response_done_event.py"))
    def closed_once(view: View) -> Iterator[Observation]:
        '''every response.created is closed by one response.done

        Vendor text: "Always emitted, no matter the final state."

        Okay: received {"type": "response.created", ...} | received {"type": "response.done", ...}
        Fail: ...
        '''

The docstring's ``Okay:`` and ``Fail:`` examples are the tests of the rule (see :mod:`harness.rules.support.examples`).
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Literal, Self

from harness.protocol.dialects import ALL, DIALECTS, WEBRTC_FILTER, Dialect
from harness.rules.support.short_forms import written_out
from harness.trace import Entry, NotShown, Trace, shows, strict

Severity = Literal["must", "should", "info"]
MUST: Severity = "must"
SHOULD: Severity = "should"
INFO: Severity = "info"

Party = Literal["client", "service", "both"]
CLIENT: Party = "client"
SERVICE: Party = "service"
BOTH: Party = "both"

Confidence = Literal["D", "O", "I", "U"]
DOCUMENTED: Confidence = "D"
OBSERVED: Confidence = "O"
INFERRED: Confidence = "I"
UNKNOWN: Confidence = "U"


_FILTER_ON = re.compile(r"[?&]webrtcfilter=on(?:[&#]|$)")


class Outcome(StrEnum):
    """A rule's verdict over one trace. Only ``PASS`` is green; "nothing seen" never is."""

    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"
    PASS = "pass"
    NOT_EXERCISED = "not-exercised"
    NOT_OBSERVABLE = "not-observable"
    NOT_APPLICABLE = "not-applicable"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Observation:
    """One judgement at one entry: ``ok`` True, False, or None (still open when the trace ended).

    ``expected`` lists all acceptable answers, ``actual`` is what was seen; both are for a person's eyes.
    """

    entry: int
    ok: bool | None
    expected: tuple[str, ...] = ()
    actual: str = ""


def good(entry: Entry, actual: str = "") -> Observation:
    """This thing is as it should be."""
    return Observation(entry.seq, True, (), actual)


def bad(entry: Entry, expected: str | Iterable[str], actual: str) -> Observation:
    """This thing breaks the rule: all acceptable answers, and the one seen."""
    return Observation(entry.seq, False, (expected,) if isinstance(expected, str) else tuple(expected), actual)


def open_at_end(entry: Entry, expected: str) -> Observation:
    """What this entry asks for had not come yet when the trace ended."""
    return Observation(entry.seq, None, (expected,), "the trace ended first")


def judged(entry: Entry, ok: bool, expected: str | Iterable[str], actual: str) -> Observation:
    """:func:`good` or :func:`bad`, by ``ok``."""
    return good(entry, actual) if ok else bad(entry, expected, actual)


@dataclass(frozen=True)
class View:
    """A trace together with its dialect: what a check is given."""

    trace: Trace
    dialect: Dialect

    @property
    def filtered(self) -> bool:
        """True where ``webrtcfilter=on`` hid part of the service's events, in the dialects that have the filter (Azure GA).

        Where the requests are not shown, an event that the filter would have hidden says that there was none.
        """
        if self.dialect.filter and not shows(self.trace, "http.request"):
            if any(entry.type not in WEBRTC_FILTER for entry in self.server()):
                return False
            raise NotShown("whether webrtcfilter was on")
        return self.dialect.filter and any(
            entry.data.get("step") == "call" and _FILTER_ON.search(str(entry.data.get("url", "")))
            for entry in self.trace.of("http.request")
        )

    def server(self, *types: str) -> tuple[Entry, ...]:
        """Events from the service, by canonical (GA) or wire type; all of them where no type is named."""
        return self.trace.events("service", *self._wire(types))

    def client(self, *types: str) -> tuple[Entry, ...]:
        """Events from the client, by canonical (GA) or wire type; all of them where no type is named."""
        return self.trace.events("client", *self._wire(types))

    def _wire(self, types: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for kind in types for name in (self.dialect.wire(kind) or kind, kind))


Check = Callable[[View], Iterable[Observation]]


@dataclass(frozen=True)
class Rule:
    """A declared rule. ``dialects`` are names; ``hidden_by_filter`` marks what ``webrtcfilter=on`` makes unobservable.

    ``per_dialect`` overrides the severity in some dialects (HTTP-17 is a MUST in GA and INFO in Azure preview). ``single_events``:
    each event is judged by itself, so that a record which begins in mid-call shows as much as a whole one.
    ``by_sender``: of a rule
    about both parties, the one that sent what the observation stands at is meant.
    """

    id: str
    title: str
    who: Party
    severity: Severity
    confidence: Confidence
    source: str
    check: Check
    dialects: frozenset[str] = frozenset(ALL)
    hidden_by_filter: bool = False
    observers: frozenset[str] = frozenset({"client", "service"})
    per_dialect: Mapping[str, Severity] = field(default_factory=dict)
    single_events: bool = False
    by_sender: bool = False

    @property
    def family(self) -> str:
        """The letters before the number: HTTP, OFF, ANS, ..."""
        return self.id.partition("-")[0]

    @property
    def doc(self) -> str:
        """The docstring of the check below its title: the clause enforced, why it matters, the examples without short forms."""
        return written_out(inspect.cleandoc(self.check.__doc__ or "").partition("\n\n")[2])

    def severity_in(self, dialect: str) -> Severity:
        """The severity that counts in ``dialect``."""
        return self.per_dialect.get(dialect, self.severity)


@dataclass(frozen=True)
class RuleResult:
    """A rule's outcome over one trace, with the number of observations and those that failed or stayed open."""

    id: str
    outcome: Outcome
    severity: Severity
    observations: int = 0
    failures: tuple[Observation, ...] = ()
    note: str = ""

    @classmethod
    def from_json(cls, one: Mapping[str, Any]) -> Self:
        """A rule's result as it was before ``to_json``."""
        open_or_not = None if one["outcome"] == Outcome.INCONCLUSIVE.value else False
        failures = tuple(
            Observation(seen["entry"], open_or_not, tuple(seen["expected"]), seen["actual"]) for seen in one["failures"]
        )
        return cls(
            one["id"], Outcome(one["outcome"]), one["severity"], one["observations"], failures, one.get("note", "")
        )

    def to_json(self) -> dict[str, Any]:
        """The ``rules`` element of results.json."""
        return {
            "id": self.id,
            "outcome": self.outcome.value,
            "severity": self.severity,
            "observations": self.observations,
            "failures": [
                {"entry": failure.entry, "expected": list(failure.expected), "actual": failure.actual}
                for failure in self.failures
            ],
            **({"note": self.note} if self.note else {}),
        }


@dataclass(frozen=True)
class Unobservable:
    """A row of the catalogue that no check stands for, with the reason; listed, never silently left out."""

    id: str
    title: str
    severity: Severity
    reason: str


_RULES: dict[str, Rule] = {}
_UNOBSERVABLE: dict[str, Unobservable] = {}
_FAMILIES: dict[str, Family] = {}
REGISTRY: Mapping[str, Rule] = MappingProxyType(_RULES)
UNOBSERVABLE: Mapping[str, Unobservable] = MappingProxyType(_UNOBSERVABLE)
FAMILIES: Mapping[str, Family] = MappingProxyType(_FAMILIES)


@dataclass(frozen=True)
class Family:
    """The rules of one part of the protocol, and what holds for each that does not say otherwise.

    ``rank`` is the family's place in the catalogue; ``capability`` the line of a service's grade in which its rules count
    whichever scenario they were seen in (the scenario's own line where there is none). Raises ValueError at import for an id
    or a rank that another family has.
    """

    id: str
    title: str
    rank: int
    who: Party
    hidden_by_filter: bool = False
    capability: str = ""

    def __post_init__(self) -> None:
        if any(self.id == other.id or self.rank == other.rank for other in _FAMILIES.values()):
            raise ValueError(f"family {self.id}: its id or its rank {self.rank} is taken")
        _FAMILIES[self.id] = self

    def rule(
        self,
        number: str,
        severity: Severity,
        confidence: Confidence,
        *sources: str,
        who: Party | None = None,
        dialects: Iterable[str] = ALL,
        hidden_by_filter: bool | None = None,
        observers: Iterable[str] = ("client", "service"),
        per_dialect: Mapping[str, Severity] | None = None,
        single_events: bool = False,
        by_sender: bool = False,
    ) -> Callable[[Check], Check]:
        """Register a check under the family's letters and a stable number; the first line of its docstring is the title.

        Raises ValueError at import for an id used twice, for a MUST that rests on inference or on open questions, and for a
        docstring that is not a title, an empty line and an explanation.
        """
        id = f"{self.id}-{number}"

        def register(check: Check) -> Check:
            title, _, doc = inspect.cleandoc(check.__doc__ or "").partition("\n\n")
            if severity == MUST and confidence in (INFERRED, UNKNOWN):
                raise ValueError(f"rule {id}: confidence {confidence} is never a MUST")
            if not title or "\n" in title or not doc:
                raise ValueError(f"rule {id}: the docstring has no title with an explanation below it")
            _RULES[_unused(id)] = Rule(
                id=id,
                title=title,
                who=who or self.who,
                severity=severity,
                confidence=confidence,
                source="; ".join(sources),
                check=check,
                dialects=frozenset(dialects),
                hidden_by_filter=self.hidden_by_filter if hidden_by_filter is None else hidden_by_filter,
                observers=frozenset(observers),
                per_dialect=dict(per_dialect or {}),
                single_events=single_events,
                by_sender=by_sender,
            )
            return check

        return register

    def unobservable(self, number: str, title: str, severity: Severity, reason: str) -> None:
        """List a catalogue row that cannot be observed from here, with the reason."""
        id = _unused(f"{self.id}-{number}")
        _UNOBSERVABLE[id] = Unobservable(id, title, severity, reason)


def _unused(id: str) -> str:
    if id in _RULES or id in _UNOBSERVABLE:
        raise ValueError(f"rule {id} is declared twice")
    return id


def judge_rule(
    one: Rule,
    trace: Trace,
    *,
    skip: Mapping[str, str] | None = None,
    keep: Callable[[Observation], bool] = lambda _: True,
) -> RuleResult:
    """Judge one rule over one trace, by the observations that ``keep`` lets through.

    Never raises for what a peer did; a raising check is a bug of ours and propagates.
    """
    severity = one.severity_in(trace.header.dialect)
    if skip and one.id in skip:
        return RuleResult(one.id, Outcome.SKIPPED, severity, note=skip[one.id])
    if trace.header.dialect not in one.dialects or trace.header.observer not in one.observers:
        return RuleResult(one.id, Outcome.NOT_APPLICABLE, severity)
    view = View(strict(trace), DIALECTS[trace.header.dialect])
    seen, lacking = _observed(one, view)
    observations = tuple(filter(keep, seen))
    failures = tuple(seen for seen in observations if seen.ok is False)
    if lacking and not failures:
        return RuleResult(one.id, Outcome.NOT_OBSERVABLE, severity, note=lacking)
    if failures and trace.header.excerpt and not one.single_events:
        note = "the record begins in mid-call: the reason may lie before"
        return RuleResult(one.id, Outcome.INCONCLUSIVE, severity, len(observations), failures, note)
    pending = tuple(seen for seen in observations if seen.ok is None)
    outcome = (
        Outcome.FAIL
        if failures
        else Outcome.INCONCLUSIVE
        if pending
        else Outcome.PASS
        if observations
        else Outcome.NOT_EXERCISED
    )
    return RuleResult(one.id, outcome, severity, len(observations), failures or pending)


def _observed(one: Rule, view: View) -> tuple[tuple[Observation, ...], str]:
    """What a check observes, and what it looked for and the record does not show; what it saw before then is true all the same."""
    seen: list[Observation] = []
    try:
        if one.hidden_by_filter and view.filtered:
            return (), "webrtcfilter=on hides these events"
        for observation in one.check(view):
            seen.append(observation)
    except NotShown as lacking:
        return tuple(seen), str(lacking)
    return tuple(seen), ""


def order(id: str) -> tuple[int, int]:
    """Sort key of a rule's id: the family's place in the catalogue, then the number."""
    family, _, number = id.partition("-")
    return (_FAMILIES[family].rank, int(number))
