"""Judges a recording on its own, without a scenario: rules, milestones, diagnosis; for ``harness judge`` and ``harness serve``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from pydantic import ValidationError

from harness.errors import UnknownDialect
from harness.files import write_text
from harness.formats import NamedTrace, read_records
from harness.judging.results import Result
from harness.judging.verdict import judge
from harness.protocol.dialects import DIALECTS
from harness.scenario.model import Assert
from harness.trace import Header, Trace, shows

_ASSERT = "assert"
# What is said of a recording that does not end as a run ends, by its ``end``.
BROKEN_OFF: Mapping[str, str] = {
    "truncated": "the recording has no end: the run was killed, or its disk was full",
    "interrupted": "the run was interrupted",
}


def as_recorded(asserted: Assert) -> dict[str, object]:
    """What the header of a run's trace keeps of the scenario's assert block, so that the recording is judged as the run was.

    Nothing where the scenario asserts nothing out of the ordinary.
    """
    kept = asserted.model_dump(mode="json", include={"order", "rules", "fails", "errors"}, exclude_defaults=True)
    return {_ASSERT: kept} if kept else {}


def _asserted(header: Header) -> Assert | None:
    """The assert block of the run that left this trace; None where it is a trace on its own."""
    try:
        return Assert.model_validate(header.extra[_ASSERT]) if _ASSERT in header.extra else None
    except ValidationError:
        return None


def result_of(trace: Trace, *, name: str, path: str | None = None, seconds: float = 0.0) -> Result:
    """The result of a trace. ``name`` stands where a scenario's path would; ``path`` is the trace's file, for links.

    A recording in which no call was made, or that breaks off, proves nothing by breaking no rule.
    What breaks off is judged as far as it goes. Raises UnknownDialect where no rule is about the recording's dialect.
    """
    if trace.header.dialect not in DIALECTS:
        raise UnknownDialect(
            f"unknown dialect {trace.header.dialect!r}", where=path or name, fix=f"dialects are: {', '.join(DIALECTS)}"
        )
    judgement = judge(trace, _asserted(trace.header))
    verdict, error = judgement.verdict, judgement.error
    if trace.end in BROKEN_OFF:
        proven = verdict in ("nonconformant", "error")
        verdict, error = (verdict, error or _broken_off(trace)) if proven else ("inconclusive", _broken_off(trace))
    elif verdict == "inconclusive" and shows(trace, "sdp.answer") and not trace.of("sdp.answer"):
        verdict, error = "error", f"no call was made: {_last_request(trace)}"
    return Result(
        scenario=name,
        title=trace.header.scenario or f"A call seen by the {trace.header.observer}",
        dialect=trace.header.dialect,
        target=trace.header.target or "unknown",
        observer=trace.header.observer,
        time=trace.header.time,
        verdict=verdict,
        seconds=seconds,
        media_seconds=trace.seconds,
        milestones=judgement.milestones,
        expectations=judgement.expectations,
        rules=judgement.rules,
        diagnosis=judgement.diagnosis,
        trace=path,
        error=error,
        bug=judgement.bug,
        media=judgement.media,
        troubles=judgement.troubles,
        observed=judgement.observed,
        latencies=judgement.latencies,
        recording=trace,
    )


def _broken_off(trace: Trace) -> str:
    seen = f"{trace.seconds:.1f} s, {len(trace.entries)} entries"
    return f"{BROKEN_OFF[trace.end]}; judged as far as it goes: {seen}\n  fix: run it again"


def _last_request(trace: Trace) -> str:
    responses = trace.of("http.response")
    if not responses:
        return "no request was answered"
    last = responses[-1].data
    status, step = last.get("status", 0), last.get("step")
    if 200 <= status < 300 and step == "key":
        return "a key was minted, and no call request came"
    return f"the last answer was {status} to the {'token' if step == 'key' else step} request"


def judged(recordings: Iterable[NamedTrace], out: Path | None = None) -> list[Result]:
    """A result for each recording. With ``out``, what was made from records of others is kept there, below ``traces/``, for the report.

    Raises UsageError where that cannot be written.
    """
    results = []
    for number, one in enumerate(recordings, start=1):
        path = one.path.as_posix() if one.path else None
        if one.path is None and out is not None:
            path = f"traces/record-{number:04d}.{one.trace.header.dialect}.ndjson"
            write_text(out / path, "".join(f"{line}\n" for line in one.trace.lines()))
        results.append(result_of(one.trace, name=one.name, path=path))
    return results


def judge_file(path: Path) -> Result:
    """The result of the one call in a file: a trace, a cassette, or a record of others. Raises TraceError where it cannot be read."""
    (result,) = judged(read_records([path]))
    return result
