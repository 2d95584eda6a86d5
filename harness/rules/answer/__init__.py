"""ANS: whether an answer answers its offer, and the transport it sets up."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("ANS", "SDP answer", rank=30, who=SERVICE, capability="signaling")
