"""HTTP: the token request, the ephemeral key, the call request, and how a client takes a refusal."""

from __future__ import annotations

from harness.rules.base import CLIENT, Family

FAMILY = Family("HTTP", "HTTP, authorization, keys", rank=10, who=CLIENT, capability="signaling")
