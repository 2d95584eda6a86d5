"""OFF: what an offer consists of, and how it wants to be transported."""

from __future__ import annotations

from harness.rules.base import CLIENT, Family

FAMILY = Family("OFF", "SDP offer", rank=20, who=CLIENT, capability="signaling")
