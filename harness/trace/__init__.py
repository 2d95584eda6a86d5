"""The trace: the one data structure, its recorder and its reader, and what is taken out before anything is stored."""

from __future__ import annotations

from harness.trace.model import VERSION, Data, Entry, Header, Observer, Trace, dump
from harness.trace.reader import read_trace
from harness.trace.recorder import Recorder
from harness.trace.recording import Recording, open_recording

__all__ = [
    "VERSION",
    "Data",
    "Entry",
    "Header",
    "Observer",
    "Recorder",
    "Recording",
    "Trace",
    "dump",
    "open_recording",
    "read_trace",
]
