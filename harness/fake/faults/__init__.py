"""The faults of the service: a catalogue of declared misbehaviours, by plane. Importing this package imports its files, which fill the registry."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from harness.fake.faults.base import FAULTS, Fault, Faults, Reply, ServiceConduct

for _found in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_found.name)

__all__ = [
    "FAULTS",
    "Fault",
    "Faults",
    "Reply",
    "ServiceConduct",
]
