"""Recordings at a limit: where a tolerance is met by a hair, or missed by one. ``tests/test_tolerances.py`` judges them all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Limit:
    """What is seen in a recording just inside or just outside of a limit, and what has to be."""

    name: str
    seen: Callable[[], Any]
    expected: Any

    def holds(self) -> bool:
        """Whether what is seen is what has to be."""
        return bool(self.seen() == self.expected)
