"""``python -m tests.fuzz --seconds 20 [TARGET]...``: the targets under atheris, each in a process of its own; a finding is printed and kept.

Corpora grow in ``--corpus`` (default: .fuzz, not part of the repository) from one run to the next.
"""

from __future__ import annotations

import argparse
import importlib.util
import subprocess
import sys
from pathlib import Path


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("targets", nargs="*")
    parser.add_argument("--seconds", type=int, default=20, help="for each target")
    parser.add_argument("--corpus", type=Path, default=Path(".fuzz"))
    chosen = parser.parse_args()
    if importlib.util.find_spec("atheris") is None:
        parser.exit(2, "atheris is not installed: pip install atheris\n")
    from tests.fuzz.targets import SEEDS, TARGETS

    failed = []
    for name in chosen.targets or TARGETS:
        if name not in TARGETS:
            parser.error(f"no target is called {name}: {', '.join(TARGETS)}")
        folder = chosen.corpus / name
        folder.mkdir(parents=True, exist_ok=True)
        for number, seed in enumerate(SEEDS[name]):
            (folder / f"seed-{number}").write_bytes(seed)
        options = [
            f"-max_total_time={chosen.seconds}",
            f"-artifact_prefix={folder}-",
            "-timeout=10",
            "-rss_limit_mb=2048",
        ]
        command = [sys.executable, "-m", "tests.fuzz.one", name, str(folder), "-max_len=4096", "-verbosity=0", *options]
        done = subprocess.run(command, check=False, capture_output=True, text=True, errors="replace")
        print(f"{'ok' if done.returncode == 0 else 'FOUND'}  {name}: {len(list(folder.iterdir()))} inputs", flush=True)
        if done.returncode:
            print(done.stdout, done.stderr[-8000:], sep="\n")
            failed.append(name)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
