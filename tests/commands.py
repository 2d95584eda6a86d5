"""The command in processes of their own, as a shell starts them, for tests that end them in other ways than they would end themselves."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event

PATIENCE = 60.0  # seconds; only where something hangs
HARNESS = (sys.executable, "-m", "harness.cli")


@contextmanager
def command(*words: str | Path, cwd: Path | None = None) -> Iterator[subprocess.Popen[str]]:
    """``harness WORDS`` in a process group of its own, where Ctrl-C works; both outputs in one pipe. At the end nothing of it runs."""
    process = subprocess.Popen(
        [*HARNESS, *map(str, words)],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        start_new_session=True,
        # What a shell starts in the background inherits an ignored SIGINT, and so would this process from such a test run.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def wait_until(ready: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Look again and again until it is so, or the process has ended."""
    pause = Event()
    for _ in range(int(PATIENCE / 0.002)):
        if process.poll() is not None or ready():
            return
        pause.wait(0.002)
    raise AssertionError("it never came to that")


def said(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Wait for the end: the exit code, and what it said. What users read holds no traceback."""
    out, _ = process.communicate(timeout=PATIENCE)
    assert "Traceback" not in out, out
    return process.returncode, out


def octets(folder: Path) -> int:
    """How much the traces in the folder hold by now."""
    return sum(path.stat().st_size for path in folder.glob("traces/*.ndjson"))
