"""The faults of the service: a catalogue of declared misbehaviours, by plane. Importing this package fills the registry."""

from __future__ import annotations

from harness.fake.faults import (
    answer,
    call,
    connection,
    content,
    envelope,
    errors,
    functions,
    items,
    playback,
    responses,
    session,
    sound,
    token,
    transcription,
    turns,
)
from harness.fake.faults.base import FAULTS, Conduct, Fault, Faults, Reply

__all__ = [
    "FAULTS",
    "Conduct",
    "Fault",
    "Faults",
    "Reply",
]

MODULES = (
    token,
    call,
    answer,
    connection,
    session,
    envelope,
    turns,
    responses,
    content,
    items,
    functions,
    playback,
    transcription,
    errors,
    sound,
)
