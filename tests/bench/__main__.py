"""The benchmarks as one command: ``python -m tests.bench``; prints a table, judges nothing.

``--quick`` takes fewer runs; ``--only offline`` or ``--only sessions`` takes a half.
"""

from __future__ import annotations

import argparse

from rich.console import Console
from rich.table import Table

from tests.bench import chromium, offline, sessions


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", choices=("offline", "sessions"))
    parser.add_argument("--sessions", type=int, default=10)
    chosen = parser.parse_args()
    table = Table("measure", "reached", "least … most", "to reach", title="realtime-harness benchmarks")
    if chosen.only != "sessions":
        runs = 2 if chosen.quick else 5
        row = offline.conversation(runs)
        table.add_row(
            "conversation seconds per CPU second, both ends, all rules",
            f"{row.median:.1f}",
            f"{row.least:.1f} … {row.most:.1f}",
            "40, aim 60",
        )
        row = offline.set_up(5 if chosen.quick else 15)
        table.add_row(
            "token request -> session.updated, warm",
            f"{row.median:.1f} ms",
            f"{row.least:.1f} … {row.most:.1f}",
            "30 ms",
        )
        row = offline.cold(runs)
        table.add_row(
            "cold harness run of one 10 s scenario", f"{row.median:.2f} s", f"{row.least:.2f} … {row.most:.2f}", "1.5 s"
        )
    if chosen.only != "offline":
        with sessions.service() as url:
            rows = [sessions.ours(url, chosen.sessions)]
            if chromium.executable():
                rows.append(sessions.theirs(url, chosen.sessions))
        for one in rows:
            ours = one.who == "realtime-harness"
            table.add_row(
                f"CPU per real-time session, {one.sessions} at once: {one.who}",
                f"{one.core:.4f} core",
                "",
                "0.025 core" if ours else "peer",
            )
            table.add_row(
                f"memory per further session: {one.who}", f"{one.mb:.2f} MB", "", "1.5 MB" if ours else "peer"
            )
        if len(rows) == 2:
            table.add_row(
                "Chromium / ours: CPU, memory",
                f"{rows[1].core / rows[0].core:.1f}, {rows[1].mb / max(rows[0].mb, 0.01):.1f}",
                "",
                "",
            )
        else:
            table.add_row("headless Chromium", "skipped", "", "chromium is not installed")
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
