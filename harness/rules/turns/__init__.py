"""TURN: what the caller says, detected by the service or committed by hand."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("TURN", "Input audio and turns", rank=70, who=SERVICE)
