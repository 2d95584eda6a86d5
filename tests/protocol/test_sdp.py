"""The parser reads what real stacks write, and takes anything without raising."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.protocol.sdp import DIRECTIONS, Sdp, parse
from harness.protocol.sdp_fields import Codec, Fingerprint, integer, read_candidate, read_codec, read_fingerprint, short
from tests.descriptions import (
    AIORTC,
    ANSWERS,
    CHROMIUM,
    CHROMIUM_GATHERED,
    CHROMIUM_MAX_BUNDLE,
    FIREFOX,
    LIBDATACHANNEL,
    OFFERS,
    OPENAI_ANSWER,
    edited,
)

ALL = {**OFFERS, **{name: answer for name, (_, answer) in ANSWERS.items()}}
lines = st.sampled_from(sorted({line for text in ALL.values() for line in text.splitlines(keepends=True)}))
fragments = st.sampled_from(
    ["v=0", "m=", "m=audio", "m=audio 9", "a=", "a=:", "a=mid", "a=rtpmap:", "a=rtpmap:x y", "a=fmtp:96", "a=group:", "a=candidate:",
     "a=fingerprint:", "=", "x", "\r\n", "\n", "\r", " ", "m=audio 99999999999999999999999 UDP/TLS/RTP/SAVPF ²", "\x00", "\ud800"]
)  # fmt: skip


def exhaust(sdp: Sdp) -> None:
    """Read everything that a rule could read."""
    _ = (
        sdp.groups,
        sdp.bundle,
        sdp.tagged,
        sdp.fingerprints,
        sdp.directions,
        sdp.looks_like_sdp,
        sdp.values("mid"),
        sdp.line("o"),
    )
    for media in sdp.media:
        _ = media.mid, media.used, media.rtp, media.rtpmaps, media.codecs, media.parameters, media.candidates
        assert sdp.direction(media) in DIRECTIONS
        _ = sdp.fingerprints_of(media), sdp.attribute(media, "setup"), media.fingerprints


@pytest.mark.parametrize("text", ALL.values(), ids=ALL)
class TestRealDescriptions:
    def test_are_sound(self, text: str) -> None:
        parsed = parse(text)
        assert parsed.problems == ()
        assert parsed.line("v") == "0"
        assert {media.kind for media in parsed.media} == {"audio", "application"}
        assert not any(candidate.problem for media in parsed.media for candidate in media.candidates)
        assert not any(one.problem for media in parsed.media for one in parsed.fingerprints_of(media))

    def test_have_opus_and_a_bundle_of_their_mids(self, text: str) -> None:
        parsed = parse(text)
        assert Codec("opus", 48000, 2) in parsed.of("audio")[0].codecs.values()
        assert parsed.bundle is not None
        assert parsed.bundle.mids == tuple(media.mid for media in parsed.media)
        assert parsed.tagged is parsed.media[0]

    @pytest.mark.parametrize("seed", range(5))
    def test_lose_lines_without_harm(self, text: str, seed: int) -> None:
        rows = text.splitlines(keepends=True)
        kept = random.Random(seed).sample(range(len(rows)), k=len(rows) // 2)
        exhaust(parse("".join(rows[index] for index in sorted(kept))))


class TestLevels:
    def test_sections_keep_their_own_attributes(self) -> None:
        parsed = parse(CHROMIUM)
        audio, channel = parsed.media
        assert (audio.index, audio.kind, audio.port, audio.proto) == (0, "audio", 9, "UDP/TLS/RTP/SAVPF")
        assert audio.formats == ("111", "63", "9", "0", "8", "13", "110", "126")
        assert audio.connection == "IN IP4 0.0.0.0"
        assert CHROMIUM.splitlines()[audio.line - 1].startswith("m=audio")
        assert (channel.get("sctp-port"), channel.get("max-message-size")) == ("5000", "262144")
        assert audio.get("sctp-port") is None
        assert audio.has("rtcp-mux")
        assert audio.get("rtcp-mux") == ""
        assert len(audio.all("extmap")) == 4

    def test_the_session_stands_in_for_a_section(self) -> None:
        parsed = parse(LIBDATACHANNEL)
        for media in parsed.media:
            assert media.get("ice-ufrag") is None
            assert parsed.attribute(media, "ice-ufrag") == "bWZi"
            assert parsed.fingerprints_of(media) == parsed.fingerprints
        assert parsed.attribute(parsed.media[0], "no-such") is None
        assert parsed.values("setup") == ("actpass",)

    def test_a_section_overrules_the_session(self) -> None:
        parsed = parse(edited(FIREFOX, r"^a=mid:0", "a=fingerprint:sha-1 00:01\r\na=mid:0"))
        assert parsed.fingerprints_of(parsed.media[0])[0].hash == "sha-1"
        assert parsed.fingerprints_of(parsed.media[1])[0].hash == "sha-256"

    @pytest.mark.parametrize(
        ("session", "own", "direction"),
        [
            ("", "", "sendrecv"),
            ("a=recvonly\r\n", "", "recvonly"),
            ("a=recvonly\r\n", "a=inactive\r\n", "inactive"),
            ("", "a=sendonly\r\n", "sendonly"),
        ],
    )
    def test_direction(self, session: str, own: str, direction: str) -> None:
        parsed = parse(f"v=0\r\n{session}m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n{own}")
        assert parsed.direction(parsed.media[0]) == direction

    def test_groups(self) -> None:
        assert [(group.semantics, group.mids) for group in parse(LIBDATACHANNEL).groups] == [
            ("BUNDLE", ("audio", "data")),
            ("LS", ("audio",)),
        ]
        assert parse("v=0\r\n").bundle is None
        assert parse("v=0\r\na=group:\r\n").groups == ()

    def test_the_tagged_section_is_the_first_of_the_bundle(self) -> None:
        parsed = parse(edited(CHROMIUM, "BUNDLE 0 1", "BUNDLE 1 0"))
        assert parsed.tagged is parsed.media[1]
        assert (
            parse(edited(CHROMIUM, "BUNDLE 0 1", "BUNDLE 7")).tagged
            == parse(edited(CHROMIUM, "BUNDLE 0 1", "BUNDLE 7")).media[0]
        )
        assert parse("").tagged is None

    def test_port_zero_means_refused_unless_bundled_only(self) -> None:
        assert [media.used for media in parse(CHROMIUM_MAX_BUNDLE).media] == [True, True]
        assert [media.used for media in parse(edited(CHROMIUM_MAX_BUNDLE, "^a=bundle-only\r\n")).media] == [True, False]

    def test_keys_in_the_text(self) -> None:
        assert parse("v=0\r\nk=clear:x\r\n").encryption
        assert parse("v=0\r\nm=audio 9 RTP/SAVP 0\r\nk=prompt\r\n").media[0].encryption
        assert not parse(CHROMIUM).encryption


class TestCodecs:
    def test_rtpmap_fmtp_and_static_types(self) -> None:
        audio = parse(CHROMIUM).media[0]
        assert audio.codecs["111"] == Codec("opus", 48000, 2)
        assert audio.parameters[111] == {"minptime": "10", "useinbandfec": "1"}
        assert audio.parameters[63] == {"111/111": ""}
        assert parse("m=audio 9 UDP/TLS/RTP/SAVPF 0 8 77 x\r\n").media[0].codecs == {
            "0": Codec("pcmu", 8000),
            "8": Codec("pcma", 8000),
            "77": None,
            "x": None,
        }

    def test_static_types_are_for_audio(self) -> None:
        assert parse("m=video 9 UDP/TLS/RTP/SAVPF 0\r\n").media[0].codecs == {"0": None}

    def test_an_rtpmap_overrules_the_static_type(self) -> None:
        assert parse("m=audio 9 RTP/AVP 0\r\na=rtpmap:0 opus/48000/2\r\n").media[0].codecs["0"] == Codec(
            "opus", 48000, 2
        )

    @pytest.mark.parametrize(
        ("text", "codec"),
        [
            ("opus/48000/2", Codec("opus", 48000, 2)),
            ("OPUS/48000/2", Codec("opus", 48000, 2)),
            ("PCMU/8000", Codec("pcmu", 8000, 1)),
            ("opus", None),
            ("/8000", None),
            ("opus/fast", None),
            ("opus/48000/two", None),
            ("opus/48000/2/1", None),
            ("", None),
        ],
    )
    def test_codec(self, text: str, codec: Codec | None) -> None:
        assert read_codec(text) == codec

    def test_codec_as_text(self) -> None:
        assert [str(Codec("opus", 48000, 2)), str(Codec("pcmu", 8000))] == ["opus/48000/2", "pcmu/8000"]


class TestCandidates:
    def test_fields(self) -> None:
        udp, tcp = parse(CHROMIUM_GATHERED).media[0].candidates
        assert (udp.transport, udp.port, udp.type, udp.tcptype) == ("udp", 53210, "host", "")
        assert udp.address.endswith(".local")
        assert (tcp.transport, tcp.address, tcp.port, tcp.tcptype) == ("tcp", "192.0.2.33", 9, "active")

    def test_a_redacted_foundation_is_sound(self) -> None:
        assert read_candidate("[redacted:3:32:ice] 1 udp 1 192.0.2.1 9 typ host").problem == ""

    @pytest.mark.parametrize(
        "text",
        [
            "1 1 udp 2130706431 192.0.2.1 3478 typ host",
            "1 1 UDP 2130706431 2001:db8::1 3478 typ srflx raddr 192.0.2.9 rport 1000",
            "842163049 1 udp 1677729535 192.0.2.1 46154 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag abcd network-id 1",
            "1 2 tcp 1518280447 192.0.2.1 443 typ host tcptype passive",
            "1 256 udp 1 host.example 0 typ prflx",
        ],
    )
    def test_legal(self, text: str) -> None:
        assert read_candidate(text).problem == ""

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("", "eight"),
            ("1 1 udp 1 192.0.2.1 3478 typ", "eight"),
            ("1_ 1 udp 1 192.0.2.1 3478 typ host", "foundation"),
            ("1" * 33 + " 1 udp 1 192.0.2.1 3478 typ host", "foundation"),
            ("1 0 udp 1 192.0.2.1 3478 typ host", "component"),
            ("1 257 udp 1 192.0.2.1 3478 typ host", "component"),
            ("1 1 udp 0 192.0.2.1 3478 typ host", "priority"),
            ("1 1 udp 2147483648 192.0.2.1 3478 typ host", "priority"),
            ("1 1 udp 1 192.0.2.1 65536 typ host", "port"),
            ("1 1 udp 1 192.0.2.1 -1 typ host", "port"),
            ("1 1 udp 1 192.0.2.1 3478 type host", "'typ'"),
            ("1 1 udp 1 192.0.2.1 3478 typ phone", "type"),
            ("1 1 udp 1 192.0.2.1 3478 typ host generation", "extension"),
            ("1 1 tcp 1 192.0.2.1 443 typ host", "tcptype"),
            ("1 1 tcp 1 192.0.2.1 443 typ host tcptype sideways", "tcptype"),
        ],
    )
    def test_illegal(self, text: str, problem: str) -> None:
        assert problem in read_candidate(text).problem


class TestFingerprints:
    SHA1 = ":".join(["AB"] * 20)

    def test_legal(self) -> None:
        assert read_fingerprint(f"SHA-1 {self.SHA1.lower()}") == Fingerprint("sha-1", self.SHA1)
        assert [one.hash for one in parse(AIORTC).media[0].fingerprints] == ["sha-256", "sha-384", "sha-512"]
        assert read_fingerprint("sha3-256 AB:CD").problem == ""

    @pytest.mark.parametrize(
        ("text", "problem"),
        [("", "pairs of hex"), ("sha-256", "pairs of hex"), ("sha-256 GG", "pairs of hex"), ("sha-256 AB:", "pairs of hex"),
         ("sha-256 ABCD", "pairs of hex"), ("sha-256 AB:CD", "2 octets where sha-256 has 32")],
    )  # fmt: skip
    def test_illegal(self, text: str, problem: str) -> None:
        assert problem in read_fingerprint(text).problem


class TestProblems:
    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            ("", 1, "empty"),
            ("v=0\n", 1, "LF alone"),
            ("v=0\r\ns=-\no=x\r\n", 2, "LF alone"),
            ("v=0\r\ns=-", 2, "last line"),
            ("s=-\r\n", 1, "not v=0"),
            ("v=0\r\n\r\ns=-\r\n", 2, "empty line"),
            ("v=0\r\nsendrecv\r\n", 2, "x=value"),
            ("v=0\r\ny=1\r\n", 2, "unknown line type 'y'"),
            ("v=0\r\na=:x\r\n", 2, "without a name"),
            ("v=0\r\nm=audio 9 RTP/AVP\r\n", 2, "needs media, port, proto and a format"),
            ("v=0\r\nm=audio nine RTP/AVP 0\r\n", 2, "not a port"),
            ("v=0\r\nm=audio 70000 RTP/AVP 0\r\n", 2, "not a port"),
            ("v=0\r\nm=audio 9 RTP/AVP 96\r\na=rtpmap:96 opus\r\n", 3, "rtpmap"),
            ('{"type": "offer"}', 1, "x=value"),
        ],
    )
    def test_are_listed_with_their_line(self, text: str, line: int, words: str) -> None:
        found = [problem for problem in parse(text).problems if words in problem.text]
        assert [problem.line for problem in found] == [line]
        assert str(found[0]).startswith(f"line {line}: ")

    def test_one_bad_line_does_not_hide_the_rest(self) -> None:
        parsed = parse(edited(OPENAI_ANSWER, "^a=rtcp-mux", "rtcp-mux"))
        assert len(parsed.problems) == 1
        assert len(parsed.media) == 2
        assert parsed.media[1].get("sctp-port") == "5000"

    def test_bare_line_feeds_are_read_all_the_same(self) -> None:
        loose = parse(CHROMIUM.replace("\r\n", "\n"))
        assert [media.attributes for media in loose.media] == [media.attributes for media in parse(CHROMIUM).media]
        assert len(loose.problems) == 1

    def test_a_number_of_ports_is_allowed(self) -> None:
        assert parse("v=0\r\nm=audio 49170/2 RTP/AVP 0\r\n").media[0].port == 49170

    def test_what_is_no_sdp_at_all(self) -> None:
        assert not parse('{"error": {}}').looks_like_sdp
        assert not parse("").looks_like_sdp
        assert parse("v=1").looks_like_sdp


class TestAnything:
    @given(st.text(max_size=200))
    def test_any_text(self, text: str) -> None:
        exhaust(parse(text))

    @given(st.lists(lines | fragments | st.text(max_size=10), max_size=20))
    def test_any_mixture_of_lines(self, parts: list[str]) -> None:
        exhaust(parse("".join(parts)))

    @given(st.sampled_from(sorted(ALL)), st.data())
    def test_any_damage(self, name: str, data: st.DataObject) -> None:
        text = ALL[name]
        at = data.draw(st.integers(0, len(text)))
        length = data.draw(st.integers(0, 40))
        exhaust(parse(text[:at] + data.draw(st.text(max_size=5)) + text[at + length :]))

    @given(st.text())
    def test_problems_are_in_order_of_lines(self, text: str) -> None:
        numbers = [problem.line for problem in parse(text).problems]
        assert numbers == sorted(numbers)
        assert all(number >= 1 for number in numbers)

    @given(st.text(max_size=10))
    def test_numbers_are_ascii_digits_or_nothing(self, text: str) -> None:
        number = integer(text)
        assert (number is not None) == (text.isascii() and text.isdigit())

    def test_numbers_are_bounded(self) -> None:
        assert integer("9" * 20) == int("9" * 20)
        assert integer("9" * 5000) is None

    @given(st.text() | st.text(min_size=61))
    def test_shortened_text_is_short(self, text: str) -> None:
        assert len(short(text)) <= 60
        assert short(text) == text if len(text) <= 60 else short(text).endswith("...")
