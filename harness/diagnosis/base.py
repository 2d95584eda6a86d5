"""What a diagnosis is: its declaration, the case it is made from, the registry of all known causes.

A row is a predicate over a case that returns the entries which show it, so that evidence is never claimed:

    @cause("deployment-not-found", "The resource has no deployment of this name.", rank=105, fix="...", source="...")
    def deployment_not_found(case: Case) -> Evidence:
        '''404 with DeploymentNotFound, on either request.'''

Each row has a rank, from the most specific to the most general and in the order in which a call meets its planes; of those that fit
the one with the smallest is shown first. Nothing is diagnosed where nothing is wrong: an error that a scenario provokes and expects is no trouble.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable, Collection, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import Any

from harness.diagnosis.troubles import Trouble, troubles_of
from harness.protocol.dialects import DIALECTS
from harness.rules.base import INFO, MUST, SHOULD, Observation, Outcome, RuleResult, View
from harness.rules.support.fields import listing, text
from harness.trace import Entry, NotShown, Observer, Trace, if_shown, strict

Evidence = Iterable[Entry]

CONNECTED = ("connected", "completed")


@dataclass(frozen=True)
class Diagnosis:
    """A known cause for what was seen, with the fix and the ``seq`` of the entries that show it."""

    id: str
    cause: str
    fix: str
    evidence: tuple[int, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The ``diagnosis`` element of results.json."""
        return {"id": self.id, "cause": self.cause, "fix": self.fix, "evidence": list(self.evidence)}


@dataclass(frozen=True)
class Case:
    """What a diagnosis is made from: the trace, the rules' outcomes, and the milestones that were asked for and never reached.

    ``recorded`` is the trace as it is, ``trace`` what a cause may conclude from: a look at what the record cannot show ends its search.
    ``lenient`` are the numbers of the steps that the service alone is not to blame for.
    """

    recorded: Trace
    rules: Sequence[RuleResult] = ()
    missing: Collection[str] = field(default_factory=frozenset)
    lenient: Container[int] = field(default_factory=frozenset)

    @cached_property
    def trace(self) -> Trace:
        """The trace, as far as its record can show the call."""
        return strict(self.recorded)

    @cached_property
    def view(self) -> View:
        """The trace together with its dialect."""
        return View(self.trace, DIALECTS[self.trace.header.dialect])

    @cached_property
    def missed(self) -> tuple[Entry, ...]:
        """The steps that did not get what they asked for, apart from those that were not reached."""
        steps = self.trace.of("step.missed")
        return tuple(entry for entry in steps if not text(entry.data, "actual").startswith("not reached"))

    @property
    def failed_call(self) -> bool:
        """The call could not be made, or broke."""
        return self.trace.first("harness.error") is not None or self.trace.end == "failed"

    @cached_property
    def troubles(self) -> tuple[Trouble, ...]:
        """What was refused, failed or came to nothing, and no step waited for."""
        return troubles_of(View(self.recorded, self.view.dialect), self.expected)

    @cached_property
    def wrong(self) -> bool:
        """Whether there is anything to explain: a call that failed, trouble, a step or a milestone that was missed, a finding."""
        return bool(
            self.failed_call
            or self.troubles
            or self.trace.of("step.missed")
            or self.missing
            or any(one.outcome is Outcome.FAIL and one.severity != INFO for one in self.rules)
            or any(one.outcome is Outcome.INCONCLUSIVE and one.severity == MUST for one in self.rules)
        )

    def merely_recommended(self, one: Diagnosis) -> bool:
        """Whether a cause rests on broken SHOULD rules alone, while a MUST rule is broken elsewhere: it comes behind what explains that."""
        return bool(one.evidence) and set(one.evidence) <= self._recommended

    @cached_property
    def _recommended(self) -> frozenset[int]:
        at: dict[str, set[int]] = {MUST: set(), SHOULD: set(), INFO: set()}
        for one in self.rules:
            if one.outcome is Outcome.FAIL:
                at[one.severity] |= {seen.entry for seen in one.failures}
        worse = at[MUST] | {one.seq for one in self.missed} | {one.entry for one in self.troubles}
        return frozenset(at[SHOULD] - worse if at[MUST] else ())

    @cached_property
    def expected(self) -> frozenset[int]:
        """The entries that a step of the scenario waited for and got: an error among them was provoked on purpose."""
        met = self.trace.of("step.met")
        several = (seq for entry in met for seq in listing(entry.data, "entries"))
        return frozenset(seq for seq in (*(entry.data.get("entry") for entry in met), *several) if isinstance(seq, int))

    def waited_for(self, pattern: str) -> list[Entry]:
        """The missed steps that asked for something like ``pattern``."""
        return [entry for entry in self.missed if re.search(pattern, text(entry.data, "expected"))]

    def broken(self, *ids: str, by: Observer | None = None) -> list[Entry]:
        """The entries (``by`` one end, or either) at which one of these rules failed or stayed open; INFO is evidence of nothing."""
        return [
            self.trace.entries[seen.entry]
            for one in self.rules
            if one.id in ids and one.severity != INFO and one.outcome in (Outcome.FAIL, Outcome.INCONCLUSIVE)
            for seen in _first_of_each(one.failures)
            if seen.entry < len(self.trace.entries)
            and (by is None or self.trace.sender(self.trace.entries[seen.entry]) == by)
        ]

    def finding(self, *ids: str) -> str:
        """The first of these rules that failed, with what it expected and what was seen; empty where none did."""
        by_id = {one.id: one for one in self.rules if one.outcome is Outcome.FAIL and one.failures}
        for id in ids:
            if id in by_id:
                return f"{id}: {contrast(by_id[id].failures[0])}."
        return ""

    def server(self, *types: str) -> list[Entry]:
        """Events from the service, by canonical or wire type."""
        return list(self.view.server(*types))

    def client(self, *types: str) -> list[Entry]:
        """Events from the client, by canonical or wire type."""
        return list(self.view.client(*types))

    def errors(self, code: str = "", saying: str = "", *, provoked: bool = False) -> list[Entry]:
        """Error events with a code like ``code`` or a message like ``saying``, or any; those that a step expected only if ``provoked``."""
        return [
            entry
            for entry in self.trace.events("service", "error")
            if (provoked or entry.seq not in self.expected)
            and (
                not (code or saying)
                or (code and re.fullmatch(code, text(entry.event, "error", "code")))
                or (saying and re.search(saying, text(entry.event, "error", "message"), re.IGNORECASE))
            )
        ]

    def responses(self, *steps: str) -> list[Entry]:
        """The last HTTP response of each of these steps if it was no success: a retry that worked leaves nothing to explain."""
        found = []
        for step in steps or ("key", "call"):
            last = [entry for entry in self.trace.of("http.response") if entry.data.get("step") == step][-1:]
            found += [entry for entry in last if not 200 <= status_of(entry) < 300]
        return found

    def configured(self, name: str) -> str:
        """A setting that the caller noted at the start of the call ("deployment", "region"); empty where it did not."""
        noted = self.trace.first("harness.config")
        return text(noted.data, name) if noted else ""

    def refused(self, *statuses: int, step: str = "", saying: str = "") -> list[Entry]:
        """Responses that ended the call, with one of these statuses, and a body like ``saying``; empty arguments fit all."""
        return [
            entry
            for entry in self.responses(*([step] if step else []))
            if (not statuses or status_of(entry) in statuses)
            and (not saying or re.search(saying, body_of(entry), re.IGNORECASE))
        ]

    def request_of(self, response: Entry) -> Entry | None:
        """The request that this response (or failure) belongs to."""
        asked = if_shown(self.trace, "http.request")
        return next((one for one in asked if one.data.get("id") == response.data.get("id")), None)

    def url_of(self, response: Entry) -> str:
        """The URL of the request that this response (or failure) belongs to; empty where it was not recorded."""
        asked = self.request_of(response)
        return text(asked.data, "url") if asked else ""

    def unanswered(self) -> list[Entry]:
        """The last try of the last request, where it got no response at all."""
        last = [entry for entry in self.trace.of("http.request") if entry.data.get("step") in ("key", "call")][-1:]
        return [
            entry for entry in self.trace.of("http.failed") if last and entry.data.get("id") == last[0].data.get("id")
        ]

    def last_state(self, plane: str) -> str:
        """The last state of ``ice``, ``dtls`` or the connection (``state``) before the client hung up; empty where none was seen."""
        states = [text(entry.data, "state") for entry in self.trace.of(f"connection.{plane}")]
        return next((state for state in reversed(states) if state != "closed"), "")

    def never_opened(self) -> bool:
        """An answer was there, and no data channel opened."""
        gave_up = self.failed_call or "channel-open" in self.missing
        return gave_up and self.trace.first("sdp.answer") is not None and self.trace.first("channel.open") is None

    def lost(self) -> list[Entry]:
        """The entry that says that the connection went away during the session."""
        return [entry for entry in self.trace.of("harness.error") if entry.data.get("error") == "ConnectionLost"]


@dataclass(frozen=True)
class Cause:
    """A known cause: what it is, what to do, where it is documented, and when it fits.

    ``found`` returns the entries that show it; None where no recording can show it, and ``recognised`` then says what can be
    looked at instead, and ``rank`` is None too. ``tell`` completes the text of the cause from the case, and the request that was refused does. ``alone``: it is for what no other row explains. ``advise`` completes the fix from the case.
    """

    id: str
    cause: str
    fix: str
    source: str
    recognised: str
    found: Callable[[Case], Evidence] | None
    tell: Callable[[Case], str] | None = None
    alone: bool = False
    rank: int | None = None
    advise: Callable[[Case], str] | None = None


_CAUSES: dict[str, Cause] = {}
CAUSES: Mapping[str, Cause] = MappingProxyType(_CAUSES)

Finder = Callable[[Case], Evidence]


def cause(
    id: str,
    cause: str,
    *,
    rank: int,
    fix: str,
    source: str,
    tell: Callable[[Case], str] | None = None,
    alone: bool = False,
    advise: Callable[[Case], str] | None = None,
) -> Callable[[Finder], Finder]:
    """Register a row under a stable id. Its docstring says how the cause is recognised.

    ``rank`` decides which of several causes that fit is shown first: the smaller one. The hundreds are the planes in the order in which
    a call meets them; within a plane the specific goes before the general. Raises ValueError at import for an id or a rank used twice
    and for a row without a docstring.
    """

    def register(found: Finder) -> Finder:
        _add(Cause(id, cause, fix, source, inspect.cleandoc(found.__doc__ or ""), found, tell, alone, rank, advise))
        return found

    return register


def not_observable(id: str, cause: str, *, fix: str, source: str, instead: str) -> None:
    """Register a cause that no recording shows, with what can be looked at instead. It is explained, and never claimed."""
    _add(Cause(id, cause, fix, source, inspect.cleandoc(instead), None))


def _add(row: Cause) -> None:
    if row.id in _CAUSES:
        raise ValueError(f"diagnosis {row.id} is declared twice")
    if not row.recognised:
        raise ValueError(f"diagnosis {row.id} does not say how it is recognised")
    if row.rank is not None and (other := next((one for one in _CAUSES.values() if one.rank == row.rank), None)):
        raise ValueError(f"diagnosis {row.id} has the rank of {other.id}: {row.rank}")
    _CAUSES[row.id] = row


def ranked() -> list[Cause]:
    """The causes that a recording can show, in the order in which they are looked for."""
    return sorted((row for row in _CAUSES.values() if row.rank is not None), key=lambda row: row.rank or 0)


def diagnose(case: Case) -> tuple[Diagnosis, ...]:
    """All causes that fit, most specific first; empty where nothing is wrong."""
    if not case.wrong:
        return ()
    found: list[Diagnosis] = []
    for row in ranked():
        if row.found is None or (row.alone and not all(map(case.merely_recommended, found))):
            continue
        entries = _found(row, case)
        if entries:
            seqs = tuple(dict.fromkeys(entry.seq for entry in entries))
            words = [row.cause, _told(row.tell, case), _where(case, entries), _said(case, seqs)]
            fix = [row.fix, _told(row.advise, case)]
            found.append(Diagnosis(row.id, " ".join(filter(None, words)), " ".join(filter(None, fix)), seqs))
    return tuple(sorted(found, key=case.merely_recommended))


def _found(row: Cause, case: Case) -> tuple[Entry, ...]:
    """The entries that show a cause; none where the record cannot show whether it fits."""
    try:
        return tuple(row.found(case)) if row.found else ()
    except NotShown:
        return ()


def _told(words: Callable[[Case], str] | None, case: Case) -> str:
    try:
        return words(case) if words else ""
    except NotShown:
        return ""


def contrast(seen: Observation) -> str:
    """What was expected and what was seen instead."""
    return f"expected {' or '.join(seen.expected)}; seen {seen.actual}"


def _said(case: Case, seqs: Sequence[int]) -> str:
    """The service's own words about the first trouble among the evidence; empty where it said nothing."""
    said = next((one.said for one in case.troubles if one.entry in seqs), "")
    return f"The service said: {said}" if said else ""


def _where(case: Case, evidence: Sequence[Entry]) -> str:
    """The request that the first response of the evidence answers, in words; empty where none of it is a response."""
    told = next((one for one in evidence if one.kind in ("http.response", "http.failed")), None)
    asked = case.request_of(told) if told else None
    if told is None or asked is None:
        return ""
    url, host = text(asked.data, "url"), text(asked.data, "headers", "host")
    named = f" (host {host})" if host and host not in url else ""
    status = f"HTTP {status_of(told)}" if told.kind == "http.response" else "no response"
    return f"{text(asked.data, 'method')} {url}{named}: {status}."


def status_of(response: Entry) -> int:
    """The HTTP status, 0 where there is none."""
    status = response.data.get("status")
    return status if isinstance(status, int) else 0


def body_of(entry: Entry) -> str:
    """The body of a request or response as text."""
    body = entry.data.get("body")
    return body if isinstance(body, str) else json.dumps(body)


def _first_of_each(failures: Iterable[Observation]) -> Iterable[Observation]:
    seen: dict[int, Observation] = {}
    for one in failures:
        seen.setdefault(one.entry, one)
    return seen.values()
