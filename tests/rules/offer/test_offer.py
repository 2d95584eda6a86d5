"""Offers of real stacks raise no finding; one fault in one of them is found by the rule that names it."""

from __future__ import annotations

from functools import partial

import pytest

from harness.protocol.dialects import DIALECTS
from harness.rules.base import Outcome, judge_rule
from harness.rules.catalogue import all_rules
from harness.trace import Entry, Header, Trace
from harness.trace.redact import Redactor
from tests.descriptions import AIORTC_STOCK, CHROMIUM, FIREFOX, LIBDATACHANNEL, OFFERS, edited
from tests.limits import Limit

RULES = [one for one in all_rules() if one.family == "OFF"]
APPLICATION = r"^m=application(?:.*\n)*"


def outcomes(
    *offers: str, dialect: str = "azure-ga", observer: str = "client", kind: str = "sdp.offer"
) -> dict[str, Outcome]:
    entries = tuple(Entry(seq, 0.0, kind, {"sdp": Redactor().text(offer)}) for seq, offer in enumerate(offers))
    trace = Trace(Header(observer, dialect), entries, "completed")  # type: ignore[arg-type]
    return {one.id: judge_rule(one, trace).outcome for one in RULES}


def failed(*offers: str, **more: str) -> list[str]:
    return [id for id, outcome in outcomes(*offers, **more).items() if outcome is Outcome.FAIL]


@pytest.mark.parametrize("observer", ["client", "service"])
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("name", OFFERS)
def test_real_offers_are_clean(name: str, dialect: str, observer: str) -> None:
    found = outcomes(OFFERS[name], dialect=dialect, observer=observer)
    assert [id for id, outcome in found.items() if outcome not in (Outcome.PASS, Outcome.NOT_EXERCISED)] == []
    # Parameters of Opus are optional; everything else is there to be judged.
    assert [id for id, outcome in found.items() if outcome is Outcome.NOT_EXERCISED] in ([], ["OFF-07"])


def test_aiortc_as_it_comes_lacks_ice_options_only() -> None:
    assert failed(AIORTC_STOCK) == ["OFF-15"]


@pytest.mark.parametrize(
    ("id", "offer", "also"),
    [
        ("OFF-01", CHROMIUM.replace("\r\n", "\n"), []),
        ("OFF-01", CHROMIUM.rstrip(), []),
        ("OFF-01", edited(CHROMIUM, r"^t=0 0\r\n"), []),
        ("OFF-01", edited(CHROMIUM, r"^t=0 0", "t=3724394400 3724398000"), []),
        ("OFF-01", '{"type": "offer", "sdp": "v=0"}', []),
        ("OFF-01", " " + CHROMIUM, []),
        ("OFF-02", edited(CHROMIUM, "^m=audio 9", "m=audio 0"), []),
        ("OFF-03", edited(CHROMIUM, "UDP/DTLS/SCTP webrtc-datachannel", "DTLS/SCTP 5000"), []),
        ("OFF-03", edited(CHROMIUM, APPLICATION), ["OFF-20"]),
        ("OFF-04", edited(CHROMIUM, "UDP/TLS/RTP/SAVPF", "RTP/SAVPF"), []),
        ("OFF-05", edited(edited(CHROMIUM, r"^a=rtpmap:111.*\r\n"), " 111 63", " 63"), []),
        ("OFF-05", edited(FIREFOX, "opus/48000/2", "opus/48000"), []),
        ("OFF-06", edited(CHROMIUM, r"^a=rtpmap:110.*\r\n"), []),
        ("OFF-06", edited(CHROMIUM, r"\b110\b", "64"), []),
        ("OFF-07", edited(CHROMIUM, "minptime=10", "minptime=1000"), []),
        ("OFF-07", edited(LIBDATACHANNEL, "maxaveragebitrate=96000", "maxaveragebitrate=500"), []),
        ("OFF-08", edited(CHROMIUM, "^a=sendrecv", "a=inactive"), []),
        ("OFF-08", edited(CHROMIUM, "^a=sendrecv", "a=sendrecv\r\na=recvonly"), []),
        ("OFF-09", edited(CHROMIUM, "^a=mid:1", "a=mid:0"), []),
        ("OFF-09", edited(CHROMIUM, r"^a=mid:1\r\n"), []),
        ("OFF-10", edited(CHROMIUM, r"^a=group.*\r\n"), []),
        ("OFF-10", edited(LIBDATACHANNEL, "BUNDLE audio data", "BUNDLE data"), []),
        ("OFF-11", edited(CHROMIUM, r"^a=rtcp-mux\r\n"), []),
        ("OFF-12", edited(CHROMIUM, "actpass", "active"), []),
        ("OFF-12", edited(LIBDATACHANNEL, r"^a=setup.*\r\n"), []),
        ("OFF-13", edited(CHROMIUM, r"^a=fingerprint.*\r\n"), []),
        ("OFF-13", edited(CHROMIUM, "sha-256 30:", "sha-256 "), []),
        ("OFF-13", edited(CHROMIUM, "sha-256 30:", "sha-256 31:", count=1), []),
        ("OFF-14", edited(CHROMIUM, "^a=ice-ufrag:sfsi", "a=ice-ufrag:sf"), []),
        ("OFF-14", edited(CHROMIUM, "^a=ice-pwd:.*", "a=ice-pwd:tooshort\r"), []),
        ("OFF-14", edited(CHROMIUM, "^a=ice-pwd:.*", "a=ice-pwd:notasecret-notasecret-\r"), []),
        ("OFF-14", edited(LIBDATACHANNEL, r"^a=ice-ufrag.*\r\n"), []),
        ("OFF-15", edited(CHROMIUM, r"^a=ice-options.*\r\n"), []),
        ("OFF-15", edited(LIBDATACHANNEL, "ice2,trickle", "ice2"), []),
        ("OFF-16", edited(CHROMIUM, r"^a=sctp-port.*\r\n"), []),
        ("OFF-16", edited(CHROMIUM, "sctp-port:5000", "sctp-port:65536"), []),
        ("OFF-17", edited(CHROMIUM, "max-message-size:262144", "max-message-size:-1"), []),
        ("OFF-18", CHROMIUM + "m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:2\r\na=rtpmap:96 VP8/90000\r\n", []),
        ("OFF-19", edited(CHROMIUM, "^a=rtcp-mux", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\na=rtcp-mux"), []),
        ("OFF-19", edited(CHROMIUM, "^t=0 0", "t=0 0\r\nk=clear:x"), []),
        ("OFF-21", CHROMIUM + "a=x-padding:" + "x" * 66_000 + "\r\n", []),
    ],
)  # fmt: skip
def test_one_fault_one_finding(id: str, offer: str, also: list[str]) -> None:
    assert failed(offer) == sorted([id, *also])


def test_every_rule_has_a_fault() -> None:
    faults = {row[0] for mark in test_one_fault_one_finding.pytestmark for row in mark.args[1]}  # type: ignore[attr-defined]
    assert {one.id for one in RULES} - faults == {"OFF-20"}


def test_a_channel_after_the_offer() -> None:
    entries = (
        Entry(0, 0.0, "sdp.offer", {"sdp": Redactor().text(CHROMIUM)}),
        Entry(1, 0.1, "channel.created", {"label": "x", "ordered": True, "protocol": "", "by": "client"}),
    )
    rule = next(one for one in RULES if one.id == "OFF-20")
    assert judge_rule(rule, Trace(Header("client", "azure-ga"), entries)).outcome is Outcome.FAIL
    # A service learns of the channel only after the offer, by its opening.
    assert judge_rule(rule, Trace(Header("service", "azure-ga"), entries)).outcome is Outcome.PASS


def test_an_offer_that_the_service_refused_is_judged_once() -> None:
    broken = edited(CHROMIUM, r"^a=rtcp-mux\r\n")
    assert failed(broken, observer="service", kind="sdp.rejected") == ["OFF-11"]
    assert set(outcomes(broken, observer="client", kind="sdp.rejected").values()) == {Outcome.NOT_EXERCISED}
    entries = tuple(
        Entry(seq, 0.0, kind, {"sdp": broken, "reason": ""}) for seq, kind in enumerate(("sdp.offer", "sdp.rejected"))
    )
    rule = next(one for one in RULES if one.id == "OFF-11")
    assert judge_rule(rule, Trace(Header("service", "azure-ga"), entries)).observations == 1


def test_the_call_request_stands_in_for_an_offer_that_nobody_could_read() -> None:
    request = {"id": 1, "step": "call", "headers": {"content-type": "application/sdp"}, "body": "offer"}
    trace = Trace(Header("service", "azure-ga"), (Entry(0, 0.0, "http.request", request),))
    assert [one.id for one in RULES if judge_rule(one, trace).outcome is Outcome.FAIL] == ["OFF-01"]


def found(id: str, offer: str) -> Outcome:
    entry = Entry(0, 0.0, "sdp.offer", {"sdp": Redactor().text(offer)})
    return judge_rule(next(one for one in RULES if one.id == id), Trace(Header("client", "azure-ga"), (entry,))).outcome


# RFC 7587 section 6.1: smallest and largest value.
OPUS = {
    "minptime": (3, 120),
    "ptime": (3, 120),
    "maxptime": (3, 120),
    "maxplaybackrate": (8000, 48000),
    "sprop-maxcapturerate": (8000, 48000),
    "maxaveragebitrate": (6000, 510000),
    "stereo": (0, 1),
    "sprop-stereo": (0, 1),
    "cbr": (0, 1),
    "useinbandfec": (0, 1),
    "usedtx": (0, 1),
}
PADDED = f"{CHROMIUM}a=x-padding:"
FULL = 65536 - len(Redactor().text(f"{PADDED}\r\n"))
LIMITS = (
    *(
        Limit(
            f"{name}={value}",
            partial(found, "OFF-07", edited(CHROMIUM, "minptime=10;useinbandfec=1", f"{name}={value}")),
            outcome,
        )
        for name, (low, high) in OPUS.items()
        for value, outcome in (
            (low - 1, Outcome.FAIL),
            (low, Outcome.PASS),
            (high, Outcome.PASS),
            (high + 1, Outcome.FAIL),
        )
    ),
    Limit("an offer of 65535 bytes", partial(found, "OFF-21", f"{PADDED}{'x' * (FULL - 1)}\r\n"), Outcome.PASS),
    Limit("an offer of 65536 bytes", partial(found, "OFF-21", f"{PADDED}{'x' * FULL}\r\n"), Outcome.FAIL),
)
