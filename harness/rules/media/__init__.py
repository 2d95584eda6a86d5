"""MED: the RTP streams, and what is heard in them against what the events say."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("MED", "Media", rank=140, who=SERVICE, capability="audio")
