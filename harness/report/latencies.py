"""How long things took over several runs: median and 95th percentile of each latency, of each scenario and of each dialect. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from harness.judging.results import Result
from harness.judging.samples import Distribution, in_words, pooled
from harness.rules.latency import OF_THE_CALLER, SET_UP

IN_FULL = 3
"""Up to so many scenarios have all their latencies printed; of more, the waits for an answer and for silence alone."""
_HEARD = ("end of speech to first audio", "response.create to first audio", "barge-in to silence")


@dataclass(frozen=True)
class Latencies:
    """The distributions of the latencies of several runs that have something in common: an id, or a dialect."""

    of: str
    runs: int
    rows: tuple[tuple[str, Distribution], ...]


def by_run(results: Sequence[Result]) -> tuple[Latencies, ...]:
    """The latencies of each run that was made several times; what the caller alone takes time for is left out."""
    together: dict[str, list[Result]] = {}
    for result in results:
        if result.repetition:
            together.setdefault(result.id, []).append(result)
    return tuple(_latencies(id, runs) for id, runs in together.items() if len(runs) > 1)


def by_dialect(results: Sequence[Result]) -> tuple[Latencies, ...]:
    """The latencies of the set-up, which do not depend on the scenario, over all runs of each dialect that has several."""
    together: dict[str, list[Result]] = {}
    for result in results:
        together.setdefault(result.dialect, []).append(result)
    found = (_latencies(dialect, runs, SET_UP) for dialect, runs in together.items() if len(runs) > 1)
    return tuple(one for one in found if one.rows)


def latency_lines(results: Sequence[Result]) -> Iterator[str]:
    """The latencies of runs that were made several times, for a terminal; nothing where none was."""
    several = by_run(results)
    for one in several:
        rows = [row for row in one.rows if len(several) <= IN_FULL or row[0] in _HEARD]
        width = max((len(name) for name, _ in rows), default=0)
        if rows:
            yield f"  {one.of}  ({one.runs} runs)"
        for name, found in rows:
            yield f"    {name:<{width}}  {distribution_in_words(found)}"


def distribution_in_words(one: Distribution) -> str:
    """Median, 95th percentile, number of values."""
    if one.n == 1:
        return f"{in_words(one.median)} (n 1)"
    return f"median {in_words(one.median)}, p95 {in_words(one.p95)} (n {one.n})"


def _latencies(of: str, runs: Sequence[Result], names: Sequence[str] = ()) -> Latencies:
    values = pooled(run.latencies for run in runs)
    rows = [
        (name, Distribution.of(found))
        for name, found in values.items()
        if (name in names if names else name not in OF_THE_CALLER)
    ]
    return Latencies(of, len(runs), tuple(rows))
