"""Dumps of webrtc-internals and files of rtcstats, and what both have of a connection."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest

from harness.errors import NotARecord
from harness.formats import rtcstats, webrtc_internals
from harness.formats.base import Record

OFFER = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
ANSWER = OFFER.replace("- 1 1", "- 2 2")
VIDEO = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\n"
STEPS: tuple[tuple[float, str, Any], ...] = (
    (1.0, "createDataChannel", {"label": "oai-events", "ordered": True}),
    (1.1, "setLocalDescription", {"type": "offer", "sdp": OFFER}),
    (1.2, "onsignalingstatechange", "have-local-offer"),
    (1.5, "setRemoteDescription", {"type": "answer", "sdp": ANSWER}),
    (1.6, "setRemoteDescriptionOnSuccess", ""),
    (1.7, "oniceconnectionstatechange", "connected"),
    (1.8, "onconnectionstatechange", "connected"),
)
KINDS = [
    "channel.created", "sdp.offer", "connection.signaling", "sdp.answer", "connection.ice", "connection.state",
]  # fmt: skip
EPOCH = 1795851095


def internals(steps: Sequence[tuple[float, str, Any]], stats: Any = None, **more: Any) -> str:
    """As Chromium writes it since 2025."""
    log = [
        {"timestamp": 1000 * (EPOCH + t), "type": what, "value": value if value == "" else json.dumps(value)}
        for t, what, value in steps
    ]
    return json.dumps({"PeerConnections": {"1-1": {"updateLog": log, "stats": stats or {}}, **more}})


def older(steps: Sequence[tuple[float, str, Any]]) -> str:
    """As it wrote it before: times and values in words."""

    def written(value: Any) -> Any:
        if isinstance(value, dict) and "sdp" in value:
            return f"type: {value['type']}, sdp: {value['sdp']}"
        return "label: oai-events, ordered: true" if isinstance(value, dict) else value

    log = [
        {"time": f"11/28/2026, 7:31:{35 + int(t):02d} AM", "type": what.removeprefix("on"), "value": written(value)}
        for t, what, value in steps
    ]
    return json.dumps({"PeerConnections": {"1-1": {"updateLog": log, "stats": {}}}})


def stats_file(steps: Sequence[tuple[float, str, Any]], *, numbered: bool = False) -> str:
    """As rtcstats writes it: the time since the line before, and where ``numbered`` the methods as numbers."""
    numbers = {what: number for number, what in rtcstats._METHODS.items()}
    rows, before = ["RTCStatsDump", '{"fileFormat": 3}'], 0.0
    for t, what, value in steps:
        now = 1000 * (EPOCH + t)
        rows.append(json.dumps([numbers.get(what, what) if numbered else what, "PC_0", value, now - before]))
        before = now
    return "\n".join(rows)


def stats_lines(steps: Sequence[tuple[float, str, Any]]) -> str:
    """As it wrote it before: epoch times, arguments by their numbers."""
    first = json.dumps(["create", "PC_0", {}, 1000 * EPOCH])
    return "\n".join(
        [first]
        + [
            json.dumps([what, "PC_0", {"0": value["label"]} if "label" in (value or ()) else value, 1000 * (EPOCH + t)])
            for t, what, value in steps
        ]
    )


WRITTEN = {
    "webrtc-internals": internals(STEPS),
    "older webrtc-internals": older(STEPS),
    "rtcstats": stats_file(STEPS),
    "rtcstats with numbers": stats_file(STEPS, numbered=True),
    "older rtcstats": stats_lines(STEPS),
}


def record(text: str) -> Record:
    form = rtcstats if rtcstats.recognise(text) else webrtc_internals
    assert form.recognise(text)
    (found,) = form.read(text, "dump")
    return found


@pytest.mark.parametrize("text", WRITTEN.values(), ids=WRITTEN)
def test_a_connection_gives_its_descriptions_states_and_channel(text: str) -> None:
    found = record(text)
    assert [one.kind for one in found.moments] == KINDS
    created, offer, _, answer, ice, _ = found.moments
    assert (created.data["label"], created.data["ordered"], created.data["by"]) == ("oai-events", True, "client")
    assert (offer.data["sdp"], answer.data["sdp"]) == (OFFER, ANSWER)
    assert ice.data == {"state": "connected"}
    assert "rtp.stats" not in found.shows
    assert "channel.open" not in found.shows
    assert found.hints == ("oai-events",)


@pytest.mark.parametrize("text", [WRITTEN["webrtc-internals"], WRITTEN["rtcstats"], WRITTEN["older rtcstats"]])
def test_times_are_kept(text: str) -> None:
    assert [round((one.t or 0) - EPOCH, 3) for one in record(text).moments] == [1.0, 1.1, 1.2, 1.6, 1.7, 1.8]


def test_an_answer_that_was_refused_says_so() -> None:
    steps = (*STEPS[:4], (1.6, "setRemoteDescriptionOnFailure", "OperationError: no"))
    assert record(internals(steps)).moments[-1].data == {"sdp": ANSWER, "reason": "OperationError: no"}


def test_an_offer_that_the_browser_set_by_itself_is_the_one_that_it_made() -> None:
    steps = ((1.0, "createOfferOnSuccess", {"type": "offer", "sdp": OFFER}), (1.1, "setLocalDescription", ""))
    assert [one.data["sdp"] for one in record(internals(steps)).moments] == [OFFER]


SERIES = {
    "IT1-timestamp": [1000 * (EPOCH + 2), 1000 * (EPOCH + 3)],
    "IT1-packetsReceived": [50, 100],
    "IT1-packetsLost": [0, 2],
    "IT1-jitter": [0.001, 0.002],
    "IT1-audioLevel": [0.1],
    "IT1-[codec]": ["opus", "opus"],
}


def test_statistics_give_counters_levels_and_states_that_began_at_no_known_time() -> None:
    stats = {name: {"statsType": "inbound-rtp", "values": json.dumps(values)} for name, values in SERIES.items()}
    stats |= {
        f"D1-{name}": {"statsType": "data-channel", "values": json.dumps(values)}
        for name, values in {"timestamp": [1000 * (EPOCH + 2)], "state": ["open"], "label": ["oai-events"]}.items()
    }
    found = record(internals(STEPS, stats))
    first, opened, last = found.moments[-3:]
    assert opened.data == {"label": "oai-events", "id": None, "unseen": ["t"]}
    assert first.data == {"direction": "received", "packets": 50, "lost": 0, "jitter_ms": 1.0}
    # The level has one value less than there are times: it came with the second.
    assert last.data == {
        "direction": "received",
        "packets": 100,
        "lost": 2,
        "jitter_ms": 2.0,
        "level": -20.0,
    }
    assert {"channel.open", "rtp.stats"} <= set(found.shows)


def test_statistics_of_rtcstats_hold_what_changed() -> None:
    first = {"0": {"type": 1, "14": 50, "15": 0, "11": "audio"}, "t": 1.0}
    steps = (*STEPS, (2.0, "getStats", first), (3.0, "getStats", {"0": {"14": 100}}), (4.0, "getStats", {"0": None}))
    counters = [one.data for one in record(stats_file(steps)).moments if one.kind == "rtp.stats"]
    assert [(one["packets"], one["lost"]) for one in counters] == [(50, 0), (100, 0)]


def test_a_description_of_rtcstats_repeats_no_section() -> None:
    steps = (*STEPS, (5.0, "setLocalDescription", {"type": "offer", "sdp": "v=\r\nm=audio 9 X 0\r\nm=\r\n"}))
    again = [one.data["sdp"] for one in record(stats_file(steps)).moments if one.kind == "sdp.offer"][-1]
    assert again.splitlines() == [*OFFER.splitlines()[:4], "m=audio 9 X 0", OFFER.splitlines()[-1]]


def test_another_connection_is_told_and_left_out_and_two_calls_are_two_records() -> None:
    dump = json.loads(internals(STEPS))
    call = dump["PeerConnections"]["1-1"]
    other = json.loads(internals(((1.1, "setLocalDescription", {"type": "offer", "sdp": VIDEO}),)))["PeerConnections"][
        "1-1"
    ]
    (found,) = webrtc_internals.read(json.dumps({"PeerConnections": {"1-1": call, "1-2": other}}), "dump")
    assert found.left_out == ("1 other connection",)
    assert len(webrtc_internals.read(json.dumps({"PeerConnections": {"1-1": call, "1-2": call}}), "dump")) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"PeerConnections": {}}', "while the call is running"),
        (internals(((1.1, "setLocalDescription", {"type": "offer", "sdp": VIDEO}),)), "another page"),
        ('{"PeerConnections": [', "cut off"),
        ('{"PeerConnections": {"1-1": {"updateLog": 3, "stats": 4}}}', "another page"),
        ('RTCStatsDump\n{"fileFormat": 3}\n', "without a connection"),
        ('RTCStatsDump\n{}\n["create"]\n[1,2,"x"]\n[', "without a connection"),
        (stats_file(((1.0, "create", {}),)), "another page"),
    ],
)
def test_a_dump_without_a_call_is_refused_with_what_to_do(text: str, said: str) -> None:
    form = rtcstats if rtcstats.recognise(text) else webrtc_internals
    with pytest.raises(NotARecord) as caught:
        form.read(text, "dump")
    assert said in str(caught.value)
