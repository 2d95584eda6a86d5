"""RSP: the course of a response, its causes and what it says of itself at the end."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("RSP", "Response lifecycle", rank=80, who=SERVICE, hidden_by_filter=True)
