"""Answers of real services raise no finding; one fault in one of them is found by the rule that names it."""

from __future__ import annotations

import pytest

from harness.protocol.dialects import DIALECTS
from harness.rules.base import INFO, Outcome, judge_rule
from harness.rules.catalogue import all_rules
from harness.trace import Entry, Header, Trace
from harness.trace.redact import Redactor
from tests.descriptions import ANSWERS, CHROMIUM, FIREFOX, OPENAI_ANSWER, OPENAI_ANSWER_REPEATED, edited

RULES = [one for one in all_rules() if one.family == "ANS"]
APPLICATION = r"^m=application(?:.*\n)*"


def trace_of(
    offer: str, answer: str, *, dialect: str = "openai-ga", observer: str = "client", kind: str = "sdp.answer"
) -> Trace:
    redactor = Redactor()
    rows = [("sdp.offer", {"sdp": redactor.text(offer)}), (kind, {"sdp": redactor.text(answer)})]
    entries = tuple(Entry(seq, 0.0, kind, data) for seq, (kind, data) in enumerate(rows))
    return Trace(Header(observer, dialect), entries, "completed")  # type: ignore[arg-type]


def failed(trace: Trace) -> list[str]:
    return [one.id for one in RULES if judge_rule(one, trace).outcome is Outcome.FAIL]


@pytest.mark.parametrize("observer", ["client", "service"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", ANSWERS)
def test_real_answers_are_clean(name: str, dialect: str, observer: str) -> None:
    trace = trace_of(*ANSWERS[name], dialect=dialect, observer=observer)
    severe = [one.id for one in RULES if one.severity_in(dialect) != INFO]
    assert [id for id in failed(trace) if id in severe] == []
    unseen = [one.id for one in RULES if judge_rule(one, trace).outcome is Outcome.NOT_EXERCISED]
    assert set(unseen) <= {"ANS-13", "ANS-15"}


@pytest.mark.parametrize("answer", [OPENAI_ANSWER, OPENAI_ANSWER_REPEATED])
def test_the_published_shape_has_not_even_a_remark(answer: str) -> None:
    assert failed(trace_of(CHROMIUM, answer)) == []


@pytest.mark.parametrize(
    ("id", "answer", "also"),
    [
        ("ANS-01", edited(OPENAI_ANSWER, APPLICATION), ["ANS-05"]),
        ("ANS-01", OPENAI_ANSWER + "m=audio 0 UDP/TLS/RTP/SAVPF 0\r\na=mid:2\r\n", []),
        ("ANS-02", edited(OPENAI_ANSWER, "UDP/TLS/RTP/SAVPF", "RTP/AVP"), []),
        ("ANS-03", edited(OPENAI_ANSWER, "^a=mid:0", "a=mid:audio"), ["ANS-05"]),
        ("ANS-03", edited(edited(OPENAI_ANSWER, "^a=mid:0", "a=mid:a"), "BUNDLE 0 1", "BUNDLE a 1"), ["ANS-05"]),
        ("ANS-04", edited(OPENAI_ANSWER, "SAVPF 111 0 8", "SAVPF 0 8"), []),
        ("ANS-04", edited(OPENAI_ANSWER, "opus/48000/2", "L16/48000/2"), ["ANS-16"]),
        ("ANS-04", edited(OPENAI_ANSWER, "^m=audio 9", "m=audio 0"), []),
        ("ANS-05", edited(OPENAI_ANSWER, "BUNDLE 0 1", "BUNDLE 0"), ["ANS-09"]),
        ("ANS-05", edited(OPENAI_ANSWER_REPEATED, r"^a=group.*\r\n"), []),
        ("ANS-06", edited(OPENAI_ANSWER, "setup:active", "setup:actpass"), ["ANS-07"]),
        ("ANS-06", edited(OPENAI_ANSWER, r"^a=setup.*\r\n"), []),
        ("ANS-07", edited(OPENAI_ANSWER, "setup:active", "setup:passive"), []),
        ("ANS-08", edited(OPENAI_ANSWER, r"^a=fingerprint.*\r\n"), []),
        ("ANS-08", edited(OPENAI_ANSWER, "sha-256 30:", "sha-256 3:"), []),
        ("ANS-09", edited(OPENAI_ANSWER, "^a=ice-pwd:.*", "a=ice-pwd:short1234567890\r"), []),
        ("ANS-09", edited(OPENAI_ANSWER, r"^a=ice-ufrag.*\r\n"), []),
        ("ANS-10", edited(OPENAI_ANSWER, r"^a=rtcp-mux\r\n"), []),
        ("ANS-11", edited(OPENAI_ANSWER, "^a=sendrecv", "a=sendrecv\r\na=recvonly"), []),
        ("ANS-12", edited(OPENAI_ANSWER, r"^a=sctp-port.*\r\n"), []),
        ("ANS-12", edited(OPENAI_ANSWER, "^m=application 9", "m=application 0"), []),
        ("ANS-13", edited(OPENAI_ANSWER_REPEATED, "1SlHFrIpqhNSrZ0J", "another0", count=1), []),
        ("ANS-13", edited(OPENAI_ANSWER_REPEATED, "^a=ice-pwd:.*", "a=ice-pwd:another1another2another3\r", count=1), []),
        ("ANS-14", edited(OPENAI_ANSWER, r"^a=candidate.*\r\n"), []),
        ("ANS-14", edited(OPENAI_ANSWER, " tcptype passive"), []),
        ("ANS-15", edited(OPENAI_ANSWER, "203.0.113.7 3478", "203.0.113.7 19302"), []),
        ("ANS-16", edited(OPENAI_ANSWER, "^a=sendrecv", "a=sendrecv\r\na=extmap:9 urn:3gpp:video-orientation"), []),
        ("ANS-16", OPENAI_ANSWER + "m=video 9 UDP/TLS/RTP/SAVPF 97\r\na=mid:2\r\na=rtpmap:97 VP8/90000\r\n", ["ANS-01", "ANS-09"]),
        ("ANS-17", OPENAI_ANSWER.replace("\r\n", "\n"), []),
        ("ANS-17", OPENAI_ANSWER.rstrip(), []),
        ("ANS-17", '{"error": {"message": "no"}}', []),
        ("ANS-17", "", []),
    ],
)  # fmt: skip
def test_one_fault_one_finding(id: str, answer: str, also: list[str]) -> None:
    assert failed(trace_of(CHROMIUM, answer)) == sorted([id, *also])


def test_every_rule_has_a_fault() -> None:
    faults = {row[0] for mark in test_one_fault_one_finding.pytestmark for row in mark.args[1]}  # type: ignore[attr-defined]
    assert {one.id for one in RULES} - faults == set()


@pytest.mark.parametrize(
    ("offered", "answered", "legal"),
    [
        (offered, answered, answered in legal)
        for offered, legal in {
            "sendrecv": ("sendrecv", "sendonly", "recvonly", "inactive"),
            "sendonly": ("recvonly", "inactive"),
            "recvonly": ("sendonly", "inactive"),
            "inactive": ("inactive",),
        }.items()
        for answered in ("sendrecv", "sendonly", "recvonly", "inactive")
    ],
)
def test_directions(offered: str, answered: str, legal: bool) -> None:
    offer, answer = FIREFOX.replace("a=sendrecv", f"a={offered}"), OPENAI_ANSWER.replace("a=sendrecv", f"a={answered}")
    assert failed(trace_of(offer, answer)) == ([] if legal else ["ANS-11"])


def test_an_answer_without_its_offer_is_judged_by_itself() -> None:
    answer = edited(OPENAI_ANSWER, r"^a=candidate.*\r\n")
    trace = Trace(Header("client", "openai-ga"), (Entry(0, 0.0, "sdp.answer", {"sdp": answer}),), "completed")
    assert failed(trace) == ["ANS-14"]


def test_an_answer_that_the_client_refused_is_judged() -> None:
    broken = edited(OPENAI_ANSWER, r"^a=rtcp-mux\r\n")
    assert failed(trace_of(CHROMIUM, broken, kind="sdp.rejected")) == ["ANS-10"]
    assert failed(trace_of(CHROMIUM, broken, kind="sdp.rejected", observer="service")) == []


@pytest.mark.parametrize(("status", "found"), [(201, ["ANS-17"]), (400, [])])
def test_the_call_response_stands_in_for_an_answer_that_could_not_be_used(status: int, found: list[str]) -> None:
    rows = [
        ("sdp.offer", {"sdp": CHROMIUM}),
        ("http.request", {"id": 1, "step": "call", "url": "https://host/", "headers": {}, "body": CHROMIUM}),
        ("http.response", {"id": 1, "step": "call", "status": status, "headers": {}, "body": {"sdp": OPENAI_ANSWER}}),
    ]
    entries = tuple(Entry(seq, 0.0, kind, data) for seq, (kind, data) in enumerate(rows))
    assert failed(Trace(Header("client", "openai-ga"), entries, "failed")) == found
