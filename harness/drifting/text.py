"""Drift for a terminal: what was looked at, what differs, each with an example."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.drifting.drift import Drift, Row

_FIRST = "event order field value"
SHOWN = 12
"""Gaps that are listed, at most; --json has all."""


def drift_lines(found: Drift) -> Iterator[str]:
    """The whole, the first character of a line its glyph."""
    counts = found.counts
    sdk = f"the SDK's models ({found.sdk}, {counts['sdk']} events), " if counts["sdk"] else ""
    yield (
        f"looked at {sdk}our schemas ({counts['schema']} events), {_calls(counts['fake'])} of our fake, "
        f"{_calls(counts['live'])} of live services"
    )
    for name, number in counts.items():
        if name.endswith(" live"):
            yield f"· {number} {name}"
    for reason in found.missing.values():
        yield f"- skipped: {reason}"
    for reason in found.skipped[:SHOWN]:
        yield f"- skipped: {reason}"
    if len(found.skipped) > SHOWN:
        yield f"- skipped: {len(found.skipped) - SHOWN} more"
    contract = found.contract
    gaps = sorted((row for row in found.rows if row.meaning == "gap"), key=lambda row: _FIRST.find(row.kind))
    if found.ended:
        yield ""
        yield "models (no change of the contract)"
        for one in found.ended:
            refused = "; the call was refused for it" if one.refused and one.state != "refused" else ""
            yield f"{'~' if one.state != 'ends' else '·'} {one.what}{refused} ({one.example})"
    if contract:
        yield ""
        yield "the contract differs"
        yield from _rows(contract, "✗", len(contract))
    if gaps:
        yield ""
        yield "our fake differs from what was seen live"
        yield from _rows(gaps, "~", SHOWN)
    yield ""
    yield last_line(found, len(gaps))


def last_line(found: Drift, gaps: int) -> str:
    """What it comes to."""
    if found.require_live and "live" in found.missing:
        return (
            f"✗ {len(found.contract)} differences of the contract; no live recording, and --require-live asks for one"
        )
    if found.contract:
        return f"✗ {len(found.contract)} differences of the contract, {gaps} of the fake"
    looked = " and ".join(
        name for name, source in (("the SDK", "sdk"), ("live services", "live")) if source not in found.missing
    )
    if not looked:
        return "? neither the SDK nor a live recording was there to compare with"
    return f"{'~' if gaps else '✓'} no difference of the contract from {looked}; {gaps} of the fake"


def _rows(several: Sequence[Row], glyph: str, most: int) -> Iterator[str]:
    for row in several[:most]:
        of = f" [{row.file}]" if row.file else ""
        yield f"{glyph} {row.kind:<8} {row.what}{of}"
        yield f"           {row.text}{f' ({row.example})' if row.example else ''}"
    if len(several) > most:
        yield f"  and {len(several) - most} more: --json"


def _calls(number: int) -> str:
    return f"{number} call{'' if number == 1 else 's'}"
