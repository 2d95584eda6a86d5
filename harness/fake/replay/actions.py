"""What a replay asks its surroundings to do, beside the engine's own actions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.fake.actions import Action


@dataclass(frozen=True, slots=True)
class Emit:
    """Put this message on the channel as it was recorded: an event, or a text or octets that are no event.

    ``size``: bytes that it had on the wire. ``number`` is that of the act, ``due`` the loop time that it belongs to: a cause that was
    noticed late makes it leave late, and the audio keeps to ``due``.
    """

    message: Mapping[str, Any] | str | bytes
    size: int
    number: int
    due: float


@dataclass(frozen=True, slots=True)
class CloseChannel:
    """Close the data channel, as the recorded service did; the connection stays."""

    number: int
    due: float


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call at once, as the recorded service did."""


@dataclass(frozen=True, slots=True)
class HandOver:
    """From here on the engine answers, not the recording; ``text`` says why."""

    text: str


@dataclass(frozen=True, slots=True)
class Missed:
    """The client asked for something that the recording has no answer to: what was expected next, what came, and what to do."""

    what: str
    seen: str
    fix: str


ReplayAction = Action | Emit | CloseChannel | HangUp | HandOver | Missed
