"""The options that several commands have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from harness.errors import UsageError, nearest
from harness.protocol.dialects import DIALECTS

Dialects = Annotated[
    list[str] | None, typer.Option("--dialect", "-d", help="One of: " + ", ".join(DIALECTS) + ". Repeatable.")
]
Preset = Annotated[str | None, typer.Option(help="A preset (wifi-bad), for scenarios without a network of their own.")]
Out = Annotated[
    Path, typer.Option("--out", help="Where results.json, conformance.html, junit.xml, traces/ and audio/ go.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 1 also for conformant runs with warnings.")]
Keyword = Annotated[str, typer.Option("-k", help="Only runs whose id matches, as in pytest.")]
Marks = Annotated[str, typer.Option("-m", help="Only scenarios with these tags, as in pytest.")]
FailFast = Annotated[
    bool, typer.Option("--fail-fast", "-x", help="Begin no further run after one that is not conformant.")
]
LastFailed = Annotated[
    bool,
    typer.Option(
        "--last-failed", "--lf", help="Only the runs that were not conformant last time, by results.json in --out."
    ),
]
Repeat = Annotated[
    int, typer.Option("--repeat", min=1, help="Make each run so often, each with chances of its own, for percentiles.")
]
AsJson = Annotated[bool, typer.Option("--json", help="For scripts.")]


def known_dialects(names: Sequence[str]) -> tuple[str, ...]:
    """These dialects, or all where none is named. Raises UsageError for a name that is none."""
    for name in names:
        if name not in DIALECTS:
            near = nearest(name, DIALECTS)
            fix = f"did you mean {near}?" if near else f"one of {', '.join(DIALECTS)}"
            raise UsageError(f"unknown dialect {name!r}", where="--dialect", fix=fix)
    return tuple(names) or tuple(DIALECTS)
