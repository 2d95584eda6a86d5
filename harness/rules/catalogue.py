"""All rules: importing this module imports every file of :mod:`harness.rules`, each of which fills the registry with its own."""

from __future__ import annotations

import pkgutil
from importlib import import_module

import harness.rules
from harness.rules.base import FAMILIES, REGISTRY, UNOBSERVABLE, Family, Rule, Unobservable, order

for _found in pkgutil.walk_packages(harness.rules.__path__, "harness.rules."):
    import_module(_found.name)


def families() -> tuple[Family, ...]:
    """Every family, in the order of the catalogue."""
    return tuple(sorted(FAMILIES.values(), key=lambda family: family.rank))


def all_rules() -> tuple[Rule, ...]:
    """Every rule, in the order of the families, then by number."""
    return tuple(REGISTRY[id] for id in sorted(REGISTRY, key=order))


def unobservable_rules() -> tuple[Unobservable, ...]:
    """Every row that no check stands for, with its reason, in the same order."""
    return tuple(UNOBSERVABLE[id] for id in sorted(UNOBSERVABLE, key=order))
