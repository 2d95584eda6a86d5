import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from harness.client.call import Call
from harness.diagnosis import Case, diagnose
from harness.errors import (
    CallError,
    CallRequestFailed,
    ChannelNeverOpened,
    ConnectionLost,
    OfferFailed,
    TokenRequestFailed,
    UsageError,
)
from harness.media.track import OutgoingAudio
from harness.rules.support.milestones import milestones
from harness.running import clock
from harness.scenario.model import Caller, IceServer
from harness.targets.endpoints import fake_endpoints
from harness.trace import Entry, Header, Recorder, Trace
from harness.webrtc.peer import InvalidText, Peer
from tests.client.service import BETA_TOKEN, EPHEMERAL, GA_TOKEN, KEY, Service

Talk = Callable[[Call, Service], Awaitable[None]]


async def hang_up(call: Call, service: Service) -> None:
    await call.close()


def make_call(
    talk: Talk = hang_up,
    *,
    dialect: str = "azure-ga",
    session: dict[str, Any] | None = None,
    caller: Caller | None = None,
    handler: Callable[[Service, httpx.Request], httpx.Response | None] = lambda service, request: None,
    peer: Callable[..., Peer] = Peer,
    service_options: dict[str, Any] | None = None,
) -> tuple[Trace, Service, CallError | UsageError | None]:
    """A call in virtual time against the stand-in service; its trace, the service, and the error that ended it."""

    async def main() -> tuple[Trace, Service, CallError | UsageError | None]:
        loop = asyncio.get_running_loop()
        service = Service(loop.time, **(service_options or {}))

        async def serve(request: httpx.Request) -> httpx.Response:
            answer = handler(service, request)
            if answer is not None:
                service.requests.append(request)
                return answer
            return await service(request)

        recorder = Recorder(Header("client", dialect), loop.time)
        failure: CallError | UsageError | None = None
        async with httpx.AsyncClient(transport=httpx.MockTransport(serve)) as http:
            call = Call(
                fake_endpoints(dialect, "http://127.0.0.1:4711", api_key=KEY),
                recorder,
                session=session or {},
                caller=caller or Caller(),
                track=OutgoingAudio(),
                http=http,
                peer=peer,
            )
            try:
                await call.open()
                await talk(call, service)
            except (CallError, UsageError) as error:
                failure = error
            finally:
                await call.close()
                await service.close()
        return recorder.close(), service, failure

    trace, service, failure = clock.run(main, time="virtual")
    for secret in (KEY, EPHEMERAL):
        assert secret not in "".join(trace.lines())
        assert secret not in str(failure)
    return trace, service, failure


def kinds(trace: Trace, *planes: str) -> list[str]:
    return [entry.kind for entry in trace.entries if entry.plane in planes]


class TestTheOrder:
    def test_of_a_call_in_ga(self) -> None:
        trace, service, failure = make_call(session={"voice": "alloy", "temperature": 0.8})
        assert failure is None
        assert kinds(trace, "harness", "http", "sdp", "channel", "event") == [
            "harness.config",
            "harness.note",
            "http.request",
            "http.response",
            "channel.created",
            "sdp.offer",
            "http.request",
            "http.response",
            "sdp.answer",
            "channel.dcep",
            "channel.dcep",
            "channel.open",
            "event.sent",
            "http.request",
            "http.response",
            "channel.closed",
        ]
        reached = milestones(trace)
        order = [reached[name] for name in ("key", "offer", "answer", "channel-open", "session.update")]
        assert None not in order
        assert order == sorted(order)  # type: ignore[type-var]
        key, call, hangup = service.requests
        assert key.headers["api-key"] == KEY
        assert call.headers["authorization"] == f"Bearer {EPHEMERAL}"
        assert call.headers["content-type"] == "application/sdp"
        assert "api-key" not in call.headers
        assert hangup.url.path == "/openai/v1/realtime/calls/rtc_42/hangup"
        assert hangup.headers["api-key"] == KEY

    def test_the_data_channel_is_in_the_first_offer(self) -> None:
        trace, service, _ = make_call()
        offer = trace.of("sdp.offer")[0].data["sdp"]
        assert offer.count("m=application ") == 1
        assert offer.count("m=audio ") == 1
        assert service.requests[1].content.decode().startswith("v=0\r\n")

    def test_a_channel_that_is_created_too_late_is_not_in_the_offer(self) -> None:
        def refuse(service: Service, request: httpx.Request) -> httpx.Response | None:
            late = request.url.path.endswith("/calls") and b"m=application" not in request.content
            return httpx.Response(400, json={"error": {"code": "invalid_offer", "message": "x"}}) if late else None

        trace, _, failure = make_call(caller=Caller(channel="after-offer"), handler=refuse)
        assert kinds(trace, "sdp", "channel")[:2] == ["sdp.offer", "channel.created"]
        assert isinstance(failure, CallRequestFailed)

    def test_of_the_seeds_session_in_the_preview(self) -> None:
        session = {"instructions": "Be kind.", "voice": "alloy", "temperature": 0.8, "max_output_tokens": 4096}
        trace, service, failure = make_call(
            dialect="azure-preview", session=session, service_options={"token": BETA_TOKEN, "call_headers": {}}
        )
        assert failure is None
        wire = {"instructions": "Be kind.", "voice": "alloy", "temperature": 0.8, "max_response_output_tokens": 4096}
        assert service.bodies == [{"model": "gpt-4o-realtime-preview", **wire}]
        assert service.requests[0].url.query == b"api-version=2025-04-01-preview"
        assert service.requests[1].headers["host"] == "eastus2.localhost:4711"
        assert [json.loads(message) for message in service.received] == [{"type": "session.update", "session": wire}]
        assert [entry.data["text"] for entry in trace.of("harness.note")] == [
            "session.max_output_tokens sent as max_response_output_tokens"
        ]
        assert len(service.requests) == 2, "the preview has no hang-up request"

    def test_the_configuration_is_recorded_first(self) -> None:
        caller = Caller(model="my-deployment", ice_servers=[IceServer(urls="stun:s.example:3478", credential="turnpw")])
        trace, _, _ = make_call(dialect="azure-preview", caller=caller, service_options={"token": BETA_TOKEN})
        first = trace.entries[0]
        assert first.kind == "harness.config"
        assert first.data == {
            "dialect": "azure-preview",
            "resource": "fake",
            "deployment": "my-deployment",
            "api_version": "2025-04-01-preview",
            "region": "eastus2",
            "auth": "api-key",
            "key_url": "http://127.0.0.1:4711/openai/realtimeapi/sessions?api-version=2025-04-01-preview",
            "call_url": "http://127.0.0.1:4711/v1/realtimertc?model=my-deployment",
            "label": "realtime-channel",
            "ice_servers": [],
        }

    def test_without_update_on_open_nothing_is_sent(self) -> None:
        trace, _, failure = make_call(caller=Caller(update_on_open=False))
        assert failure is None
        assert trace.of("event.sent") == ()

    def test_the_key_is_kept_as_long_as_asked(self) -> None:
        trace, _, _ = make_call(caller=Caller(key_age="70s"))  # type: ignore[arg-type]
        key, call = [entry for entry in trace.of("http.request") if entry.data["step"] in ("key", "call")]
        assert call.t - key.t == pytest.approx(70.0)

    def test_a_transcription_session_has_its_own_endpoint(self) -> None:
        _, service, _ = make_call(
            dialect="openai-beta",
            session={"type": "transcription"},
            service_options={"token": BETA_TOKEN},
            handler=lambda service, request: httpx.Response(404) if request.url.path == "/v1/realtime" else None,
        )
        assert service.requests[0].url.path == "/v1/realtime/transcription_sessions"


def refusing(part: str, response: httpx.Response) -> Callable[[Service, httpx.Request], httpx.Response | None]:
    return lambda service, request: response if request.url.path.endswith(part) else None


def told_of(trace: Trace, failure: CallError) -> str:
    """What a person is told: the error with its facts, then the first cause with its fix."""
    data = {
        "error": type(failure).__name__,
        "step": failure.step,
        "what": failure.what,
        "seen": failure.seen,
        "fix": "",
    }
    end = Entry(len(trace.entries), trace.seconds, "harness.error", data)
    found = diagnose(Case(Trace(trace.header, (*trace.entries, end), "failed")))[0]
    return f"{failure}\n{found.cause}\n{found.fix}"


HTML = httpx.Response(200, html="<!doctype html><title>Sign in</title>")


class TestTheTokenRequestFails:
    @pytest.mark.parametrize(
        ("response", "what", "fix"),
        [
            (httpx.Response(401, json={"error": {"code": "401", "message": f"bad key {KEY}"}}), "does not accept the API key", "AZURE_OPENAI_REALTIME_KEY"),
            (httpx.Response(404, json={"error": {"code": "DeploymentNotFound", "message": "x"}}), "The deployment was called 'gpt-realtime'", "upper and lower case"),
            (httpx.Response(403, text="Forbidden"), "does not let it in", "network rules"),
            (httpx.Response(302, headers={"location": "https://login.example/?key=abcdefgh"}), "leads to https://login.example/", "own https address"),
            (httpx.Response(429, headers={"retry-after": "30"}), "rate limit", "wait for 30 s"),
            (httpx.Response(500, text="oops"), "itself failed", "back-off"),
            (httpx.Response(418, text="teapot"), "refuses what the token request asks for", "message and param"),
            (HTML, "a web page, not JSON", "login page"),
            (httpx.Response(200, text=""), "is empty", "gateway"),
            (httpx.Response(204), "is empty", "gateway"),
            (httpx.Response(200, text="ok"), "not a JSON object", "Realtime API"),
            (httpx.Response(200, json={"value": None}), "no key at value", "dialect"),
            (httpx.Response(200, json=BETA_TOKEN), "at client_secret.value, not at value", "azure-preview"),
        ],
    )  # fmt: skip
    def test_at_the_key_with_status_meaning_and_fix(self, response: httpx.Response, what: str, fix: str) -> None:
        trace, _, failure = make_call(handler=refusing("client_secrets", response))
        assert isinstance(failure, TokenRequestFailed)
        told = told_of(trace, failure)
        assert what in told
        assert fix in told
        assert failure.status == response.status_code
        assert f"HTTP {response.status_code}" in failure.seen
        assert "abcdefgh" not in told
        assert trace.of("channel.created") == ()
        assert trace.of("sdp.offer") == ()

    def test_a_short_rate_limit_is_waited_for(self) -> None:
        answers = [httpx.Response(429, headers={"retry-after-ms": "1500"}), httpx.Response(200, json=GA_TOKEN)]

        def handler(service: Service, request: httpx.Request) -> httpx.Response | None:
            return answers.pop(0) if request.url.path.endswith("client_secrets") else None

        trace, _, failure = make_call(handler=handler)
        assert failure is None
        assert milestones(trace)["key"] == 1.5

    def test_no_connection(self) -> None:
        def handler(service: Service, request: httpx.Request) -> httpx.Response | None:
            raise httpx.ConnectError("x") from ConnectionRefusedError(111, "refused")

        trace, _, failure = make_call(handler=handler)
        assert isinstance(failure, TokenRequestFailed)
        assert failure.what == "127.0.0.1:4711 refuses the connection"
        assert kinds(trace, "http") == ["http.request", "http.failed"]

    def test_a_key_that_no_header_can_carry(self) -> None:
        trace, _, failure = make_call(caller=Caller(api_key="wrong\nkey-here"))
        assert isinstance(failure, TokenRequestFailed)
        assert "key-here" not in str(failure)
        assert "key-here" not in "".join(trace.lines())


class TestTheCallRequestFails:
    @pytest.mark.parametrize(
        ("response", "what", "fix"),
        [
            (httpx.Response(401, json={"error": {"code": "Unauthorized", "message": f"key {EPHEMERAL} has expired"}}), "had expired", "right before the offer"),
            (httpx.Response(400, json={"error": {"code": "invalid_offer", "message": "x"}}), "refuses the SDP offer", "one data channel"),
            (httpx.Response(307, headers={"location": "/elsewhere"}), "leads to /elsewhere", "own https address"),
            (httpx.Response(503), "itself failed", "back-off"),
            (HTML, "a web page, not SDP", "login page"),
            (httpx.Response(201, json={"sdp": "v=0"}), "JSON, not SDP", "not wrapped in JSON"),
            (httpx.Response(201, text="v=0\r\nm=application 9 x\r\n"), "no audio section", "RFC 9429"),
            (httpx.Response(201), "is empty", "gateway"),
            (httpx.Response(201, text="v=0\r\nm=audio nonsense\r\n"), "the SDP answer is refused", "RFC 9429"),
        ],
    )  # fmt: skip
    def test_at_the_answer_with_status_meaning_and_fix(self, response: httpx.Response, what: str, fix: str) -> None:
        trace, _, failure = make_call(handler=refusing("/calls", response))
        assert isinstance(failure, CallRequestFailed)
        assert failure.step == "answer"
        told = told_of(trace, failure)
        assert what in told
        assert fix in told
        assert trace.of("sdp.answer") == ()
        assert trace.of("channel.open") == ()
        succeeded = 200 <= response.status_code < 300
        assert len(trace.of("sdp.rejected")) == (1 if succeeded else 0)
        assert trace.entries[-1].kind != "event.sent"

    def test_in_the_wrong_region(self) -> None:
        trace, _, failure = make_call(
            dialect="azure-preview",
            caller=Caller(region="eastus"),
            service_options={"token": BETA_TOKEN},
            handler=refusing("/realtimertc", httpx.Response(404, text="region not available")),
        )
        assert isinstance(failure, CallRequestFailed)
        told = told_of(trace, failure)
        assert "The region is eastus." in told
        assert "eastus2 and swedencentral only" in told
        assert any("eastus is no region" in entry.data["text"] for entry in trace.of("harness.note"))

    def test_an_answer_to_another_offer_is_refused_by_the_stack(self) -> None:
        def without_a_role(sdp: str) -> str:
            return sdp.replace("a=setup:active", "a=setup:nonsense")

        trace, _, failure = make_call(service_options={"edit_answer": without_a_role})
        assert isinstance(failure, CallRequestFailed)
        assert "the SDP answer is refused" in failure.what
        assert failure.seen.startswith("v=0")
        assert trace.of("sdp.rejected")[0].data["reason"]


class TestTheOfferFails:
    def test_with_an_ice_server_that_is_none(self) -> None:
        def refuse(*arguments: Any, **options: Any) -> Peer:
            raise ValueError("malformed uri")

        _, _, failure = make_call(peer=refuse)
        assert isinstance(failure, OfferFailed)
        assert "malformed uri" in failure.what
        assert "stun:host:port" in failure.fix

    @pytest.mark.parametrize(
        ("raises", "what"),
        [
            (None, "no offer within 15 s: gathering candidates does not end"),
            (OSError("no network"), "OSError: no network"),
        ],
    )
    def test_where_gathering_does_not_end_or_breaks(self, raises: Exception | None, what: str) -> None:
        class Stuck(Peer):
            async def offer(self) -> str:
                if raises is not None:
                    raise raises
                await asyncio.sleep(1000)
                return ""

        _, _, failure = make_call(peer=Stuck)
        assert isinstance(failure, OfferFailed)
        assert what in failure.what
        assert failure.seen == "ICE new, DTLS new, connection new"


class TestTheChannelNeverOpens:
    def test_in_time(self) -> None:
        def with_another_password(sdp: str) -> str:
            return re.sub(r"a=ice-pwd:.*", "a=ice-pwd:" + "x" * 22, sdp)

        trace, service, failure = make_call(
            caller=Caller(timeout="2s"),  # type: ignore[arg-type]
            service_options={"edit_answer": with_another_password},
        )
        assert isinstance(failure, ChannelNeverOpened)
        assert failure.what == "the data channel did not open within 2 s"
        assert failure.seen.startswith("ICE checking, DTLS new")
        assert "UDP" in failure.fix
        assert len(trace.of("sdp.answer")) == 1
        assert trace.of("channel.closed") == ()
        assert service.requests[-1].url.path.endswith("/hangup"), "a call that had been made is hung up"

    def test_because_the_connection_breaks_first(self) -> None:
        class Broken(Peer):
            async def accept_answer(self, sdp: str) -> None:
                self.lost.set()

        _, _, failure = make_call(peer=Broken)
        assert isinstance(failure, ChannelNeverOpened)
        assert failure.what.startswith("the data channel did not open: the connection was lost")


class TestTalking:
    def test_events_both_ways_are_recorded_verbatim(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            assert service.channel is not None
            service.channel.send('{"type":"session.created","event_id":"e1","unknown":[null]}')
            await asyncio.sleep(0.1)
            call.send({"type": "response.create"})
            call.send_raw('{"type":"response.cancel"}')
            call.send_raw("nonsense")
            await asyncio.sleep(0.1)

        trace, service, failure = make_call(talk)
        assert failure is None
        (received,) = trace.of("event.received")
        assert received.event == {"type": "session.created", "event_id": "e1", "unknown": [None]}
        assert received.data["size"] == 59
        assert [entry.type for entry in trace.of("event.sent")] == [
            "session.update",
            "response.create",
            "response.cancel",
        ]
        assert service.received[1:] == ['{"type":"response.create"}', '{"type":"response.cancel"}', "nonsense"]
        (undecodable,) = trace.of("event.undecodable")
        assert undecodable.data["direction"] == "sent"

    def test_messages_that_are_no_events_are_recorded_as_such(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            assert service.channel is not None
            for message in ("[]", b'{"type":"error"}', "{}", '{"type":"error","x":NaN}', "[" * 5000):
                service.channel.send(message)
            await asyncio.sleep(0.1)

        trace, _, failure = make_call(talk)
        assert failure is None
        assert trace.of("event.received") == ()
        assert [(entry.data["binary"], entry.data["size"]) for entry in trace.of("event.undecodable")] == [
            (False, 2),
            (True, 16),
            (False, 2),
            (False, 24),
            (False, 5000),
        ]

    def test_text_that_is_not_utf8_is_told_from_a_binary_message(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            call._channel._channel.emit("message", InvalidText(b"\xff"))  # type: ignore[union-attr]

        trace, _, _ = make_call(talk)
        (entry,) = trace.of("event.undecodable")
        assert (entry.data["reason"], entry.data["binary"]) == ("a text message that is not UTF-8", False)

    def test_an_update_is_translated_and_noted(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            call.update({"voice": "marin", "temperature": 0.9})
            await asyncio.sleep(0.1)

        trace, service, _ = make_call(talk)
        assert json.loads(service.received[-1]) == {
            "type": "session.update",
            "session": {"type": "realtime", "audio": {"output": {"voice": "marin"}}},
        }
        assert trace.of("harness.note")[-1].data["about"] == "session.update"

    def test_a_message_larger_than_the_service_takes_is_a_usage_error(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            call.send_raw("x" * 300_000)

        trace, _, failure = make_call(talk)
        assert isinstance(failure, UsageError)
        assert "300000 bytes" in failure.what
        assert trace.of("event.undecodable") == ()

    def test_a_session_larger_than_the_service_takes_is_a_usage_error(self) -> None:
        _, _, failure = make_call(session={"instructions": "x" * 300_000})
        assert isinstance(failure, UsageError)

    def test_a_channel_that_the_service_opens_is_recorded(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            assert service.peer is not None
            channel = service.peer.create_channel("second")
            await asyncio.sleep(0.1)
            channel.send('{"type":"error"}')
            await asyncio.sleep(0.1)

        trace, _, _ = make_call(talk)
        assert [(entry.data["label"], entry.data["by"]) for entry in trace.of("channel.created")] == [
            ("realtime-channel", "client"),
            ("second", "service"),
        ]
        assert [entry.type for entry in trace.of("event.received")] == ["error"]


class TestTheEnd:
    def test_a_channel_closed_by_the_service_is_a_loss(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            assert service.channel is not None
            service.channel.close()
            async with asyncio.timeout(5):
                await call.lost.wait()
            assert call.ended.is_set()
            call.send({"type": "response.create"})

        trace, service, failure = make_call(talk)
        assert isinstance(failure, ConnectionLost)
        assert failure.what == "the service closed the data channel"
        assert failure.step == "session"
        assert len(trace.of("channel.closed")) == 1
        assert not service.requests[-1].url.path.endswith("/hangup"), "there is nothing left to hang up"

    def test_a_service_that_goes_away_is_a_loss(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            await service.close()
            async with asyncio.timeout(60):
                await call.lost.wait()
            raise call.gone()

        trace, _, failure = make_call(talk)
        assert isinstance(failure, ConnectionLost)
        assert "ICE" in failure.seen
        assert trace.of("event.sent")

    def test_after_a_hang_up_nothing_can_be_sent_and_nothing_was_lost(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            await call.close()
            assert call.ended.is_set()
            assert not call.lost.is_set()
            call.send({"type": "response.create"})

        _, _, failure = make_call(talk)
        assert isinstance(failure, ConnectionLost)
        assert failure.what == "the call has been hung up"

    def test_two_hang_ups_are_one(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            await asyncio.gather(call.close(), call.close())

        trace, service, failure = make_call(talk)
        assert failure is None
        assert [request.url.path for request in service.requests].count("/openai/v1/realtime/calls/rtc_42/hangup") == 1
        assert len(trace.of("channel.closed")) == 1

    @pytest.mark.parametrize(
        ("location", "refusal", "deleted"),
        [
            ("/v1/realtime/calls/rtc_42", httpx.Response(404), True),
            ("http://127.0.0.1:4711/v1/realtime/calls/rtc_42", httpx.Response(405), True),
            ("http://elsewhere.example/v1/realtime/calls/rtc_42", httpx.Response(404), False),
            ("https://127.0.0.1:4711/v1/realtime/calls/rtc_42", httpx.Response(404), False),
            ("/v1/realtime/calls/rtc_42", httpx.Response(500), False),
            ("/v1/realtime/calls/rtc_42", httpx.Response(404, json={"error": {"code": "call_id_not_found"}}), False),
        ],
    )
    def test_where_hang_up_is_unknown_the_location_is_deleted_and_the_key_goes_to_no_other_host(
        self, location: str, refusal: httpx.Response, deleted: bool
    ) -> None:
        options = {"call_headers": {"content-type": "application/sdp", "location": location}}
        _, service, failure = make_call(handler=refusing("/hangup", refusal), service_options=options)
        assert failure is None
        last = service.requests[-1]
        expected = (
            ("DELETE", "/v1/realtime/calls/rtc_42") if deleted else ("POST", "/openai/v1/realtime/calls/rtc_42/hangup")
        )
        assert (last.method, last.url.path) == expected
        assert {request.url.host for request in service.requests} == {"127.0.0.1"}

    @pytest.mark.parametrize("response", [httpx.Response(404), httpx.Response(500)])
    def test_a_hang_up_that_is_refused_is_recorded_and_no_error(self, response: httpx.Response) -> None:
        trace, _, failure = make_call(handler=refusing("/hangup", response))
        assert failure is None
        over = [one.data["status"] for one in trace.of("http.response") if one.data["step"] == "hangup"]
        assert over[0] == response.status_code

    def test_a_hang_up_without_answer_does_not_hold_up_the_end(self) -> None:
        def handler(service: Service, request: httpx.Request) -> httpx.Response | None:
            if request.url.path.endswith("/hangup"):
                raise httpx.ReadTimeout("x")
            return None

        trace, _, failure = make_call(handler=handler)
        assert failure is None
        assert trace.of("http.failed")[0].data["step"] == "hangup"
        assert len(trace.of("channel.closed")) == 1

    def test_both_directions_of_audio_are_captured(self) -> None:
        async def talk(call: Call, service: Service) -> None:
            await asyncio.sleep(0.5)

        trace, _, _ = make_call(talk)
        directions = {entry.data["direction"] for entry in trace.of("rtp.packets")}
        assert directions == {"sent", "received"}

    def test_the_label_is_the_dialects(self) -> None:
        _, service, _ = make_call(dialect="openai-ga")
        assert service.channel is not None
        assert service.channel.label == "oai-events"


def test_an_origin_that_is_no_header_ends_the_call_with_a_message() -> None:
    _, service, failure = make_call(caller=Caller(origin="https://пример.example"))
    assert isinstance(failure, CallRequestFailed)
    assert "origin header" in failure.what
    assert [request.method for request in service.requests] == ["POST"], "the key was minted, nothing more was sent"
