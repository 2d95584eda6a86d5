"""The catalogue of faults joined with the catalogue of rules, and the rewrites that faults are put together from."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest

from harness.diagnosis import CAUSES
from harness.errors import UsageError
from harness.fake.faults import FAULTS, Faults, Reply, ServiceConduct, base
from harness.fake.faults import edits as edit
from harness.fake.faults.base import ANSWER, CALL, TOKEN, fault
from harness.faults.registry import EventRewrite
from harness.media.opus import SILENCE
from harness.protocol.dialects import DIALECTS, Dialect
from harness.protocol.rtp import RtpPacket
from harness.rules.base import CLIENT, INFO
from harness.rules.catalogue import REGISTRY
from harness.scenario.files import reference_suite
from harness.scenario.loader import dialects_of, load
from tests.descriptions import AIORTC_ANSWER

AZG, AZP = DIALECTS["azure-ga"], DIALECTS["azure-preview"]


# The catalogue


def test_there_are_faults_on_every_plane() -> None:
    assert len(FAULTS) >= 150
    assert {one.plane for one in FAULTS.values()} == set(base.Plane.__args__)  # type: ignore[attr-defined]


@pytest.mark.parametrize("one", FAULTS.values(), ids=FAULTS)
def test_a_fault_names_what_exists(one: base.Fault) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", one.name)
    assert one.title
    assert not one.title.endswith(".")
    assert {*one.caught_by, *one.also} <= set(REGISTRY)
    assert not set(one.caught_by) & set(one.also)
    assert one.diagnosis is None or one.diagnosis in CAUSES
    assert set(one.beside) <= {*base.Plane.__args__} - {one.plane}  # type: ignore[attr-defined]
    assert one.ends in (None, "key", "answer", "channel-open", "session")
    assert one.dialect in dialects_of(load(reference_suite() / one.scenario).scenario)


@pytest.mark.parametrize("one", [one for one in FAULTS.values() if one.caught_by], ids=lambda one: one.name)
def test_a_fault_of_the_service_is_caught_by_a_rule_about_the_service_in_its_dialect(one: base.Fault) -> None:
    for id in one.caught_by:
        assert REGISTRY[id].who != CLIENT
        assert one.dialect in REGISTRY[id].dialects


def test_a_name_is_declared_once_and_says_how_it_is_caught() -> None:
    with pytest.raises(ValueError, match="twice"):
        fault("rsp-done-missing", "again", plane=base.EVENTS, caught_by=["RSP-03"])(None)
    with pytest.raises(ValueError, match="names no rule"):
        fault("never-declared", "nothing catches it", plane=base.EVENTS)(None)
    assert "never-declared" not in FAULTS


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError) as near:
        FAULTS.named("rsp-done-mising", where="--fault")
    assert (near.value.where, near.value.fix) == (
        "--fault",
        "did you mean rsp-done-missing? harness faults lists them all",
    )
    with pytest.raises(UsageError) as far:
        Faults(["0123456789"])
    assert far.value.fix == "harness faults lists them all"


def test_without_faults_everything_is_as_it_was() -> None:
    none = Faults()
    reply = Reply(AZG, 1, 200, {"content-type": "application/json"}, "{}")
    assert none.reply("key", reply) is reply
    assert none.answer("v=0\r\n") == "v=0\r\n"
    assert none.conduct == ServiceConduct()
    assert none.events(AZG) == []
    assert none.heard(AZG) == []
    assert none.sound([b"a"]) == [b"a"]
    assert none.packets() is None


def test_a_fault_of_one_endpoint_leaves_the_other_alone() -> None:
    reply = Reply(AZG, 1, 200, {}, "{}")
    faults = Faults(["key-server-error"])
    assert faults.reply("key", reply).status == 500
    assert faults.reply("call", reply) is reply
    assert faults.reply("hangup", reply) is reply


def test_a_fault_on_two_planes_brings_the_other_along() -> None:
    both = Faults(["interruption-passed-over"])
    assert len(both.events(AZG)) == 1
    assert both.conduct == ServiceConduct(stops_audio=False)


def test_faults_add_up() -> None:
    faults = Faults(["answer-without-mid", "answer-without-rtcp-mux", "rtcp-missing", "filter-ignored"])
    assert faults.answer("v=0\r\nm=audio 9 X 96\r\na=mid:0\r\na=rtcp-mux\r\na=sendrecv\r\n") == (
        "v=0\r\nm=audio 9 X 96\r\na=sendrecv\r\n"
    )
    assert faults.conduct == ServiceConduct(reports=False, filters=False)


@pytest.mark.parametrize("one", [one for one in FAULTS.values() if one.plane == "token"], ids=lambda one: one.name)
def test_a_fault_of_the_token_endpoint_changes_the_response(one: base.Fault) -> None:
    dialect = DIALECTS[one.dialect]
    body: dict[str, Any] = {"session": {"type": "realtime"}, "value": "ek_1", "expires_at": 1_800_000_000}
    if dialect.body == "flat":
        body = {"id": "sess_1", "client_secret": {"value": "ek_1", "expires_at": 1_800_000_000}}
    right = Reply(dialect, 1, 200, {"content-type": "application/json"}, json.dumps(body))
    assert one.rewrite(right) != right


# Rewrites of events


def through(make: edit.Make, *events: dict[str, Any], dialect: Any = AZG) -> list[tuple[float, Any]]:
    rewrite: EventRewrite = make(dialect)
    return [out for event in events for out in rewrite(event)]


def event(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "event_id": f"event_{kind}", **fields}


A, B = event("response.created", n=1), event("response.done", n=2)


def test_drop() -> None:
    assert through(edit.drop("response.done"), A, B) == [(0.0, A)]
    assert through(edit.drop("response.done", at=2), B, B) == [(0.0, B)]
    assert through(edit.drop("response.done", where=lambda one: one["n"] == 3), B) == [(0.0, B)]


def test_wire_names_of_the_dialect_are_found() -> None:
    beta = event("response.text.delta")
    assert through(edit.drop("response.output_text.delta"), beta, dialect=AZP) == []
    assert through(edit.drop("response.output_text.delta"), beta) == [(0.0, beta)]


def test_twice() -> None:
    assert through(edit.twice("response.done"), B, B) == [
        (0.0, B),
        (0.0, {**B, "event_id": "event_response.doneagain"}),
        (0.0, B),
    ]
    assert through(edit.twice("response.done", fresh=False, after=2.0), B) == [(0.0, B), (2.0, B)]


def test_late_and_held() -> None:
    assert through(edit.late("response.created", 1.5), A, B) == [(1.5, A), (0.0, B)]
    assert through(edit.held("response.created", "response.done"), A, B) == [(0.0, B), (0.0, A)]
    assert through(edit.held("response.created", "response.done"), A) == []
    assert through(edit.held("response.done", "response.done", at=1), B, {**B, "n": 3}) == [
        (0.0, {**B, "n": 3}),
        (0.0, B),
    ]


def test_fields() -> None:
    deep = event("response.done", response={"status": "completed", "output": [{"id": "a"}]})
    before = json.dumps(deep)
    assert through(edit.with_field("response.done", "response.output.0.id", "b"), deep)[0][1]["response"]["output"] == [
        {"id": "b"}
    ]
    assert through(edit.with_field("response.done", "n", lambda old: old + 1), B) == [(0.0, {**B, "n": 3})]
    assert "status" not in through(edit.without("response.done", "response.status"), deep)[0][1]["response"]
    assert through(edit.with_field("response.done", "item.id", "b"), deep) == [(0.0, deep)]
    assert json.dumps(deep) == before, "the fake's own event is left alone"


def test_instead_added_and_everywhere() -> None:
    assert through(edit.instead("response.done", lambda one: "not JSON"), B, B) == [(0.0, "not JSON"), (0.0, B)]
    assert through(edit.added("response.done", b"x", lambda one: A), B) == [(0.0, B), (0.0, b"x"), (0.0, A)]
    assert through(edit.added("response.done", A, first=True), B) == [(0.0, A), (0.0, B)]
    assert through(edit.everywhere(lambda one: one.update(n=0)), A, B) == [(0.0, {**A, "n": 0}), (0.0, {**B, "n": 0})]


def test_state_is_kept_for_each_call_on_its_own() -> None:
    make = edit.drop("response.done", at=1)
    assert through(make, B) == through(make, B) == []


def test_what_the_service_hears() -> None:
    hear = edit.deaf("response.cancel")(AZG)
    assert hear({"type": "response.cancel"}) is None
    assert hear(A) is A


# Rewrites of RTP


def packets(count: int) -> list[RtpPacket]:
    return [RtpPacket("sent", 1, 96, 100 + n, 960 * n, False, b"x", n * 0.02) for n in range(count)]


def rewritten(name: str, sent: Iterable[RtpPacket]) -> list[RtpPacket]:
    rewrite = Faults([name]).packets()
    assert rewrite is not None
    return [out for packet in sent for out in rewrite(packet)]


def test_packets() -> None:
    assert {packet.payload_type for packet in rewritten("rtp-other-payload-type", packets(3))} == {111}
    assert len({packet.timestamp for packet in rewritten("rtp-timestamp-still", packets(3))}) == 1
    assert len(rewritten("rtp-hole", packets(300))) == 300 - 40
    jumped = rewritten("rtp-sequence-jump", packets(101))
    assert [packet.sequence for packet in jumped[98:]] == [198, 20199, 20200]


@pytest.mark.parametrize("name", [name for name, one in FAULTS.items() if one.plane == "rtp"])
@pytest.mark.parametrize(("sequence", "timestamp"), [(0, 0), (0x7FFF, 0xFFFFFFFF), (0xFFFF, 0xFFFFFFFF - 960 * 150)])
def test_a_fault_does_the_same_wherever_sequence_and_timestamp_begin(name: str, sequence: int, timestamp: int) -> None:
    """Both are random in each call, and wrap."""

    def from_here(sent: list[RtpPacket]) -> list[RtpPacket]:
        return [moved_on(one, sequence, timestamp) for one in sent]

    assert rewritten(name, from_here(packets(300))) == from_here(rewritten(name, packets(300)))


def moved_on(packet: RtpPacket, sequence: int, timestamp: int) -> RtpPacket:
    return replace(
        packet,
        sequence=packet.sequence + sequence & 0xFFFF,
        timestamp=packet.timestamp + timestamp & 0xFFFFFFFF,
    )


def test_sound() -> None:
    right = [bytes([n]) for n in range(30)]
    assert len(Faults(["audio-silent"]).sound(right)) == 30
    assert b"" in Faults(["audio-empty-packet"]).sound(right)
    assert Faults(["audio-cut-off"]).sound(right) == right[:7]
    choppy = Faults(["audio-choppy"]).sound(right)
    assert [n for n, packet in enumerate(choppy) if packet == SILENCE] == [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]
    dies = Faults(["audio-falls-silent"]).sound(right)
    assert [n for n, packet in enumerate(dies) if packet == SILENCE] == list(range(16, 30))


def test_severity_of_what_catches_is_told_by_the_rule() -> None:
    """Rules of severity INFO accuse nobody; only few faults rest on them alone."""
    weak = [
        one.name
        for one in FAULTS.values()
        if one.caught_by and all(REGISTRY[id].severity == INFO for id in one.caught_by)
    ]
    # Nobody promises how loud or how long an answer is.
    assert weak == ["rsp-limits-malformed", "audio-faint", "audio-at-half-speed", "audio-at-double-speed"]


def minted(dialect: Dialect) -> str:
    expires = {"expires_at": 1_800_000_000}
    session = {"id": "sess_1", "model": "m", "voice": "alloy"}
    ga = {"value": "ek_1", **expires, "session": {**session, "type": "realtime"}}
    return json.dumps(
        ga if dialect.generation.name == "ga" else {**session, "client_secret": {"value": "ek_1", **expires}}
    )


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize(("step", "plane"), [("key", TOKEN), ("call", CALL)])
def test_any_two_faults_of_a_response_go_together(step: str, plane: str, dialect: Dialect) -> None:
    """A second fault finds what the first one left; it must not make the fake itself fail."""
    body = minted(dialect) if step == "key" else AIORTC_ANSWER
    for pair in permutations([one.name for one in FAULTS.values() if one.plane == plane], 2):
        assert isinstance(Faults(pair).reply(step, Reply(dialect, 1, 200, {}, body)), Reply)


def test_any_two_faults_of_an_answer_go_together() -> None:
    for pair in permutations([one.name for one in FAULTS.values() if one.plane == ANSWER], 2):
        assert isinstance(Faults(pair).answer(AIORTC_ANSWER), str)
