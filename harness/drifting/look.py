"""``harness drift``: all sources read, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

from harness.drifting.drift import Drift, rows
from harness.drifting.endings import ModelEnded, endings
from harness.drifting.models import installed
from harness.drifting.sources import Observations, observe, our_vocabularies, recordings, sdk_vocabularies
from harness.errors import TraceError, UsageError
from harness.protocol.dialects import DIALECTS
from harness.running.jobs import Job, select
from harness.running.runner import run_job
from harness.scenario.files import reference_suite
from harness.scenario.loader import LoadedScenario
from harness.trace import Trace, read_trace

Done = Callable[[str], None]


def drift(
    live: Sequence[Path],
    *,
    fake: Path | None = None,
    today: date,
    require_live: bool = False,
    done: Done = lambda _: None,
) -> Drift:
    """Look at the SDK, our schemas, the fake and the recordings below ``live``.

    ``fake`` are traces of calls to our fake; without them the suite is run, in one dialect of each generation. ``today`` is taken as the
    day of recordings that do not say theirs. Raises UsageError for a path that is not there.
    """
    ours = our_vocabularies()
    sdk, in_vain = sdk_vocabularies()
    missing: dict[str, str] = {}
    skipped: list[str] = []
    ended: dict[tuple[str, str], ModelEnded] = {}

    def models(trace: Trace, file: str) -> None:
        for one in endings(trace, file, today):
            ended.setdefault((one.state, one.what), one)

    seen = observe(recordings(live, skipped, models), ours)
    if not sdk:
        missing["sdk"] = "the openai package is not installed: pip install openai"
    if not seen:
        why = "none of what was given is one" if live else "none was given"
        missing["live"] = f"no recording of a live call: {why}"
    faked = observe(_recorded(fake) if fake else _played(_jobs(), done), ours)
    counts = {
        "sdk": sum(len(one.events) for one in sdk.values()),
        "schema": sum(len(one.events) for one in ours.values()),
        "fake": _traces(faked),
        "live": _traces(seen),
    }
    found = tuple(rows(sdk, in_vain, ours, faked, seen))
    return Drift(found, tuple(ended.values()), missing, tuple(skipped), counts, installed() or "", require_live)


def planned() -> int:
    """How many calls of the fake are made where no traces of it are given."""
    return len(_jobs())


def _traces(seen: Observations) -> int:
    return sum(one.traces for one in seen.values())


def _jobs() -> list[tuple[Job, LoadedScenario]]:
    """The suite in one dialect of each generation, without the scenarios in which one end misbehaves on purpose."""
    dialects = {row.generation.name: row.name for row in DIALECTS.values()}
    chosen = select([reference_suite()], dialects=tuple(dialects.values()))
    return [
        (replace(job, out=None), loaded)
        for job, loaded in chosen
        if not loaded.scenario.fake.faults and not loaded.scenario.caller.faults
    ]


def _played(jobs: Sequence[tuple[Job, LoadedScenario]], done: Done) -> Iterator[tuple[Trace, str]]:
    for job, loaded in jobs:
        result = run_job(job, loaded)
        done(result.id)
        if result.recording is not None:
            yield result.recording, result.id


def _recorded(folder: Path) -> Iterator[tuple[Trace, str]]:
    if not folder.exists():
        raise UsageError(
            "no such file or folder", where=str(folder), fix="give traces of calls to the fake, or leave --fake out"
        )
    for path in sorted(folder.rglob("*.ndjson")) if folder.is_dir() else [folder]:
        try:
            trace = read_trace(path)
        except TraceError:
            continue
        if trace.header.dialect in DIALECTS:
            yield trace, str(path)
