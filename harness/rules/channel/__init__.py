"""DC: ICE, DTLS, the data channel and its messages, and how a call ends."""

from __future__ import annotations

from harness.rules.base import BOTH, Family

FAMILY = Family("DC", "ICE, DTLS, data channel", rank=40, who=BOTH, capability="signaling")
