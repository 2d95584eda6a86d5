"""All rules: importing this module fills the registry. A new family is one more import here."""

from __future__ import annotations

from harness.rules import (
    channel,
    connection,
    http,
    http_key,
)
from harness.rules.base import REGISTRY, UNOBSERVABLE, Rule, Unobservable, order

MODULES = (
    http, http_key,
    connection, channel,
)  # fmt: skip


def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the families, then by number."""
    return tuple(sorted(REGISTRY.values(), key=order))


def unobservable_rules() -> tuple[Unobservable, ...]:
    """Every row that no check stands for, with its reason, in the same order."""
    return tuple(sorted(UNOBSERVABLE.values(), key=order))
