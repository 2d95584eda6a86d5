"""Ephemeral keys as pure data: minted with a lifetime, found again by their value, judged at a time that is passed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

# Expired keys are remembered, to tell "expired" from "never minted here"; this many at most.
REMEMBERED = 1000
# Beyond so many keys the oldest one is forgotten: each holds a session, and anybody may mint them.
MOST = 4000


@dataclass(frozen=True, slots=True)
class Key:
    """An ephemeral key. ``expires`` is on the loop's clock in seconds, ``expires_at`` the same moment in epoch seconds."""

    value: str
    dialect: str
    model: str
    session: Mapping[str, Any]
    expires: float
    expires_at: int


Standing = Literal["good", "expired", "foreign"]


@dataclass(slots=True)
class KeyRing:
    """The keys of one service. ``epoch`` is the epoch second at time 0 of the loop's clock."""

    epoch: float
    _keys: dict[str, Key] = field(default_factory=dict)

    def mint(
        self, value: str, dialect: str, *, model: str, session: Mapping[str, Any], seconds: float, now: float
    ) -> Key:
        """Remember a new key under ``value``, good for ``seconds`` from ``now``."""
        # Rounded down to whole epoch seconds, as both vendors print it; the key itself is good until the exact moment.
        key = Key(value, dialect, model, session, now + seconds, int(self.epoch + now + seconds))
        self._keys[value] = key
        for stale in [old for old in self._keys.values() if old.expires <= now][:-REMEMBERED]:
            del self._keys[stale.value]
        while len(self._keys) > MOST:
            del self._keys[next(iter(self._keys))]
        return key

    def find(self, value: str, dialect: str, now: float) -> tuple[Standing, Key | None]:
        """How a presented value stands: good until the moment it expires, and only in the dialect it was minted for."""
        key = self._keys.get(value)
        if key is None or key.dialect != dialect:
            return "foreign", None
        return ("good" if now < key.expires else "expired"), key
