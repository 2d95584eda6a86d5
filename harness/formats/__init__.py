"""Records of calls that others made: event logs, HAR files, dumps of WebRTC; read into traces, and written from them."""

from __future__ import annotations

from harness.formats.reading import NamedTrace, read_records

__all__ = ["NamedTrace", "read_records"]
