"""The timeline of a call: each plane in the lane that bears its name, at its time."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree

from harness.report.figures import LABEL, WIDTH, timeline
from harness.trace import Trace
from tests.traces import event, trace


def levels(direction: str, level: float, speech: int) -> tuple[float, str, dict[str, Any]]:
    data = {"direction": direction, "start": 5.0, "step": 0.1, "levels": [level], "speech": [speech]}
    return (5.1, "audio.levels", data)


CALL = trace(
    (0.0, "http.request", {"id": 1, "step": "key", "method": "POST", "url": "http://x/k"}),
    (1.0, "http.response", {"id": 1, "step": "key", "status": 401}),
    (2.0, "connection.state", {"state": "failed"}),
    event(3.0, "client", "session.update"),
    event(4.0, "service", "session.created"),
    event(4.5, "service", "error"),
    levels("sent", -20.0, 1),
    levels("received", -40.0, 0),
    (10.0, "channel.closed", {"label": "realtime-channel"}),
)


def lanes(call: Trace = CALL) -> dict[str, list[tuple[str, str, float]]]:
    """What is drawn in each lane: its class, what it says or its shape, and where along the axis it is (0 to 1)."""
    found: dict[str, list[tuple[str, str, float]]] = {}
    for lane in ElementTree.fromstring(timeline(call)).findall("g[@transform]"):
        drawn = found.setdefault(lane.findtext("text") or "", [])
        for mark in lane.findall("g"):
            x = float(mark.find("rect").attrib["x"]) + 1.5  # type: ignore[union-attr]
            drawn.append((mark.attrib["class"], mark.findtext("title") or "", along(x)))
        for path in lane.findall("path"):
            place, _, shape = path.attrib["d"].removeprefix("M").partition(" ")
            drawn.append((path.attrib["class"], shape, along(float(place))))
    return found


def along(x: float) -> float:
    return round((x - LABEL) / (WIDTH - LABEL - 10), 2)


def test_each_lane_shows_what_its_name_says() -> None:
    assert lanes() == {
        "HTTP": [("sent", "0.000 s POST http://x/k", 0.0), ("bad", "1.000 s 401 (key)", 0.1)],
        "connection": [
            ("bad", "2.000 s connection.state failed", 0.2),
            ("state", "10.000 s channel.closed realtime-channel", 1.0),
        ],
        "client events": [("sent", "3.000 s session.update", 0.3)],
        "service events": [("received", "4.000 s session.created", 0.4), ("bad", "4.500 s error", 0.45)],
        "caller's audio": [("speech", "4.0v12.0", 0.5)],
        "service's audio": [("sound", "7.0v6.0", 0.5)],
    }


def test_a_remark_has_a_lane_of_its_own() -> None:
    call = trace((0.0, "harness.note", {"text": "the caller asks", "about": "scenario"}), (2.0, "channel.open", {}))
    assert lanes(call)["remarks"] == [("state", "0.000 s the caller asks", 0.0)]


def test_two_calls_can_be_drawn_on_one_scale_with_a_line_at_an_entry() -> None:
    page = str(timeline(CALL, 20.0, 4))
    assert 'aria-label="timeline of the call, 20.0 seconds"' in page
    assert (
        f'<g class="differs"><title>entry 4: session.created</title><path d="M{LABEL + (WIDTH - LABEL - 10) * 0.2:.1f} 0V'
        in page
    )
    assert "differs" not in timeline(CALL)
