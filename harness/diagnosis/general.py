"""What is left when nothing specific fits: general causes, and how far the call came."""

from __future__ import annotations

from harness.diagnosis.audio import heard
from harness.diagnosis.base import Case, Evidence, cause, contrast
from harness.diagnosis.connection import addresses, closed_by_service, state_of
from harness.diagnosis.network import on_purpose
from harness.rules.base import INFO, MUST, REGISTRY, Outcome, RuleResult
from harness.rules.support.examples import prose_of
from harness.rules.support.fields import index, text
from harness.rules.support.milestones import milestone_entries
from harness.rules.support.sources import MS_WEBRTC, OWN


@cause(
    "replay-miss",
    "The client asked for something that the replayed recording has no answer to:",
    rank=10,
    fix="Record the call again with this client, or let the engine answer where the recording has nothing (--lenient, lenient: true).",
    source=OWN,
    tell=lambda case: _missed_in_replay(case),
)
def replay_miss(case: Case) -> Evidence:
    """A replay that was strict said what it had expected, and ended the call."""
    return [one for one in case.trace.of("harness.error") if text(one.data, "error") == "ReplayMiss"][:1]


def _missed_in_replay(case: Case) -> str:
    return " ".join(f"{text(one.data, 'what')}; {text(one.data, 'seen')}." for one in replay_miss(case))


@cause(
    "channel-never-opened",
    "The answer was accepted but the data channel never opened.",
    rank=1300,
    fix="Create the channel before the offer, mint the key right before it, and let the answer's candidates through the firewall.",
    source=MS_WEBRTC,
    advise=addresses,
)
def channel_never_opened(case: Case) -> Evidence:
    """An answer, no open channel, and the call gave up."""
    answer = case.trace.first("sdp.answer")
    return [answer] if answer and case.never_opened() else []


@cause(
    "channel-closed-by-service",
    "The service closed the data channel in the middle of the session.",
    rank=1305,
    fix="Look at the last events before it: an error says why; a service that is stopped or restarted says nothing.",
    source="W3C WebRTC, RTCDataChannel",
)
def channel_closed_by_service(case: Case) -> Evidence:
    """The call was lost, and the channel closed while the peer connection still stood."""
    return [*closed_by_service(case)[:1], *case.lost()] if case.lost() and closed_by_service(case) else []


@cause(
    "connection-lost",
    "The connection went away during the session.",
    rank=1310,
    fix="See the last connection states in the trace; a service that restarts or a network that changes ends the call.",
    source="W3C WebRTC, RTCPeerConnectionState",
)
def connection_lost(case: Case) -> Evidence:
    """ConnectionLost after an open channel."""
    return case.lost()


@cause(
    "network-may-explain",
    "Nothing but the network trouble that was asked for explains it.",
    rank=1315,
    fix="Try it without the trouble, or with less: where the same step is missed, the network is not the cause.",
    source=OWN,
    tell=on_purpose,
    alone=True,
)
def network_may_explain(case: Case) -> Evidence:
    """A step or a milestone was missed, no rule of a MUST is broken, and the harness disturbed the network; no other row fits."""
    if (
        not on_purpose(case)
        or not (case.missed or case.missing)
        or any(one.severity == MUST for one in _failures(case))
    ):
        return []
    return case.trace.of("connection.disturbed")[:1]


@cause(
    "not-the-service-alone",
    "The step that was missed does not depend on the service alone, but also on what a model chooses to do:",
    rank=1320,
    fix="Look at what the service did instead, and try again; where the model must be asked more plainly, change the scenario's live.ask.",
    source=OWN,
    tell=lambda case: _headline(case),
    alone=True,
)
def not_the_service_alone(case: Case) -> Evidence:
    """A missed step that is judged leniently, no rule of a MUST is broken, and nothing else that explains it."""
    if on_purpose(case) or any(one.severity == MUST for one in _failures(case)):
        return []
    return [entry for entry in case.missed if index(entry.data, "step") in case.lenient]


@cause(
    "rule-broken",
    "A rule is broken:",
    rank=1325,
    fix="Do what the rule asks for.",
    source=OWN,
    tell=lambda case: _broken_rules(case),
    advise=lambda case: _advice(case),
    alone=True,
)
def rule_broken(case: Case) -> Evidence:
    """A MUST rule failed, or a SHOULD rule where the call failed or a step was missed; no other row fits. The fix is the rule's own."""
    return [entry for one in _failures(case) for entry in case.broken(one.id)[:1]]


def _failures(case: Case) -> list[RuleResult]:
    failed = [one for one in case.rules if one.outcome is Outcome.FAIL and one.severity != INFO]
    must = [one for one in failed if one.severity == MUST]
    return must or (failed if case.failed_call or case.missed or case.missing else [])


def _broken_rules(case: Case) -> str:
    first, *more = _failures(case)
    title = REGISTRY[first.id].title if first.id in REGISTRY else ""
    seen = next(iter(first.failures), None)
    what = f": {contrast(seen)}" if seen else ""
    others = f" Also broken: {', '.join(one.id for one in more)}." if more else ""
    # An offer that breaks a rule may still be answered: what the service takes today it need not take tomorrow.
    taken = (
        " The service took this offer here." if first.id.startswith("OFF-") and case.trace.first("sdp.answer") else ""
    )
    return f"{first.id}, {title}{what}.{others}{taken}"


def _advice(case: Case) -> str:
    """What the rule itself says about why it matters and what to do: the last paragraph before its examples."""
    first = _failures(case)[0].id
    said = prose_of(REGISTRY[first]).split("\n\n")[-1] if first in REGISTRY else ""
    return f"{' '.join(said.split())} See harness explain {first}."


@cause(
    "unexpected-error",
    "The service reported an error that no step expects.",
    rank=1330,
    fix="Read its message, code and param in the trace; event_id names the client event that it is about.",
    source=OWN,
    alone=True,
)
def unexpected_error(case: Case) -> Evidence:
    """An error event that no step expected, and that nothing else explains."""
    return case.errors()


def established(case: Case) -> str:
    """What is certain about the course of a call, in words: the last milestone, the last states and error, whether audio flowed."""
    entries = milestone_entries(case.trace)
    reached = [name for name, entry in entries.items() if entry is not None]
    parts = [f"reached last: {reached[-1]}" if reached else "no milestone was reached"]
    unreached = next((name for name, entry in entries.items() if entry is None), None)
    if unreached:
        parts.append(f"not reached: {unreached}")
    if states := state_of(case):
        parts.append(states)
    errors = case.trace.events("service", "error")
    if errors:
        told = text(errors[-1].event, "error", "message") or text(errors[-1].event, "error", "code")
        parts.append(f"last error: {told[:120] or 'without a message'}")
    elif case.trace.first("channel.open"):
        parts.append("no error event" if not case.view.filtered else "errors are hidden by the filter")
    if case.trace.first("channel.open"):
        parts.append(heard(case))
        last = case.server()[-1:]
        parts.append(f"last event of the service: {last[0].type} at {last[0].t:.3f} s" if last else "no event at all")
    return "; ".join(parts)


@cause(
    "not-recognised",
    "No known cause fits:",
    rank=1335,
    fix="Look at the entries after the last milestone in the trace, and at the findings.",
    source=OWN,
    tell=lambda case: _headline(case),
    advise=lambda case: f"Established: {established(case)}.",
    alone=True,
)
def not_recognised(case: Case) -> Evidence:
    """The call failed, or a step or a milestone was missed, and no other row fits. It says how far the call came."""
    if not (case.failed_call or case.missed or case.missing):
        return []
    reached = [entry for entry in milestone_entries(case.trace).values() if entry is not None]
    return reached[-1:] or list(case.trace.entries[-1:])


def _headline(case: Case) -> str:
    """What was expected and what came instead, or how the call failed."""
    for step in case.missed:
        return f"expected {text(step.data, 'expected')}; seen {text(step.data, 'actual')}."
    error = case.trace.first("harness.error")
    if error is not None:
        return f"{text(error.data, 'what')}."
    return f"{', '.join(sorted(case.missing))} never reached."
