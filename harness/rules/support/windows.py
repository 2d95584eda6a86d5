"""The audio of a call as the observer decoded it, in windows, and the playbacks that the events tell of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.rules.base import View
from harness.rules.playback.buffer import CLEARED, STARTED, STOPPED
from harness.rules.support.fields import listing, number
from harness.rules.support.history import Response, history
from harness.trace import Entry, Observer

PATHS_SECONDS = 0.6  # jitter buffers of 200 to 500 ms, one way, and the hangover of the speech detector
AUDIBLE_DBFS = -50.0  # well above the silence of any encoder (below -70), well below speech (-35 and up)
UNMEASURED_DBFS = -120.0


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of decoded audio: the entry it stands in, when it was (seconds of the trace), its level, whether it is speech.

    ``clipped`` samples at full scale, spectral ``flatness`` (None where it was not measured), ``breaks`` in the sound.
    """

    entry: Entry
    start: float
    end: float
    level: float
    speech: bool
    clipped: float = 0.0
    flatness: float | None = None
    breaks: float = 0.0

    @property
    def audible(self) -> bool:
        """Loud enough to be heard, speech or not."""
        return self.speech or self.level >= AUDIBLE_DBFS


def windows(view: View, party: Observer) -> list[Window]:
    """The audio that ``party`` sends, as the observer decoded it; empty where it was not decoded. Computed once for a trace."""
    derived = view.trace.derived
    key = f"windows of the {party}"
    if key not in derived:
        found = []
        for entry in view.trace.of("audio.levels"):
            start, step = number(entry.data, "start"), number(entry.data, "step")
            if view.trace.sender(entry) != party or start is None or step is None:
                continue
            speech, clipped, flatness, breaks = (
                listing(entry.data, name) for name in ("speech", "clipped", "flatness", "breaks")
            )
            for position, level in enumerate(listing(entry.data, "levels")):
                at = start + position * step
                loud = float(level) if isinstance(level, (int, float)) else UNMEASURED_DBFS
                found.append(
                    Window(
                        entry,
                        at,
                        at + step,
                        loud,
                        bool(_measure(speech, position)),
                        _measure(clipped, position),
                        _measure(flatness, position) if flatness else None,
                        _measure(breaks, position),
                    )
                )
        derived[key] = found
    result: list[Window] = derived[key]
    return result


def _measure(values: Sequence[Any], position: int) -> float:
    value = values[position] if position < len(values) else 0.0
    return float(value) if isinstance(value, (int, float)) else 0.0


def playbacks(view: View) -> list[tuple[Response, Entry, Entry | None, str]]:
    """Each playback: its response, started, the entry that ended it (None: still going on), and how."""
    found = []
    for response in history(view).responses.values():
        started = response.first(STARTED)
        if started is not None:
            end = next((one for one in response.all(STOPPED, CLEARED) if one.entry.seq > started.entry.seq), None)
            found.append((response, started.entry, end.entry if end else None, end.kind if end else ""))
    return found
