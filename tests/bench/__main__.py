"""The benchmarks as one command: ``python -m tests.bench``; prints a table, judges nothing.

``--quick`` takes fewer runs; ``--only offline`` or ``--only sessions`` takes a half. CPU is what the processes used themselves, and
tells about the same on a busy machine as on an idle one; wall time does not.
"""

from __future__ import annotations

import argparse
import os
import platform
from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from tests.bench import chromium, events, offline, sessions
from tests.bench.offline import Figure

Row = tuple[str, str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("offline", "sessions"))
    parser.add_argument("--sessions", type=int, default=10)
    chosen = parser.parse_args()
    if chosen.sessions < 2:
        parser.error("--sessions: 2 or more, or there is no further session to measure")
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    table = Table(
        "measure", "by CPU", "by the wall, or seen beside it", "to reach",
        title=f"realtime-harness benchmarks: Python {platform.python_version()}, {os.cpu_count()} cores, load before {load}",
    )  # fmt: skip
    if chosen.only != "sessions":
        for row in _offline(2 if chosen.quick else 5):
            table.add_row(*row)
    if chosen.only != "offline":
        for row in _sessions(chosen.sessions):
            table.add_row(*row)
    Console(width=150).print(table)


def _offline(runs: int) -> Iterator[Row]:
    calls = offline.conversation(runs)
    yield (
        "conversation seconds per second of one core: both ends, all rules, trace and audio written",
        _shown(Figure.of(one.media / one.cpu for one in calls), "{:.1f}"),
        _shown(Figure.of(one.media / one.wall for one in calls), "{:.1f}"),
        "40, aim 60",
    )
    for step, (wall, cpu) in offline.set_up(3 * runs).items():
        target = "30 ms" if step == offline.MEASURED else ""
        yield step, _shown(cpu, "{:.2f}", " ms"), _shown(wall, "{:.2f}", " ms"), target
    wall, cpu = offline.cold(runs)
    yield (
        "harness run of one 10 s scenario, new process, to verdict and reports",
        _shown(cpu, "{:.2f}", " s"),
        _shown(wall, "{:.2f}", " s"),
        "1.5 s",
    )
    mix = events.conversation()
    checks = [
        ("an event against its schema", events.ours, "1 us"),
        ("the same by the vendor's SDK", events.theirs, "peer"),
    ]
    for what, check, target in checks:
        wall, cpu = check(mix, 5 * runs)
        yield what, _shown(cpu, "{:.1f}", " us"), _shown(wall, "{:.1f}", " us"), target
    for arguments in (("--version",), ("rules",)):
        wall, cpu = offline.command(*arguments, runs=runs)
        yield (
            f"harness {' '.join(arguments)}, new process",
            _shown(cpu, "{:.2f}", " s"),
            _shown(wall, "{:.2f}", " s"),
            "",
        )


def _sessions(count: int) -> Iterator[Row]:
    with sessions.service() as url, sessions.microphone() as recording:
        found = [sessions.ours(url, count, recording)]
        missing = "" if chromium.executable() else "skipped: chromium is not installed"
        if not missing:
            found.append(sessions.theirs(url, count, recording))
    for one in found:
        ours = one is found[0]
        about = f"{one.packets:.1f} packets/s in, {one.replies} replies heard"
        yield (
            f"{one.who}: CPU per real-time session, {count} at once",
            f"{one.core:.4f} core",
            about,
            "0.025 core" if ours else "peer",
        )
        yield (
            f"{one.who}: memory per further session",
            f"{one.mb:.2f} MB",
            f"{one.growth:+.2f} MB a minute",
            "1.5 MB" if ours else "peer",
        )
    if missing:
        yield "headless Chromium", missing, "", "peer"
    else:
        ratios = f"{found[1].core / found[0].core:.1f} x CPU", f"{found[1].mb / max(found[0].mb, 0.01):.1f} x memory"
        yield "headless Chromium, compared", *ratios, ""


def _shown(figure: Figure, form: str, unit: str = "") -> str:
    shown = [form.format(value) for value in (figure.median, figure.least, figure.most)]
    return f"{shown[0]}{unit} ({shown[1]} … {shown[2]})"


if __name__ == "__main__":
    main()
