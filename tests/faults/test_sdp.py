"""Rewrites of SDP texts."""

from __future__ import annotations

import pytest

from harness.faults.sdp import Rewrite, line, more, other_certificate, sections

SDP = "v=0\r\na=group:BUNDLE 0 1\r\nm=audio 9 X 96\r\na=mid:0\r\nm=application 9 Y z\r\na=mid:1\r\n"


@pytest.mark.parametrize(
    ("rewrite", "expected"),
    [
        (line(r"^a=mid:", ""), SDP.replace("a=mid:0\r\n", "").replace("a=mid:1\r\n", "")),
        (line(r"^a=mid:.*", "a=mid:x", count=1), SDP.replace("a=mid:0", "a=mid:x")),
        (line(r"^a=mid:.*", "a=mid:x", section="application"), SDP.replace("a=mid:1", "a=mid:x")),
        (line("nothing", ""), SDP),
        (more("a=new"), SDP.replace("a=mid:0\r\n", "a=mid:0\r\na=new\r\n")),
        (more("a=new", section="application"), SDP + "a=new\r\n"),
        (sections(lambda media: media[:1]), SDP[: SDP.index("m=application")]),
    ],
)
def test_rewrites(rewrite: Rewrite, expected: str) -> None:
    assert rewrite(SDP) == expected


@pytest.mark.parametrize("first", ["00", "AB"])
def test_the_fingerprint_of_no_certificate_differs_from_each(first: str) -> None:
    """Also from one that begins with the same byte: the difference is in all of them."""
    sdp = f"{SDP}a=fingerprint:sha-256 {first}:12:34\r\n"
    assert other_certificate(sdp) == f"{SDP}a=fingerprint:sha-256 {':'.join(['00'] * 32)}\r\n"
