"""Drawings as SVG text, made from a trace: the timeline of a call, with every plane on one clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from harness.rules.support.milestones import milestone_entries
from harness.trace import Entry, Trace

WIDTH = 1000
LABEL = 120
LANE = 20
FLOOR_DBFS = -60.0


@dataclass(frozen=True)
class Mark:
    """Something at a time, with what a person reads when pointing at it, and a CSS class."""

    t: float
    text: str
    css: str


def timeline(trace: Trace, seconds: float = 0.0, mark: int | None = None) -> Markup:
    """The call on one time axis: HTTP, connection, events and audio of both sides; remarks, where there are any.

    The axis is as long as the call, or ``seconds`` where that is more: two calls can be drawn on one scale. ``mark`` is the number of an
    entry at which a line is drawn.
    """
    seconds = max(trace.seconds, seconds, 0.001)
    lanes: list[tuple[str, str]] = [
        ("HTTP", _marks(_http(trace), seconds)),
        ("connection", _marks(_connection(trace), seconds)),
        ("client events", _marks(_events(trace, "client"), seconds)),
        ("service events", _marks(_events(trace, "service"), seconds)),
        ("caller's audio", _audio(trace, "client", seconds)),
        ("service's audio", _audio(trace, "service", seconds)),
    ]
    if trace.of("harness.note"):
        lanes.append(("remarks", _marks(_notes(trace), seconds)))
    height = LANE * len(lanes) + 34
    parts = [
        f'<svg class="timeline" viewBox="0 0 {WIDTH} {height}" role="img" '
        f'aria-label="timeline of the call, {seconds:.1f} seconds">'
    ]
    for index, (label, drawn) in enumerate(lanes):
        y = index * LANE
        parts.append(
            f'<g transform="translate(0,{y})"><text x="{LABEL - 8}" y="14" class="lane">{escape(label)}</text>'
        )
        parts.append(f'<line x1="{LABEL}" x2="{WIDTH}" y1="10" y2="10" class="rail"/>{drawn}</g>')
    parts.append(_axis(seconds, LANE * len(lanes)))
    parts.append(_milestones(trace, seconds, LANE * len(lanes)))
    if mark is not None and mark < len(trace.entries):
        x = _x(trace.entries[mark].t, seconds)
        title = f"entry {mark}: {trace.entries[mark].type or trace.entries[mark].kind}"
        parts.append(f'<g class="differs"><title>{escape(title)}</title><path d="M{x} 0V{LANE * len(lanes)}"/></g>')
    parts.append("</svg>")
    return Markup("".join(parts))


def _x(t: float, seconds: float) -> float:
    return round(LABEL + (WIDTH - LABEL - 10) * min(max(t, 0.0), seconds) / seconds, 1)


def _marks(marks: Iterator[Mark], seconds: float) -> str:
    """Marks that fall on the same pixel and class are drawn once, their texts joined."""
    merged: dict[tuple[float, str], list[str]] = {}
    for mark in marks:
        merged.setdefault((round(_x(mark.t, seconds)), mark.css), []).append(f"{mark.t:.3f} s {mark.text}")
    return "".join(
        f'<g class="{css}"><title>{escape(_several(texts))}</title><rect x="{x - 1.5}" y="4" width="3" height="12"/></g>'
        for (x, css), texts in merged.items()
    )


def _several(texts: Sequence[str], most: int = 6) -> str:
    return "\n".join([*texts[:most], *([f"and {len(texts) - most} more"] if len(texts) > most else [])])


def _http(trace: Trace) -> Iterator[Mark]:
    for entry in trace.of("http"):
        if entry.kind == "http.request":
            yield Mark(entry.t, f"{entry.data.get('method')} {entry.data.get('url')}", "sent")
        elif entry.kind == "http.response":
            status = int(entry.data.get("status") or 0)
            yield Mark(entry.t, f"{status} ({entry.data.get('step')})", "received" if 200 <= status < 300 else "bad")
        else:
            yield Mark(entry.t, f"no response: {entry.data.get('message')}", "bad")


def _connection(trace: Trace) -> Iterator[Mark]:
    for entry in trace.of("connection", "channel"):
        state = str(entry.data.get("state") or entry.data.get("label") or "")
        bad = state in ("failed", "disconnected")
        yield Mark(entry.t, f"{entry.kind} {state}".strip(), "bad" if bad else "state")


def _events(trace: Trace, by: str) -> Iterator[Mark]:
    for entry in trace.events("client" if by == "client" else "service"):
        css = "bad" if entry.type == "error" else "sent" if by == "client" else "received"
        yield Mark(entry.t, entry.type, css)


def _notes(trace: Trace) -> Iterator[Mark]:
    for entry in trace.of("harness.note"):
        yield Mark(entry.t, str(entry.data.get("text")), "state")


def _audio(trace: Trace, by: str, seconds: float) -> str:
    drawn: list[str] = []
    for entry in trace.of("audio.levels"):
        if trace.sender(entry) != by:
            continue
        drawn.append(_levels(entry, seconds))
    return "".join(drawn)


def _levels(entry: Entry, seconds: float) -> str:
    start, step = float(entry.data.get("start", 0)), float(entry.data.get("step", 0.1))
    speech = entry.data.get("speech") or []
    path: dict[str, list[str]] = {"speech": [], "sound": []}
    for index, level in enumerate(entry.data.get("levels") or []):
        size = max(0.0, 1 - float(level) / FLOOR_DBFS) * 9
        if size < 0.5:
            continue
        x = _x(start + index * step, seconds)
        kind = "speech" if index < len(speech) and speech[index] else "sound"
        path[kind].append(f"M{x} {10 - size:.1f}v{2 * size:.1f}")
    return "".join(f'<path class="{kind}" d="{"".join(lines)}"/>' for kind, lines in path.items() if lines)


def _axis(seconds: float, y: int) -> str:
    step = next((one for one in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300) if seconds / one <= 12), 600.0)
    count = int(seconds / step)
    return "".join(
        f'<text x="{_x(index * step, seconds)}" y="{y + 26}" class="tick">{index * step:g} s</text>'
        for index in range(count + 1)
    )


def _milestones(trace: Trace, seconds: float, y: int) -> str:
    merged: dict[float, list[str]] = {}
    for name, entry in milestone_entries(trace).items():
        if entry is not None:
            t = float(entry.data.get("at", entry.t)) if name == "first-audio" else entry.t
            merged.setdefault(_x(t, seconds), []).append(f"{name} {t:.3f} s")
    return "".join(
        f'<g class="milestone"><title>{escape(_several(texts))}</title><path d="M{x} 0V{y}m-4 8l4-8l4 8z"/></g>'
        for x, texts in merged.items()
    )
