"""``harness drift``: all sources read, and what differs between them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from harness.drifting.drift import Drift, rows
from harness.drifting.endings import ModelEnded, endings
from harness.drifting.models import installed
from harness.drifting.sources import Observations, observe, our_vocabularies, recordings, sdk_vocabularies
from harness.errors import TraceError, UsageError
from harness.protocol.dialects import DIALECTS
from harness.running.jobs import select
from harness.running.many import run_many
from harness.scenario.files import reference_suite
from harness.trace import Trace, read_trace


def drift(
    live: Sequence[Path],
    *,
    fake: Path | None = None,
    today: date,
    require_live: bool = False,
    workers: int = 1,
    told: Callable[[str], None] = lambda _: None,
) -> Drift:
    """Look at the SDK, our schemas, the recordings below ``live``, and the fake.

    ``fake`` are traces of calls to our fake. Without them the suite is run in the dialects of the recordings, in so many ``workers``, which
    is ``told``; without recordings there is nothing to compare the fake with. ``today`` is taken as the day of recordings that do not say
    theirs. Raises UsageError for a path that is not there.
    """
    ours = our_vocabularies()
    sdk, in_vain = sdk_vocabularies()
    missing: dict[str, str] = {}
    skipped: list[str] = []
    dialects: dict[str, None] = {}
    ended: dict[tuple[str, str], ModelEnded] = {}

    def taken(trace: Trace, file: str) -> None:
        dialects[trace.header.dialect] = None
        for one in endings(trace, file, today):
            ended.setdefault((one.state, one.what), one)

    seen = observe(recordings(live, skipped, taken), ours)
    if not sdk:
        missing["sdk"] = "the vendor's SDK is not compared: pip install openai"
    if not any(one.seen.facts for one in seen.values()):
        why = "none was given"
        if live:
            why = "in none of what was given an event came" if seen else "none of what was given is one"
        missing["live"] = f"no recording of a live call: {why}"
    faked: Observations = {}
    if fake is not None:
        faked = observe(_recorded(fake), ours)
    elif "live" not in missing:
        faked = observe(_played(tuple(dialects), workers, told), ours)
    else:
        missing["fake"] = "our fake is not looked at: there is no recording to compare it with"
    counts = {
        **{f"{generation} events seen live": len(one.seen.events) for generation, one in seen.items()},
        "sdk": sum(len(one.events) for one in sdk.values()),
        "schema": sum(len(one.events) for one in ours.values()),
        "fake": _traces(faked),
        "live": _traces(seen),
    }
    found = tuple(rows(sdk, in_vain, ours, faked, seen))
    return Drift(found, tuple(ended.values()), missing, tuple(skipped), counts, installed() or "", require_live)


def _traces(seen: Observations) -> int:
    return sum(one.traces for one in seen.values())


def _played(dialects: Sequence[str], workers: int, told: Callable[[str], None]) -> Iterator[tuple[Trace, str]]:
    """The traces of the suite's calls, one after the other, without the scenarios in which one end misbehaves on purpose.

    As an example each has the id of its run.
    """
    with TemporaryDirectory(prefix="harness-drift-") as folder:
        chosen = select([reference_suite()], dialects=dialects, out=Path(folder))
        jobs = [(job, one) for job, one in chosen if not one.scenario.fake.faults and not one.scenario.caller.faults]
        told(
            f"making {len(jobs)} calls of the fake in {', '.join(dialects)} (--fake FOLDER takes traces of earlier ones)"
        )
        for result in run_many(jobs, workers=workers).in_order:
            if result.trace is not None:
                yield read_trace(Path(folder) / result.trace), result.id


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
