"""EVT: the envelope of every event, and its schema."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("EVT", "Event envelope and schema", rank=50, who=SERVICE)
