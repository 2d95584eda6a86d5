"""Where SDK, schemas, fake and recordings differ, and what that means: a changed contract, a gap of ours, a model that ended. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from harness.drifting.endings import ModelEnded
from harness.drifting.sources import Observations, Observed
from harness.drifting.vocabulary import Fact, Vocabulary
from harness.protocol.dialects import DIALECTS

SCHEMA = 1
OFTEN = 5
"""So often live services have to send an event without a field that the fake always sends, or in the opposite order, before it counts."""
Meaning = Literal["contract", "gap"]
Source = Literal["sdk", "schema", "fake", "live"]
SOURCES: tuple[Source, ...] = ("sdk", "schema", "fake", "live")


@dataclass(frozen=True, slots=True)
class Row:
    """One difference. ``has``: which source has it; None where a source was not looked at or cannot say.

    ``meaning``: "contract" where the vendor's side and ours disagree, "gap" where our fake does less, or more, than was seen live.
    """

    kind: str
    file: str
    what: str
    meaning: Meaning
    has: Mapping[Source, bool | None]
    text: str
    example: str = ""

    def to_json(self) -> dict[str, Any]:
        """An element of ``rows`` of the document."""
        return {
            "kind": self.kind,
            "of": self.file,
            "what": self.what,
            "meaning": self.meaning,
            "has": dict(self.has),
            "text": self.text,
            **({"example": self.example} if self.example else {}),
        }


@dataclass(frozen=True)
class Drift:
    """What a look at all sources found. ``missing``: the sources that were not there, each with the reason; ``counts``: what was looked at."""

    rows: tuple[Row, ...]
    ended: tuple[ModelEnded, ...]
    missing: Mapping[str, str]
    skipped: tuple[str, ...]
    counts: Mapping[str, int]
    sdk: str = ""
    require_live: bool = False

    @property
    def contract(self) -> tuple[Row, ...]:
        """The differences by which vendor and harness disagree."""
        return tuple(row for row in self.rows if row.meaning == "contract")

    @property
    def exit_code(self) -> int:
        """1 where the contract differs, or where no live recording was looked at and one is required; else 0."""
        return 1 if self.contract or (self.require_live and "live" in self.missing) else 0

    def to_json(self) -> dict[str, Any]:
        """``harness drift --json``."""
        return {
            "schema": SCHEMA,
            "exit_code": self.exit_code,
            "looked_at": dict(self.counts),
            "sdk": self.sdk or None,
            "missing": dict(self.missing),
            "skipped": list(self.skipped),
            "rows": [row.to_json() for row in self.rows],
            "models": [one.to_json() for one in self.ended],
        }


def rows(
    sdk: Mapping[str, Vocabulary],
    in_vain: Sequence[str],
    ours: Mapping[str, Vocabulary],
    fake: Observations,
    live: Observations,
) -> Iterator[Row]:
    """Every difference: first those of the SDK, then those of the recordings, then those of the fake."""
    for file in sdk:
        yield from _of_models(file, sdk[file], ours[file])
    for reason in in_vain:
        has: dict[Source, bool | None] = {"sdk": True, "schema": True, "fake": None, "live": None}
        yield Row("relaxation", "", reason, "contract", has, "the SDK now says itself what our schemas relax")
    for generation in dict.fromkeys(row.generation.name for row in DIALECTS.values()):
        file = f"{generation}-service"
        seen = _Sides(file, sdk.get(file), ours[file], fake.get(generation), live.get(generation))
        yield from seen.of_recordings()
        yield from seen.of_fake()
        yield from seen.of_orders()


def _of_models(file: str, sdk: Vocabulary, ours: Vocabulary) -> Iterator[Row]:
    """Where the models of the SDK and our schemas disagree; of an event or field that one lacks nothing inside it."""
    theirs, known = set(sdk.facts()), set(ours.facts())
    for fact in _outermost(theirs ^ known):
        in_sdk = fact in theirs
        has: dict[Source, bool | None] = {"sdk": in_sdk, "schema": not in_sdk, "fake": None, "live": None}
        side = "the SDK has it, our schemas lack it" if in_sdk else "our schemas have it, the SDK lacks it"
        yield Row(fact.kind, file, fact.text, "contract", has, side)


def _outermost(facts: Iterable[Fact]) -> Iterator[Fact]:
    """The facts in their order; of an event or a field that is among them nothing inside it."""
    told: set[tuple[str, str]] = set()
    for fact in sorted(facts):
        inside = (fact.event, "") in told or any((fact.event, above) in told for above in _above(fact.path))
        if inside or (fact.kind not in ("event", "field") and (fact.event, fact.path) in told):
            continue
        if fact.kind in ("event", "field"):
            told.add((fact.event, fact.path))
        yield fact


def _above(path: str) -> Iterator[str]:
    """The paths of the fields that a field is part of."""
    parts = path.split(".")
    for end in range(1, len(parts)):
        joined = ".".join(parts[:end])
        yield joined
        yield joined.removesuffix("[]")


@dataclass(frozen=True)
class _Sides:
    """All that is known of the service's events in one generation."""

    file: str
    sdk: Vocabulary | None
    ours: Vocabulary
    fake: Observed | None
    live: Observed | None

    @cached_property
    def known(self) -> frozenset[Fact]:
        """What our schemas have."""
        return frozenset(self.ours.facts())

    @cached_property
    def modelled(self) -> frozenset[Fact]:
        """What the SDK has."""
        return frozenset(self.sdk.facts()) if self.sdk else frozenset()

    def of_recordings(self) -> Iterator[Row]:
        """What live services send and we do not know, and what breaks our schemas."""
        if self.live is None:
            return
        faked = set(self.fake.seen.facts) if self.fake else set()
        for fact in _outermost(fact for fact in self.live.seen.facts if fact not in self.known and fact not in faked):
            text = "live services send it, and neither our schemas nor our fake know it"
            yield self._row(fact, "contract", text, str(self.live.seen.facts[fact]))
        for (event, path, kind), (problem, example) in sorted(self.live.problems.items()):
            if self._told(event, path, kind):
                continue
            has: dict[Source, bool | None] = {"sdk": None, "schema": False, "fake": None, "live": True}
            yield Row(kind, self.file, f"{event}: {path}", "contract", has, f"live: {problem}", str(example))

    def _told(self, event: str, path: str, kind: str) -> bool:
        """An unknown event and a value that is not listed are told as what a live service sends."""
        assert self.live is not None
        if kind != "value":
            return False
        new = (fact for fact in self.live.seen.facts if fact not in self.known and fact.event == event)
        return any(fact.kind == "event" or (fact.kind == "value" and fact.path == path) for fact in new)

    def of_fake(self) -> Iterator[Row]:
        """What our fake never sends and live services do, and the other way round; what the fake sends against our schemas."""
        if self.fake is None:
            return
        for (event, path, kind), (problem, example) in sorted(self.fake.problems.items()):
            has: dict[Source, bool | None] = {"sdk": None, "schema": False, "fake": True, "live": None}
            yield Row(kind, self.file, f"{event}: {path}", "contract", has, f"our fake: {problem}", str(example))
        if self.live is None:
            return
        lacking = [fact for fact in self.live.seen.facts if fact in self.known and fact not in self.fake.seen.facts]
        for fact in _outermost(lacking):
            yield self._row(fact, "gap", "live services send it, our fake never does", str(self.live.seen.facts[fact]))
        fake, live = self.fake.seen, self.live.seen
        always = [
            fact
            for fact in fake.facts
            if fact.kind == "field"
            and fact not in live.facts
            and fake.times[fact] == fake.around(fact)
            and live.around(fact) >= OFTEN
        ]
        for fact in _outermost(always):
            text = f"our fake always sends it, and no live service did in {live.around(fact)} such events"
            yield self._row(fact, "gap", text, str(fake.facts[fact]))

    def of_orders(self) -> Iterator[Row]:
        """The orders of events in which live services do the opposite of what our fake does."""
        if self.fake is None or self.live is None:
            return
        for order, example, opposite, always in self.live.orders.against(self.fake.orders):
            about, before, after = order
            sure = always and self.live.orders.times(order) >= OFTEN
            has: dict[Source, bool | None] = {"sdk": None, "schema": None, "fake": False, "live": True}
            text = (
                f"of one {about}, live {'always' if always else 'sometimes'} {before} before {after} "
                f"({self.live.orders.times(order)} times), our fake never (see {opposite})"
            )
            yield Row(
                "order", self.file, f"{before} before {after}", "contract" if sure else "gap", has, text, str(example)
            )

    def _row(self, fact: Fact, meaning: Meaning, text: str, example: str) -> Row:
        has: dict[Source, bool | None] = {
            "sdk": None if self.sdk is None else fact in self.modelled,
            "schema": fact in self.known,
            "fake": None if self.fake is None else fact in self.fake.seen.facts,
            "live": None if self.live is None else fact in self.live.seen.facts,
        }
        return Row(fact.kind, self.file, fact.text, meaning, has, text, example)
