"""From a trace and the findings to a known cause and its fix. Every module of this package is a plane of a call; importing it fills CAUSES."""

from __future__ import annotations

from importlib import import_module
from pkgutil import iter_modules

from harness.diagnosis.base import CAUSES, Case, Cause, Diagnosis, diagnose, ranked
from harness.diagnosis.general import established
from harness.diagnosis.troubles import Trouble

for _found in iter_modules(__path__, f"{__name__}."):
    import_module(_found.name)

__all__ = ["CAUSES", "Case", "Cause", "Diagnosis", "Trouble", "diagnose", "established", "ranked"]
