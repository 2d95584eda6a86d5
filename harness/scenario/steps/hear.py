"""``hear``: listen to the received audio itself."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self

from pydantic import ConfigDict, model_validator

from harness.protocol.dialects import Dialect
from harness.scenario.match import span
from harness.scenario.relaxation import HEARD, STORY, Relaxation
from harness.scenario.stage import Seen, Stage
from harness.scenario.steps.base import DEFAULT_WITHIN, Step
from harness.scenario.values import Duration, Model
from harness.trace import Entry

SETTLE_SECONDS = 0.3
"""The end of speech is noticed this much later than it was, so that what was heard is only certain for audio of that age."""
FAILED_SECONDS = 2.0
"""So long speech is waited for after a response has failed: what was made before is heard by then, or a client has asked again."""
Segment = tuple[float, float | None]
"""Begin and end of speech in seconds of the trace; no end while it lasts."""


# A share of speech, and some more at its edges, that may be lost on a network that the harness makes lossy.
_LOST_SHARE, _LOST_EDGES = 0.1, 0.1


class HearWhat(Model):
    """What must be heard in the received audio itself: that much speech, or that much silence, within a time."""

    model_config = ConfigDict(json_schema_extra={"oneOf": [{"required": ["speech"]}, {"required": ["silence"]}]})

    speech: Duration | None = None
    silence: Duration | None = None
    within: Duration = DEFAULT_WITHIN

    @model_validator(mode="after")
    def _one_thing(self) -> Self:
        if (self.speech is None) == (self.silence is None):
            raise ValueError("give either speech or silence, with how much of it: {speech: 500ms}")
        return self


class Hear(Step):
    """Listen to the received audio (decoded RTP, not events)."""

    word: ClassVar[str] = "hear"
    hear: HearWhat

    @property
    def asks(self) -> bool:
        """Always."""
        return True

    @property
    def patience(self) -> float:
        """How long it waits."""
        return self.hear.within

    def describe(self, dialect: Dialect) -> str:
        """How much of what, and how long it waits."""
        asked = self.hear
        what = (
            f"{span(asked.speech)} of speech" if asked.speech is not None else f"{span(asked.silence or 0)} of silence"
        )
        return f"{what} in the received audio within {span(asked.within)}"

    def relaxed(self, relax: Relaxation) -> Self:
        """Less speech and more time; silence keeps its window: with more time to look in, any pause would do."""
        if self.hear.speech is None:
            return self
        speech = self.hear.speech if relax.asked else min(self.hear.speech, HEARD)
        if relax.asked and self.lenient:
            speech = max(speech, STORY)
        heard = self.hear.model_copy(update={"speech": speech, "within": relax.within(self.hear.within)})
        return self.model_copy(update={"hear": heard})

    async def take(self, stage: Stage) -> Seen:
        """Listen until enough was heard or the time is over."""
        wanted, within = self.hear.speech, self.hear.within
        measure, what = (speech, "speech") if wanted is not None else (silence, "silence")
        amount = audible(stage.entries, wanted) if wanted is not None else self.hear.silence or 0.0
        since = stage.now

        def heard() -> float:
            return measure(segments(stage.received, "received"), since, since + within, stage.now - SETTLE_SECONDS)

        def enough() -> bool | None:
            # A microsecond is the resolution of the trace.
            if heard() >= amount - 1e-6:
                return True
            return False if given_up() <= stage.now else None

        def given_up() -> float:
            """When speech is no longer waited for: a while after a response failed, unless something is still being said."""
            failed = failed_last(stage.entries) if wanted is not None else None
            speaking = any(end is None for _, end in segments(stage.received, "received")[-1:])
            return failed.t + FAILED_SECONDS if failed and failed.t >= since and not speaking else math.inf

        met = await stage.until(
            enough, within + SETTLE_SECONDS, again=lambda: min(stage.now + amount - heard(), given_up())
        )
        actual = f"{span(round(heard(), 3))} of {what}" if heard() > 0 else f"no {what}"
        if met is False:
            actual += "; the response failed, and no other began"
        # Packets are recorded about once a second; before that their absence means nothing.
        silent = not heard() and stage.now > since + 1.0
        if silent and not any(entry.kind == "rtp.packets" for entry in stage.received):
            actual += "; no audio packet came at all"
        last = next((entry for entry in reversed(stage.received) if entry.kind == "audio.speech"), None)
        return Seen(bool(met), actual if met else stage.in_short(actual), last)


def failed_last(entries: Sequence[Entry]) -> Entry | None:
    """The end of the last response, where it failed and no other has begun since."""
    for entry in reversed(entries):
        if entry.kind == "event.received" and entry.type in ("response.created", "response.done"):
            response = entry.event.get("response")
            return entry if isinstance(response, Mapping) and response.get("status") == "failed" else None
    return None


def audible(entries: Iterable[Entry], seconds: float) -> float:
    """How much is left to be heard of so many seconds of speech: all of it, unless the harness itself has packets lost."""
    for entry in entries:
        if entry.kind == "connection.disturbed":
            conditions = entry.data.get("conditions", {})
            path = conditions.get("received") or conditions
            if any(path.get(name) for name in ("loss", "burst_loss", "bandwidth")):
                return max(0.0, seconds * (1 - _LOST_SHARE) - _LOST_EDGES)
    return seconds


def segments(entries: Iterable[Entry], direction: str = "received") -> list[Segment]:
    """The stretches of speech in one direction, in order."""
    found: list[Segment] = []
    for entry in entries:
        if entry.kind != "audio.speech" or entry.data.get("direction") != direction:
            continue
        at = float(entry.data["at"])
        if entry.data.get("state") == "started" and (not found or found[-1][1] is not None):
            found.append((at, None))
        elif entry.data.get("state") == "stopped" and found and found[-1][1] is None:
            found[-1] = (found[-1][0], at)
    return found


def speech(found: Sequence[Segment], since: float, until: float, certain: float) -> float:
    """Seconds of speech up to ``until``, in the stretches that reach into the time from ``since`` on, whole as they are.

    A stretch that has not ended counts up to ``certain`` only: its end may be noticed later.
    """
    return sum(
        max(0.0, min(certain if end is None else end, until) - begin)
        for begin, end in found
        if end is None or end > since
    )


def silence(found: Sequence[Segment], since: float, until: float, certain: float) -> float:
    """Seconds of the longest silence up to ``until`` that reaches into the time from ``since`` on, counted from where it began.

    Silence that has not ended counts up to ``certain`` only.
    """
    longest, quiet_from = 0.0, 0.0
    for begin, end in found:
        if begin > since:
            longest = max(longest, min(begin, until) - quiet_from)
        if end is None:
            return longest
        quiet_from = end
    return max(longest, min(certain, until) - quiet_from)
