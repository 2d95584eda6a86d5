"""Dates of HTTP (:rfc:`9110` section 5.6.7), as services write them and as they may be spoiled on the way."""

from __future__ import annotations

from datetime import datetime
from email.utils import parsedate_to_datetime


def instant(text: str) -> datetime | None:
    """The moment that a ``Date`` header names, or None where it is no date."""
    try:
        return parsedate_to_datetime(text)
    except (TypeError, ValueError, IndexError, OverflowError):
        return None


def epoch_seconds(text: str) -> float | None:
    """The same in seconds since 1970 in UTC; None also where it is beyond what a clock can count."""
    when = instant(text)
    try:
        return None if when is None else when.timestamp()
    except (ValueError, OverflowError):
        return None
