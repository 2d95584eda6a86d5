"""Which judge this is: a digest over all that makes calls and judges them, so that a proof is believed of what it was made with alone."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

import harness
from harness.scenario.files import reference_suite

_PACKAGE = Path(harness.__file__).resolve().parent
# They tell what was found and find nothing.
_TELLERS = ("cli", "comparing", "drifting", "pytest_plugin.py", "report")


@cache
def revision() -> str:
    """Twelve hexadecimal digits over the program, without front doors and reports, and over the scenarios of the suite."""
    digest = hashlib.sha256()
    suite = reference_suite().resolve()
    for root, suffixes in ((_PACKAGE, (".py", ".json")), (suite, (".yaml", ".yml"))):
        for path in sorted(path for path in root.rglob("*") if path.suffix in suffixes):
            name = path.relative_to(root)
            if root is suite or name.parts[0] not in (*_TELLERS, "suite"):
                digest.update(f"{name.as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
