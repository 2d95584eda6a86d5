"""In which order the events about one response, one item, one session come. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations

from harness.drifting.vocabulary import Example
from harness.rules.support.fields import text
from harness.trace import Trace

Order = tuple[str, str, str]
"""What the events are about (``response``, ``item``, ``session``), the event that came first, the one that came later."""
_OF_THE_SESSION = ("session.created", "session.updated", "conversation.created")
_IDS: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "response": (("response_id",), ("response", "id")),
    "item": (("item_id",), ("item", "id")),
}


@dataclass
class Orders:
    """The orders that were seen, each with how often and with its first example."""

    seen: dict[Order, tuple[int, Example]] = field(default_factory=dict)

    def add(self, trace: Trace, file: str) -> None:
        """Note the orders of a call's service events, by where each type first came for each response, item and for the session."""
        first: dict[tuple[str, str], dict[str, int]] = {}
        for entry in trace.events("service"):
            for about, id in _about(entry.type, entry.event):
                first.setdefault((about, id), {}).setdefault(entry.type, entry.seq)
        for (about, _), types in first.items():
            for before, after in combinations(types, 2):
                number, example = self.seen.get((about, before, after), (0, Example(file, types[after])))
                self.seen[about, before, after] = (number + 1, example)

    def against(self, other: Orders) -> Iterator[tuple[Order, Example, Example, bool]]:
        """The orders that ``other`` never has and of which it has the opposite: the order, its example, that of the opposite, and

        whether this side never has the opposite itself.
        """
        for (about, before, after), (_, example) in sorted(self.seen.items()):
            opposite = (about, after, before)
            if (about, before, after) not in other.seen and opposite in other.seen:
                yield (about, before, after), example, other.seen[opposite][1], opposite not in self.seen

    def times(self, order: Order) -> int:
        """How often this order was seen."""
        return self.seen.get(order, (0, None))[0]


def _about(kind: str, event: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    if kind in _OF_THE_SESSION:
        yield "session", ""
    for about, places in _IDS.items():
        for place in places:
            if id := text(event, *place):
                yield about, id
                break
