"""The faults of a client: a catalogue of declared misbehaviours of the caller, by plane. Importing this package imports its files, which fill the registry."""

from __future__ import annotations

import pkgutil
from importlib import import_module

from harness.client.faults.base import CLIENT_FAULTS, CallerConduct, ClientFault, ClientFaults

for _found in pkgutil.iter_modules(__path__, f"{__name__}."):
    import_module(_found.name)

__all__ = [
    "CLIENT_FAULTS",
    "CallerConduct",
    "ClientFault",
    "ClientFaults",
]
