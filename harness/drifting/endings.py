"""Models that a recording names and that have ended, or are refused: why a call fails although no contract changed. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

from harness.drifting.vocabulary import Example
from harness.protocol.dialects import DIALECTS
from harness.protocol.http_date import instant
from harness.protocol.retirements import Retirement, retiring
from harness.rules.support.fields import mapping, number, text
from harness.trace import Entry, Trace

State = Literal["ended", "ends", "refused"]
_REFUSED = re.compile(
    r"model_not_found|DeploymentNotFound|(model|deployment).{0,60}(not (been )?found|does not exist|deprecated|retired|shut down)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ModelEnded:
    """A model (or a setting) of a recording that ended before it was made, ends later, or was refused without being known to end."""

    state: State
    what: str
    example: Example
    refused: bool = False

    def to_json(self) -> dict[str, Any]:
        """An element of ``models`` of the document."""
        return {"state": self.state, "what": self.what, "refused": self.refused, "example": str(self.example)}


def endings(trace: Trace, file: str, today: date) -> Iterator[ModelEnded]:
    """What the recording names that ends, each once. ``today`` is the day of a recording that does not say when it was made."""
    vendor = DIALECTS[trace.header.dialect].vendor
    day = _day(trace) or today
    refusal = next(filter(_refuses, trace.of("http.response")), None)
    found: dict[Retirement, Entry] = {}
    for entry in trace.entries:
        for session in _sessions(entry):
            for _, row in retiring(session, vendor):
                found.setdefault(row, entry)
    for row, entry in found.items():
        state: State = "ended" if row.ends <= day else "ends"
        yield ModelEnded(state, str(row), Example(file, entry.seq), refused=refusal is not None)
    if refusal is not None and not found:
        said = " ".join(_body(refusal).split())[:160]
        what = f"the model was refused, and is in no list of models that end: {number(refusal.data, 'status') or 0:.0f} {said}"
        yield ModelEnded("refused", what, Example(file, refusal.seq), refused=True)


def _sessions(entry: Entry) -> Iterator[Mapping[str, Any]]:
    if entry.plane == "event":
        yield mapping(entry.event, "session")
    elif entry.kind == "http.request":
        body = entry.data.get("body")
        if isinstance(body, Mapping):
            yield mapping(body, "session") or body
        yield from ({"model": one} for one in parse_qs(urlsplit(text(entry.data, "url")).query).get("model", ()))


def _refuses(entry: Entry) -> bool:
    return (number(entry.data, "status") or 0) >= 400 and bool(_REFUSED.search(_body(entry)))


def _body(entry: Entry) -> str:
    body = entry.data.get("body")
    return body if isinstance(body, str) else json.dumps(body)


def _day(trace: Trace) -> date | None:
    """The day on which the service answered, by the Date header of its answers."""
    answered = (instant(text(entry.data, "headers", "date")) for entry in trace.of("http.response"))
    return next((when.date() for when in answered if when is not None), None)
