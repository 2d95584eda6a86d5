"""A model that ended is told apart from a contract that changed."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest

from harness.drifting.endings import endings
from harness.drifting.look import drift
from harness.drifting.text import drift_lines
from harness.protocol.retirements import RETIREMENTS
from harness.trace import Trace
from tests.traces import event, refused, trace

MODEL = RETIREMENTS[0]
BEFORE, AFTER = date(2026, 6, 1), date(2028, 1, 1)


def call(model: str, *, day: str = "", dialect: str = "openai-ga") -> Trace:
    headers = {"date": day} if day else {}
    return trace(
        (0.0, "http.response", {"id": 1, "step": "key", "status": 200, "headers": headers, "body": {}, "seconds": 0.0}),
        event(0.1, "service", "session.created", session={"type": "realtime", "model": model}),
        event(0.2, "service", "session.updated", session={"type": "realtime", "model": model}),
        dialect=dialect,
    )


@pytest.mark.parametrize(("today", "state"), [(BEFORE, "ends"), (MODEL.ends, "ended"), (AFTER, "ended")])
def test_by_the_day(today: date, state: str) -> None:
    (found,) = endings(call(MODEL.name), "x", today)
    assert (found.state, found.example.entry, found.refused) == (state, 1, False)
    assert MODEL.name in found.what


def test_the_day_of_the_recording_counts() -> None:
    (found,) = endings(call(MODEL.name, day="Mon, 01 Jun 2026 10:00:00 GMT"), "x", AFTER)
    assert found.state == "ends"
    (found,) = endings(call(MODEL.name, day="yesterday"), "x", AFTER)
    assert found.state == "ended"


def test_names_of_deployments_say_nothing() -> None:
    assert list(endings(call(MODEL.name, dialect="azure-ga"), "x", AFTER)) == []
    assert list(endings(call("gpt-realtime-9"), "x", AFTER)) == []


def refusal(body: Any, url: str = "http://127.0.0.1/x") -> Trace:
    made = refused("call", 404, body, dialect="openai-ga")
    rows = [
        (one.t, one.kind, {**one.data, "url": url} if "url" in one.data else dict(one.data)) for one in made.entries
    ]
    return trace(*rows, dialect="openai-ga", end="failed")


def test_a_refused_model() -> None:
    body = {"error": {"code": "model_not_found", "message": "The model does not exist"}}
    (found,) = endings(refusal(body), "x", AFTER)
    assert (found.state, found.refused) == ("refused", True)
    assert "404" in found.what
    (found,) = endings(refusal(body, f"http://127.0.0.1/x?model={MODEL.name}"), "x", AFTER)
    assert (found.state, found.refused) == ("ended", True)
    assert list(endings(refusal({"error": {"code": "rate_limited"}}), "x", AFTER)) == []


def test_it_is_no_difference_of_the_contract(tmp_path: Path) -> None:
    lines = list(refusal({"error": {"code": "model_not_found"}}, f"http://127.0.0.1/x?model={MODEL.name}").lines())
    (tmp_path / "live.ndjson").write_text("\n".join(lines).replace('"target":"fake"', '"target":"live"') + "\n")
    found = drift([tmp_path], today=AFTER)
    assert (found.contract, found.exit_code) == ((), 0)
    assert found.missing["live"] == "no recording of a live call: in none of what was given an event came"
    told = [line for line in drift_lines(found) if MODEL.name in line]
    assert len(told) == 1
    assert told[0].startswith("~")
    assert "the call was refused for it" in told[0]
