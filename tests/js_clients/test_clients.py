"""Other WebRTC stacks as clients of ``harness serve``: each makes a whole call, hears the answer and is judged conformant."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import mkdtemp

import pytest

from tests.test_live import KEY, Served, served_at_most

HERE = Path(__file__).parent
CLIENTS = ("node-datachannel", "werift", "wrtc")
PATIENCE = 90.0  # seconds; only where something hangs


@pytest.fixture(scope="session")
def installed(pytestconfig: pytest.Config) -> Path:
    """A folder with the clients and their packages, as the lock file has them; installed once, whichever worker comes first."""
    npm = shutil.which("npm")
    if npm is None:
        pytest.skip("npm is not installed")
    files = sorted([*HERE.glob("*.mjs"), *HERE.glob("package*.json")])
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


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    with served_at_most(PATIENCE, tmp_path) as running:
        yield running


@pytest.mark.parametrize("client", CLIENTS)
def test_another_stack_converses_and_is_judged_conformant(client: str, installed: Path, served: Served) -> None:
    ran = subprocess.run(
        ["node", f"{client}.mjs", served.url, KEY], cwd=installed, capture_output=True, text=True, timeout=PATIENCE
    )
    assert ran.returncode == 0, ran.stderr
    heard = json.loads(ran.stdout)
    assert heard["transcript"] == "Hello, world."
    assert heard["packets"] > 50  # 1.4 s of speech
    served.wait_for("✓ conformant")
    assert served.stop() == 0
    (run,) = json.loads((served.out / "results.json").read_text())["runs"]
    assert (run["observer"], run["verdict"]) == ("service", "conformant")
    trace = (served.out / run["trace"]).read_text()
    assert '"response.done"' in trace
    assert '"kind":"rtp.packets"' in trace
