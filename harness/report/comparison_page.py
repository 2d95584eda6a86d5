"""A comparison as one HTML page: both timelines of a pair above each other on one clock, with everything that changed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness import __version__
from harness.comparing.comparison import Comparison, Pair
from harness.comparing.facts import Run
from harness.errors import TraceError
from harness.report import comparison as words
from harness.report.html import environment
from harness.report.latencies import distribution_in_words
from harness.trace import Trace, read_trace

DRAWN = 40
"""Pairs whose timelines are drawn, at most: two of them are some 100 kB."""


def comparison_html(found: Comparison) -> str:
    """The page. The traces are read again, pair by pair; of several runs the one that tells the change is drawn."""
    shown = sorted(
        (pair for pair in found.pairs if pair.changed or len(found.pairs) <= words.FEW_PAIRS),
        key=lambda pair: not pair.reasons,
    )
    drawn = {pair.id for pair in shown[:DRAWN]}
    return (
        environment()
        .get_template("comparison.html.j2")
        .render(
            version=__version__,
            found=found,
            shown=shown,
            unchanged=[pair for pair in found.pairs if pair not in shown],
            words=words,
            distribution_in_words=distribution_in_words,
            recordings=lambda pair: _recordings(pair) if pair.id in drawn else (None, None),
        )
    )


def _recordings(pair: Pair) -> tuple[Trace | None, Trace | None]:
    """A run of each side: those whose order of events differs; else before one of the best, after one of the worst."""
    if pair.order is not None:
        before, after = (_read(path) for path in pair.order.traces)
        return before, after
    return _recording(pair.before, best=True), _recording(pair.after, best=False)


def _recording(runs: Sequence[Run], *, best: bool) -> Trace | None:
    ordered = sorted(runs, key=lambda run: (run.verdict == "conformant") != best)
    return next((trace for run in ordered if (trace := _read(run.trace)) is not None), None)


def _read(path: Path | None) -> Trace | None:
    """The trace in a file; None where it is gone."""
    try:
        return None if path is None else read_trace(path)
    except TraceError:
        return None
