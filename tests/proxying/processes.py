"""``harness serve`` and ``harness proxy`` in front of it, each in a process of its own, for clients that are real."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.commands import HARNESS
from tests.test_live import KEY, Served


class Proxied:
    """``harness proxy`` in a process of its own; ``service`` stands behind it."""

    def __init__(self, service: Served, out: Path, *words: str, dialect: str = "azure-ga") -> None:
        self.service = service
        self.out = out
        self.said: list[str] = []
        command = [*HARNESS, "proxy", "-d", dialect, "--to", service.url, "--port", "0", "--out", str(out), *words]
        keys = dict.fromkeys(("AZURE_OPENAI_REALTIME_KEY", "OPENAI_API_KEY"), KEY)
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True, cwd=out, env={**os.environ, **keys, "PYTHONUNBUFFERED": "1"}
        )
        self.url = self.wait_for("relaying http").split()[1]

    def wait_for(self, words: str) -> str:
        """The next line of its output that holds these words."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.said.append(line)
            if words in line:
                return line
        raise AssertionError(f"it never said {words!r}: {self.said}")

    def stop(self, number: int = signal.SIGINT) -> int:
        """End it; returns its exit code."""
        self.process.send_signal(number)
        assert self.process.stdout is not None
        self.said += list(self.process.stdout)
        return self.process.wait(30)

    @property
    def runs(self) -> dict[str, dict[str, Any]]:
        """What it judged, by name: ``call-0001.client``, ``call-0001.service``."""
        runs = json.loads((self.out / "results.json").read_text())["runs"]
        return {run["scenario"]: run for run in runs}


@contextmanager
def proxied_at_most(seconds: float, folder: Path, *words: str, dialect: str = "azure-ga") -> Iterator[Proxied]:
    """A service with a proxy in front of it, both ended after so many seconds: a line that never comes ends the wait for it."""
    out = folder / "proxied"
    out.mkdir()
    service = Served(folder / "served")
    running = Proxied(service, out, *words, dialect=dialect)
    processes = (running.process, service.process)
    patience = threading.Timer(seconds, lambda: [process.kill() for process in processes])
    patience.start()
    try:
        yield running
    finally:
        patience.cancel()
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
