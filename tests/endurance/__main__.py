"""``python -m tests.endurance``: 1,000 calls in virtual time, then 200 in real time, ten at once, each part in a process of its own; exit 1 on a leak.

Prints what the process holds after the first ten calls, after the first hundred and at the end. ``--calls`` and ``--real`` take other numbers
(multiples of ten above 100; 0 leaves the part out).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing import get_context

from rich.console import Console
from rich.table import Table

from tests.endurance.calls import many_calls
from tests.endurance.held import MOST, Held, leaks

AT_ONCE = 10
FIRST = 100  # calls after which every cache is warm and the allocators have met their largest load
# Once a hundred calls have shown the allocators their largest load, resident memory hardly grows either.
BOUNDS = {**MOST, "resident": 32_000.0}

FIGURES: Mapping[str, tuple[str, Callable[[Held], float]]] = {
    "tasks": ("{:.0f}", lambda held: held.tasks),
    "threads": ("{:.0f}", lambda held: held.threads),
    "sockets": ("{:.0f}", lambda held: held.sockets),
    "other descriptors": ("{:.0f}", lambda held: held.files),
    "keys the service remembers": ("{:.0f}", lambda held: held.keys),
    "objects beside these": ("{:,.0f}", lambda held: sum(held.objects.values())),
    "Python's blocks": ("{:,.0f}", lambda held: held.blocks),
    "heap of malloc, kB": ("{:,.0f}", lambda held: held.heap / 1000),
    "resident memory, kB": ("{:,.0f}", lambda held: held.resident / 1000),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.endurance", description=__doc__)
    parser.add_argument("--calls", type=int, default=1000, help="in virtual time")
    parser.add_argument("--real", type=int, default=200, help="in real time")
    chosen = parser.parse_args()
    leaked = False
    for time, count in (("virtual", chosen.calls), ("real", chosen.real)):
        if count and (count <= FIRST or count % AT_ONCE):
            parser.error(f"{count} calls: a multiple of {AT_ONCE} above {FIRST}, or 0")
        if count:
            marks = (AT_ONCE, FIRST, count)
            with get_context("spawn").Pool(1) as alone:  # no part must stand on the heap of another
                held = alone.apply(many_calls, (count,), {"at_once": AT_ONCE, "time": time, "at": marks})
            leaked |= told(held, marks, f"{count} calls in {time} time, {AT_ONCE} at once")
    return 1 if leaked else 0


def told(held: Sequence[Held], marks: Sequence[int], title: str) -> bool:
    """Print what was held at these numbers of calls; whether something leaked."""
    calls = marks[-1] - marks[-2]
    table = Table("held", *(f"after {mark}" for mark in marks), f"a call, of the last {calls}", title=title)
    for name, (form, figure) in FIGURES.items():
        figures = [figure(one) for one in held]
        table.add_row(name, *map(form.format, figures), f"{(figures[-1] - figures[-2]) / calls:+.4g}")
    Console(width=110).print(table)
    first, warm, last = held
    found = leaks(first, warm, last, calls=calls, most=BOUNDS)
    print("LEAKED: " + ", ".join(f"{name} {more:+.4g}" for name, more in found.items()) if found else "nothing leaked")
    sys.stdout.flush()
    return bool(found)


if __name__ == "__main__":
    sys.exit(main())
