"""A trace that judges one party alone: what a rule says of the other one is left to that one's own trace. Pure.

A relayed call leaves two traces of the same conversation. What a proxy itself sends in a party's place is no fact about that party
either: it stands in the trace that does not judge it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from harness.rules.base import BOTH, Observation, Rule
from harness.trace import Entry, Observer, Trace

KEY: Final = "party"
"""The field of a trace's header that names the party."""
_PARTIES: Mapping[str, Observer] = {"client": "client", "service": "service"}
_HTTP: Mapping[str, Observer] = {"http.request": "client", "http.response": "service"}
_SENT = ("event.sent", "event.received", "event.undecodable", "channel.dcep", "rtp.packets", "audio.undecodable")


def party_of(extra: Mapping[str, Any]) -> Observer | None:
    """The party that a trace judges, by its header; None: both, as any trace does that is not of a proxy."""
    return _PARTIES.get(str(extra.get(KEY)))


def others_rules(party: Observer | None, rules: Iterable[Rule]) -> dict[str, str]:
    """The rules that are not about ``party``, each with the reason why it is skipped."""
    if party is None:
        return {}
    return {
        one.id: f"about the {one.who}, whose own trace is judged by it" for one in rules if one.who not in (BOTH, party)
    }


def own(party: Observer | None, one: Rule, trace: Trace) -> Callable[[Observation], bool]:
    """Whether an observation of a rule is about ``party``: where the sender is to blame, it sent what the entry records."""

    def sent(seen: Observation) -> bool:
        entry = trace.entries[seen.entry] if 0 <= seen.entry < len(trace.entries) else None
        return entry is None or _sender(entry, trace) in (None, party)

    return sent if party is not None and one.by_sender else _any


def _sender(entry: Entry, trace: Trace) -> Observer | None:
    """Who sent what an entry records; None where nobody did."""
    return _HTTP.get(entry.kind) or (trace.sender(entry) if entry.kind in _SENT else None)


def _any(_: Observation) -> bool:
    return True
