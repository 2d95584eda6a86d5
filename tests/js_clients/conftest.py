"""The packages of the JavaScript clients, as the lock file has them."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
from pathlib import Path
from tempfile import mkdtemp

import pytest

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def installed(pytestconfig: pytest.Config) -> Path:
    """A folder with the clients and their packages, as the lock file has them; installed once, whichever worker comes first."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    files = sorted([*HERE.glob("*.mjs"), *HERE.glob("*.html"), *HERE.glob("package*.json")])
    digest = hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()[:16]
    cache = pytestconfig.cache.mkdir("js-clients")
    done = cache / digest
    if not done.exists():
        building = Path(mkdtemp(dir=cache))
        for path in files:
            shutil.copy(path, building)
        made = subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=building, capture_output=True, text=True)
        if made.returncode != 0:
            shutil.rmtree(building)
            pytest.skip(f"npm ci failed: {' '.join(made.stderr.split())[:300]}")
        try:
            building.rename(done)
        except OSError:  # another worker was faster
            shutil.rmtree(building)
    return done
