"""What the proxy hands on is what came: messages, channels, requests and answers, octet by octet, but for the addresses."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from aiortc import RTCDataChannel

from harness.client.bodies import call_form
from harness.protocol.dialects import DIALECTS
from harness.running import clock
from harness.webrtc.peer import InvalidText
from tests.client.service import Service
from tests.peers import End
from tests.proxying.relay import Relay, relaying

BEHIND = "http://127.0.0.1:9/gateway"
CALLS, KEYS = "/openai/v1/realtime/calls", "/openai/v1/realtime/client_secrets"
Answer = Callable[[httpx.Request], Awaitable[httpx.Response]]


def relayed(out: Path, act: Callable[[Relay, httpx.AsyncClient], Any], stand_in: Callable[[], Answer]) -> Relay:
    """The relay after ``act``, with a stand-in for the service behind a gateway's path."""

    async def main() -> Relay:
        async with (
            relaying(out, to=BEHIND, stand_in=stand_in()) as relay,
            httpx.AsyncClient(trust_env=False, base_url=relay.url) as http,
        ):
            await act(relay, http)
        return relay

    return clock.run(main, time="virtual")


async def settle() -> None:
    await asyncio.sleep(0.5)


def test_channels_and_messages_both_ways(tmp_path: Path) -> None:
    back: list[str | bytes] = []
    sent: list[str | bytes] = ["text", "", "ünï ☎", b"\x00\xff", b"", "x" * 70_000, '{"type": "x"}']
    made: list[Service] = []
    opened: list[RTCDataChannel] = []

    def stand_in() -> Service:
        made.append(Service(asyncio.get_running_loop().time))
        return made[0]

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        end = End("client")
        end.peer.on_channel = opened.append
        try:
            mine = end.peer.create_channel("any label", protocol="p1", ordered=False, maxRetransmits=3, id=7)
            mine.on("message", back.append)
            answer = await http.post(CALLS, content=await end.peer.offer(), headers={"content-type": "application/sdp"})
            await end.peer.accept_answer(answer.text)
            await end.peer.wait_connected(10)
            await settle()
            (service,) = made
            there = service.channel
            assert there is not None
            assert (there.label, there.protocol, there.ordered, there.maxRetransmits, there.id) == (
                "any label",
                "p1",
                False,
                3,
                7,
            )
            for message in sent:
                mine.send(message)
                there.send(message)
                await settle()
            assert service.received == sent
            assert back == sent
            second = service.peer.create_channel("from the service") if service.peer else None
            await settle()
            assert second is not None
            assert [(one.label, one.id) for one in opened] == [("from the service", second.id)]
            mine.close()
            await settle()
            assert there.readyState == "closed"
        finally:
            await end.peer.close()
            await made[0].close()

    relay = relayed(tmp_path, act, stand_in)
    client, service = relay.traces().values()
    assert len(client.of("event.undecodable")) == len(service.of("event.undecodable")) == 2 * (len(sent) - 1)
    created = [
        (one.data["label"], one.data["by"], one.data.get("relayed", False)) for one in service.of("channel.created")
    ]
    assert created == [("any label", "client", True), ("from the service", "service", False)]


def test_text_that_is_no_utf8_stays_text(tmp_path: Path) -> None:
    made: list[Service] = []

    def stand_in() -> Service:
        made.append(Service(asyncio.get_running_loop().time))
        return made[0]

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        end = End("client")
        try:
            mine = end.peer.create_channel("realtime-channel")
            answer = await http.post(CALLS, content=await end.peer.offer(), headers={"content-type": "application/sdp"})
            await end.peer.accept_answer(answer.text)
            await end.peer.wait_connected(10)
            await settle()

            class Broken(str):
                def encode(self, *_: Any) -> bytes:
                    return b"\xff{}"

            mine.send(Broken("x"))
            await settle()
            (message,) = made[0].received
            assert isinstance(message, InvalidText)
            assert message == b"\xff{}"
        finally:
            await end.peer.close()
            await made[0].close()

    relayed(tmp_path, act, stand_in)


class Recorded:
    """Answers every request alike, and keeps what came."""

    def __init__(self, *answers: httpx.Response) -> None:
        self.requests: list[httpx.Request] = []
        self._answers = list(answers)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._answers[min(len(self.requests), len(self._answers)) - 1]


def exchanged(
    tmp_path: Path, method: str, path: str, answer: httpx.Response, **request: Any
) -> tuple[httpx.Request, httpx.Response]:
    """The request as the service got it, and the answer as the client did."""
    service = Recorded(answer)
    got: list[httpx.Response] = []

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        async with http.stream(method, path, **request) as response:
            raw = b"".join([chunk async for chunk in response.aiter_raw()])
            got.append(httpx.Response(response.status_code, headers=response.headers.raw, stream=httpx.ByteStream(raw)))
            got[0].extensions["raw"] = raw

    relayed(tmp_path, act, lambda: service)
    return service.requests[0], got[0]


def test_a_request_and_its_refusal_pass_as_they_are(tmp_path: Path) -> None:
    body = b'{"error": {"message": "slow down",  "code": "429"}}\n'
    answer = httpx.Response(
        429,
        headers=[("content-type", "application/json"), ("retry-after", "7"), ("x-ms-thing", "a"), ("set-cookie", "a=1"), ("set-cookie", "b=2"), ("connection", "x-hop"), ("x-hop", "1")],
        content=body,
    )  # fmt: skip
    asked = {
        "api-key": "a-key-of-the-client-0123", "content-type": "application/json; charset=utf-8", "user-agent": "an app/1.0",
        "accept": "*/*", "accept-encoding": "gzip, br, zstd", "x-own": "ä".encode("latin-1"), "te": "trailers", "connection": "x-mine", "x-mine": "1",
    }  # fmt: skip
    sent = b'{ "session" : {"type":"realtime"} }'
    request, response = exchanged(tmp_path, "POST", f"{KEYS}?api-version=1&x=%20y", answer, headers=asked, content=sent)
    assert str(request.url) == f"{BEHIND}{KEYS}?api-version=1&x=%20y"
    assert request.content == sent
    headers = {name.decode(): value for name, value in request.headers.raw}
    assert headers == {
        "host": b"127.0.0.1:9", "api-key": b"a-key-of-the-client-0123", "content-type": b"application/json; charset=utf-8",
        "user-agent": b"an app/1.0", "accept": b"*/*", "accept-encoding": b"gzip", "x-own": b"\xe4", "Content-Length": b"35",
    }  # fmt: skip
    assert response.status_code == 429
    assert response.extensions["raw"] == body
    assert response.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert (response.headers["retry-after"], response.headers["x-ms-thing"]) == ("7", "a")
    assert "x-hop" not in response.headers


def test_a_coded_answer_passes_coded_and_is_recorded_in_clear(tmp_path: Path) -> None:
    body = gzip.compress(b'{"value": "ek_of_nobody_0123456789", "expires_at": 1}')
    answer = httpx.Response(
        200, headers={"content-type": "application/json", "content-encoding": "gzip"}, stream=httpx.ByteStream(body)
    )
    _, response = exchanged(tmp_path, "POST", KEYS, answer, content=b"{}")
    assert response.extensions["raw"] == body
    text = (tmp_path / "traces" / "call-0001.client.azure-ga.ndjson").read_text()
    assert '"expires_at":1' in text
    assert "ek_of_nobody" not in text


@pytest.mark.parametrize(
    ("location", "seen"),
    [
        (f"{BEHIND}{CALLS}/rtc_1", "{url}" + f"{CALLS}/rtc_1"),
        (f"/gateway{CALLS}/rtc_1", f"{CALLS}/rtc_1"),
        (f"{CALLS}/rtc_1", f"{CALLS}/rtc_1"),
        ("https://elsewhere.example/rtc_1", "https://elsewhere.example/rtc_1"),
    ],
)
def test_a_location_leads_back_to_the_proxy(tmp_path: Path, location: str, seen: str) -> None:
    found: list[str] = []

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        response = await http.post(KEYS, content=b"{}")
        found.append(response.headers["location"].replace(relay.url, "{url}"))

    relayed(tmp_path, act, lambda: Recorded(httpx.Response(302, headers={"location": location})))
    assert found == [seen]


def test_a_form_keeps_its_shape_and_its_session(tmp_path: Path) -> None:
    service = Recorded(httpx.Response(400, json={"error": {"message": "no"}}))

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        end = End("client")
        end.peer.create_channel("oai-events")
        offer = await end.peer.offer()
        content, kind = call_form(DIALECTS["azure-ga"], "gpt-realtime", {"instructions": "Be brief."}, offer)
        response = await http.post(CALLS, content=content, headers={"content-type": kind})
        await end.peer.close()
        assert response.json() == {"error": {"message": "no"}}
        (request,) = service.requests
        assert request.headers["content-type"] == kind
        got = request.content.decode()
        assert offer not in got
        begin, end_ = content.index("v=0"), content.index("v=0") + len(offer)
        assert got.startswith(content[:begin])
        assert got.endswith(content[end_:])
        assert [line.split()[0] for line in got.splitlines() if line.startswith("m=")] == ["m=audio", "m=application"]

    relay = relayed(tmp_path, act, lambda: service)
    client, service_leg = relay.traces().values()
    assert service_leg.of("http.request")[0].data["body"].count("Be brief.") == 1
    assert [one.kind for one in client.of("sdp")] == ["sdp.offer"]


def test_what_is_no_offer_is_for_the_service_to_refuse(tmp_path: Path) -> None:
    answer = httpx.Response(400, json={"error": {"message": "Failed to parse SDP"}})
    request, response = exchanged(
        tmp_path, "POST", CALLS, answer, content=b"v=0\r\nnonsense", headers={"content-type": "application/sdp"}
    )
    assert request.content == b"v=0\r\nnonsense"
    assert response.status_code == 400


def test_a_page_that_is_shown_is_nobodys_call(tmp_path: Path) -> None:
    _, response = exchanged(tmp_path, "GET", "/", httpx.Response(200, html="<p>hello"))
    assert response.extensions["raw"] == b"<p>hello"
    assert not (tmp_path / "traces").exists()


def test_an_answer_that_cannot_be_taken_is_told(tmp_path: Path) -> None:
    made: list[Service] = []

    def stand_in() -> Service:
        made.append(
            Service(asyncio.get_running_loop().time, edit_answer=lambda sdp: sdp.replace("a=fingerprint:", "a=x:"))
        )
        return made[0]

    async def act(relay: Relay, http: httpx.AsyncClient) -> None:
        end = End("client")
        end.peer.create_channel("realtime-channel")
        answer = await http.post(CALLS, content=await end.peer.offer(), headers={"content-type": "application/sdp"})
        await end.peer.close()
        await made[0].close()
        assert answer.status_code == 502
        error = answer.json()["error"]
        assert error["code"] == "not_relayed"
        assert "the service's SDP answer cannot be taken: its m=" in error["message"]

    relay = relayed(tmp_path, act, stand_in)
    client, service = relay.traces().values()
    assert len(service.of("sdp.rejected")) == 1
    assert service.first("harness.error") is not None
    assert client.first("sdp.answer") is None
    assert relay.results[1].verdict == "nonconformant"
