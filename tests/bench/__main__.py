"""The benchmarks as one command: ``python -m tests.bench``; prints two tables, judges nothing.

The first has the ratios to peers measured in the same run: they hold on other machines too. The second has the absolute figures, with
the machine beside them: two machines of one kind have differed by a factor of 2.5.

``--quick`` takes fewer runs; ``--only offline`` or ``--only sessions`` takes a half. CPU is what the processes used themselves, and
tells about the same on a busy machine as on an idle one; wall time does not.
"""

from __future__ import annotations

import argparse
import os
import platform
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.bench import chromium, events, offline, sessions
from tests.bench.offline import Figure
from tests.bench.sessions import Sessions

Row = tuple[str, str, str, str]
Ratio = tuple[str, str, str]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("offline", "sessions"))
    parser.add_argument("--sessions", type=int, default=10)
    chosen = parser.parse_args()
    if chosen.sessions < 2:
        parser.error("--sessions: 2 or more, or there is no further session to measure")
    rows: list[Row] = []
    ratios: list[Ratio] = []
    made: Sequence[offline.Run] = ()
    if chosen.only != "sessions":
        made = offline.conversation(2 if chosen.quick else 5)
        rows += _offline(made, 2 if chosen.quick else 5)
    if chosen.only != "offline":
        found = _measured(chosen.sessions)
        rows += _sessions(found, chosen.sessions)
        ratios += _compared(found, Figure.of(one.media / one.cpu for one in made) if made else None)
    console = Console(width=150)
    if ratios:
        table = Table("measure", "peer", "realtime-harness is", title="Ratios to peers in this run")
        for ratio in ratios:
            table.add_row(*ratio)
        console.print(table)
    table = Table("measure", "by CPU", "by the wall, or seen beside it", "to reach", title=machine())
    for row in rows:
        table.add_row(*row)
    console.print(table)


def machine() -> str:
    """What the figures were measured on."""
    try:
        models = re.findall(r"(?m)^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text())
    except OSError:
        models = []
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    cpu = models[0].strip() if models else platform.machine()
    return f"{os.cpu_count()} cores ({cpu}), Python {platform.python_version()}, load {load}"


def _offline(calls: Sequence[offline.Run], runs: int) -> Iterator[Row]:
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


def _measured(count: int) -> list[Sessions]:
    """Ours first, then the peers that are there."""
    with sessions.service() as url, sessions.microphone() as recording:
        found = [sessions.ours(url, count, recording), sessions.shipped(url, count, recording)]
        if chromium.executable():
            found.append(sessions.theirs(url, count, recording))
    return found


def _sessions(found: Sequence[Sessions], count: int) -> Iterator[Row]:
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
        if one.set_up:
            about = "with the service in another process"
            yield f"{one.who}: token request -> session.updated, real time", f"{one.set_up:.0f} ms", about, ""
    if not chromium.executable():
        yield "headless Chromium", "skipped: it is not installed", "", "peer"


def _compared(found: Sequence[Sessions], offline_rate: Figure | None) -> Iterator[Ratio]:
    """How many times less, or faster; a peer's own end alone against both ends of ours where that is said."""
    ours, *peers = found
    for peer in peers:
        yield "CPU of a real-time session, one end", peer.who, f"{peer.core / ours.core:.1f} times less"
        yield "memory of a further session, one end", peer.who, f"{peer.mb / max(ours.mb, 0.01):.1f} times less"
        if peer.set_up:
            yield "token request to session.updated", peer.who, f"{peer.set_up / ours.set_up:.1f} times faster"
        if offline_rate is not None:
            times = offline_rate.median * peer.core
            what = "CPU of a conversation second: both ends, rules, traces and audio in virtual time, against the peer's one end"
            yield what, peer.who, f"{times:.1f} times less"


def _shown(figure: Figure, form: str, unit: str = "") -> str:
    shown = [form.format(value) for value in (figure.median, figure.least, figure.most)]
    return f"{shown[0]}{unit} ({shown[1]} … {shown[2]})"


if __name__ == "__main__":
    main()
