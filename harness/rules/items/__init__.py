"""ITM: items of the conversation, function calls, MCP."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("ITM", "Items, functions, MCP", rank=100, who=SERVICE, hidden_by_filter=True)
