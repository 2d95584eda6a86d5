"""SES: what is asked of the session, what the service says about it, and how it ends."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("SES", "Session", rank=60, who=SERVICE, hidden_by_filter=True, capability="session")
