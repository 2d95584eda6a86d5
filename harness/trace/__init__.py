"""The trace: the one data structure, its recorder and its reader, and what is taken out before anything is stored."""

from __future__ import annotations

from harness.trace.model import VERSION, Data, Entry, Header, Observer, Trace, dump
from harness.trace.partial import UNSEEN, NotShown, if_shown, shows, strict, timed
from harness.trace.reader import read_trace
from harness.trace.recorder import Recorder
from harness.trace.recording import Recording, open_recording

__all__ = [
    "UNSEEN", "VERSION", "Data", "Entry", "Header", "NotShown", "Observer", "Recorder", "Recording", "Trace", "dump", "if_shown",
    "open_recording", "read_trace", "shows", "strict", "timed",
]  # fmt: skip
