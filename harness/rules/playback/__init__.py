"""PLAY: the output audio buffer, and how an answer is interrupted."""

from __future__ import annotations

from harness.rules.base import SERVICE, Family

FAMILY = Family("PLAY", "Playback and interruption", rank=110, who=SERVICE, hidden_by_filter=True)
