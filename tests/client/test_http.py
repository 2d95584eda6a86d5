import asyncio
import json
import ssl
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.client.http import LIMIT, Requests, Response, no_response, retry_pause, seen
from harness.errors import TokenRequestFailed, shorten
from harness.protocol.retry_after import retry_after
from harness.running import clock
from harness.trace import Header, Recorder
from harness.trace.redact import Redactor

URL = "http://service.example/openai/v1/realtime/client_secrets"
SECRET = "long-lived-key-0123456789"
Handler = Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]]


def post(handler: Handler, **options: Any) -> tuple[Response | TokenRequestFailed, Recorder]:
    """One POST in virtual time; the response or the error, and the recorder."""

    async def main() -> tuple[Response | TokenRequestFailed, Recorder]:
        recorder = Recorder(Header("client", "azure-ga"), asyncio.get_running_loop().time, redactor=Redactor([SECRET]))
        transport = httpx.MockTransport(handler)  # type: ignore[arg-type]
        async with httpx.AsyncClient(transport=transport) as client:
            requests = Requests(client, recorder, timeout=5.0)
            given_headers = {"api-key": SECRET, "content-type": "application/json"}
            try:
                response = await requests.post(
                    "key",
                    URL,
                    headers=options.pop("headers", given_headers),
                    content='{"session": {}}',
                    failed=TokenRequestFailed,
                    **options,
                )
            except TokenRequestFailed as error:
                return error, recorder
            return response, recorder

    outcome, recorder = clock.run(main, time="virtual")
    assert SECRET not in "".join(recorder.trace().lines())
    assert SECRET not in str(outcome)
    return outcome, recorder


def failing(error: Exception) -> Handler:
    def handler(request: httpx.Request) -> httpx.Response:
        raise error

    return handler


def caused(outer: Exception, inner: BaseException) -> Exception:
    outer.__cause__ = inner
    return outer


def test_request_and_response_are_recorded_without_secrets() -> None:
    body = {"value": "ephemeral-key-abcdefghij", "expires_at": 1}
    outcome, recorder = post(lambda request: httpx.Response(200, json=body), secrets=lambda found: [found["value"]])
    assert isinstance(outcome, Response)
    assert outcome.ok
    assert outcome.json
    assert outcome.body == body
    request, response = recorder.entries
    assert request.kind == "http.request"
    assert request.data["step"] == "key"
    assert request.data["url"] == URL
    assert request.data["body"] == {"session": {}}
    assert request.data["headers"]["api-key"] == "[redacted:1:25:text]"
    assert request.data["headers"]["content-type"] == "application/json"
    assert response.kind == "http.response"
    assert response.data["id"] == request.data["id"] == 1
    assert response.data["body"]["value"] == "[redacted:2:24:text]"
    assert response.seq == outcome.entry


def test_the_body_is_text_where_it_is_no_json() -> None:
    outcome, recorder = post(lambda request: httpx.Response(201, text="v=0\r\n"))
    assert isinstance(outcome, Response)
    assert (outcome.json, outcome.body, recorder.entries[1].data["body"]) == (False, "v=0\r\n", "v=0\r\n")


def test_a_body_nested_without_bottom_is_text() -> None:
    outcome, _ = post(lambda request: httpx.Response(200, text="[" * 100_000))
    assert isinstance(outcome, Response)
    assert not outcome.json


def test_no_more_is_read_than_the_limit() -> None:
    given_out = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            nonlocal given_out
            while True:
                given_out += 1 << 20
                yield b"x" * (1 << 20)

    outcome, recorder = post(lambda request: httpx.Response(200, stream=Endless()))
    assert isinstance(outcome, Response)
    assert outcome.truncated
    assert len(outcome.text) == LIMIT
    assert given_out <= LIMIT + (1 << 20)
    assert recorder.entries[1].data["truncated"] is True


def test_a_redirect_is_handed_back_not_followed() -> None:
    seen: list[str] = []

    def handler(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://elsewhere.example/"})

    outcome, _ = post(handler)
    assert isinstance(outcome, Response)
    assert outcome.status == 307
    assert seen == [URL]


class TestRetries:
    @pytest.mark.parametrize(
        ("status", "headers", "pause"),
        [
            (429, {"retry-after": "3"}, 3.0),
            (429, {"retry-after-ms": "250", "retry-after": "1"}, 0.25),
            (429, {}, 1.0),
            (503, {"retry-after": "2"}, 2.0),
            (500, {}, 1.0),
        ],
    )
    def test_a_short_wait_is_waited_for_once(self, status: int, headers: dict[str, str], pause: float) -> None:
        answers = [httpx.Response(status, headers=headers), httpx.Response(200, json={})]
        outcome, recorder = post(lambda request: answers.pop(0))
        assert isinstance(outcome, Response)
        assert outcome.status == 200
        assert [entry.kind for entry in recorder.entries] == [
            "http.request",
            "http.response",
            "harness.note",
            "http.request",
            "http.response",
        ]
        assert recorder.entries[2].data["text"] == f"status {status}: the request is sent again after {pause:g} s"
        assert recorder.entries[3].t == pytest.approx(pause, abs=1e-6)
        assert recorder.entries[3].data["id"] == 2

    def test_only_once(self) -> None:
        count = 0

        def handler(request: httpx.Request) -> httpx.Response:
            nonlocal count
            count += 1
            return httpx.Response(429, headers={"retry-after": "1"})

        outcome, _ = post(handler)
        assert isinstance(outcome, Response)
        assert (outcome.status, count) == (429, 2)

    @pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 415])
    def test_what_would_only_be_repeated_is_not_sent_again(self, status: int) -> None:
        outcome, recorder = post(lambda request: httpx.Response(status))
        assert isinstance(outcome, Response)
        assert len(recorder.entries) == 2

    def test_a_long_wait_is_not_waited_for(self) -> None:
        outcome, recorder = post(lambda request: httpx.Response(429, headers={"retry-after": "60"}))
        assert isinstance(outcome, Response)
        assert recorder.now == 0.0


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "2"}, 2.0),
        ({"Retry-After": " 2.5 "}, 2.5),
        ({"retry-after-ms": "100"}, 0.1),
        ({"retry-after-ms": "x", "retry-after": "1"}, 1.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:00:07 GMT", "date": "Sat, 21 Nov 2026 03:00:00 GMT"}, 7.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:00:00 GMT", "date": "Sat, 21 Nov 2026 03:00:07 GMT"}, 0.0),
        ({"retry-after": "Sat, 21 Nov 2026 03:00:07 GMT"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({}, None),
    ],
)
def test_retry_after(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(httpx.Headers(headers)) == seconds


@given(
    st.dictionaries(
        st.sampled_from(["retry-after", "retry-after-ms", "date"]), st.text(max_size=40) | st.floats().map(str)
    )
)
def test_retry_after_takes_any_text(headers: dict[str, str]) -> None:
    seconds = retry_after(headers)
    assert seconds is None or 0 <= seconds < float("inf")


def test_a_pause_is_only_made_for_429_and_5xx() -> None:
    def response(status: int) -> Response:
        return Response(status, {"retry-after": "2"}, "", "", False, False, 0)

    assert [retry_pause(response(status)) for status in (200, 307, 404, 429, 500, 503)] == [
        None, None, None, 2.0, 2.0, 2.0,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("error", "name", "what", "fix"),
    [
        (
            caused(httpx.ConnectError("All connection attempts failed"), ConnectionRefusedError(111, "refused")),
            "ConnectionRefusedError",
            "service.example refuses the connection",
            "start the service",
        ),
        (
            caused(
                httpx.ConnectError("All connection attempts failed"),
                ExceptionGroup("", [OSError(101, "unreachable"), ConnectionRefusedError(111, "refused")]),
            ),
            "ConnectionRefusedError",
            "service.example refuses the connection",
            "start the service",
        ),
        (
            httpx.ConnectTimeout("slow"),
            "ConnectTimeout",
            "no complete response from service.example within 5 s",
            "caller.timeout",
        ),
        (
            caused(httpx.ConnectError("x"), ssl.SSLCertVerificationError(1, "self-signed certificate")),
            "SSLCertVerificationError",
            "no TLS connection to service.example",
            "SSL_CERT_FILE",
        ),
        (
            httpx.RemoteProtocolError("Server disconnected without sending a response."),
            "RemoteProtocolError",
            "service.example closed the connection before a whole response came",
            "still running",
        ),
        (httpx.ProxyError("407"), "ProxyError", "the proxy in front of service.example fails: 407", "HTTPS_PROXY"),
        (httpx.DecodingError("bad gzip"), "DecodingError", "cannot be decompressed", "content-encoding"),
        (OSError(113, "No route to host"), "OSError", "no response from service.example", "network"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else "",
)
def test_no_response_is_recorded_and_explained(error: Exception, name: str, what: str, fix: str) -> None:
    outcome, recorder = post(failing(error))
    assert isinstance(outcome, TokenRequestFailed)
    assert what in outcome.what
    assert fix in outcome.fix
    assert str(outcome).startswith("step 'key': ")
    request, failed = recorder.entries
    assert failed.kind == "http.failed"
    assert failed.data["id"] == request.data["id"]
    assert failed.data["error"] == name
    assert failed.data["message"] == outcome.what


def test_a_name_that_does_not_resolve_is_called_so() -> None:
    import socket

    error = caused(httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known"))
    name, what, fix = no_response(error, "https://my-resurce.example/x", 5.0, str)
    assert name == "gaierror"
    assert what.startswith("the host name my-resurce.example cannot be resolved")
    assert "region" in fix


def test_a_service_that_never_answers_times_out_as_a_whole() -> None:
    class Dripping(httpx.AsyncByteStream):
        async def __aiter__(self):  # type: ignore[no-untyped-def]
            while True:
                await asyncio.sleep(1.0)
                yield b"x"

    outcome, recorder = post(lambda request: httpx.Response(200, stream=Dripping()))
    assert isinstance(outcome, TokenRequestFailed)
    assert "within 5 s" in outcome.what
    assert recorder.entries[1].t == pytest.approx(5.0)


def test_a_secret_in_an_exception_is_not_shown() -> None:
    outcome, recorder = post(failing(httpx.ReadError(f"cannot send {SECRET}")))
    assert isinstance(outcome, TokenRequestFailed)
    outcome, recorder = post(failing(OSError(f"cannot send {SECRET}")))
    assert "[redacted:1:25:text]" in str(outcome)
    assert recorder.entries[1].kind == "http.failed"


@pytest.mark.parametrize("value", ["two\nlines", "ключ"])
def test_a_header_that_cannot_be_sent_is_named_without_its_value(value: str) -> None:
    outcome, recorder = post(lambda request: httpx.Response(200), headers={"api-key": value})
    assert isinstance(outcome, TokenRequestFailed)
    assert outcome.what == "the api-key header has a line end or a character that is not ASCII"
    assert value not in str(outcome)
    assert recorder.entries == []


def test_real_sockets_refuse_and_talk_no_tls() -> None:
    async def main() -> list[str]:
        async def hello(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await reader.read(10)
            writer.write(b"not TLS at all\r\n")
            writer.close()

        server = await asyncio.start_server(hello, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        told = []
        async with httpx.AsyncClient(trust_env=False) as client:
            recorder = Recorder(Header("client", "azure-ga"), asyncio.get_running_loop().time)
            requests = Requests(client, recorder, timeout=5.0)
            for step in ("talking", "refusing"):
                if step == "refusing":
                    server.close()
                    await server.wait_closed()
                for scheme in ("https", "http"):
                    with pytest.raises(TokenRequestFailed) as caught:
                        await requests.post(
                            "key", f"{scheme}://127.0.0.1:{port}/", headers={}, content="", failed=TokenRequestFailed
                        )
                    told.append(caught.value.what.replace(str(port), "PORT"))
        return told

    tls, plain, *refused = clock.run(main)
    assert tls.startswith("no TLS connection to 127.0.0.1:PORT")
    assert plain == "127.0.0.1:PORT closed the connection before a whole response came"
    assert refused == ["127.0.0.1:PORT refuses the connection"] * 2


@given(st.text())
def test_shortened_text_is_one_line_that_can_be_written(text: str) -> None:
    line = shorten(text)
    assert len(line) <= 201
    assert "\n" not in line
    line.encode()


class TestSeen:
    def test_either_vendors_error_shape(self) -> None:
        def line(body: Any) -> str:
            return seen(
                Response(404, {"content-type": "application/json; x=y"}, json.dumps(body), body, True, False, 0), str
            )

        assert line({"error": {"code": "DeploymentNotFound", "message": "no such\nthing"}}) == (
            "HTTP 404, application/json: DeploymentNotFound: no such thing"
        )
        assert line({"error": {"message": "m", "type": "invalid_request_error", "code": None}}) == (
            "HTTP 404, application/json: invalid_request_error: m"
        )
        assert line({"code": "404", "message": "m"}) == "HTTP 404, application/json: 404: m"
        assert line({"error": "m"}) == 'HTTP 404, application/json: {"error": "m"}'
        assert line([]) == "HTTP 404, application/json: []"

    def test_nothing_is_said_to_be_nothing(self) -> None:
        assert seen(Response(500, {}, " ", " ", False, False, 0), str) == "HTTP 500, no content-type: empty body"

    def test_a_key_across_the_cut_is_not_shown_by_half(self) -> None:
        key = "long-lived-key-0123456789"
        text = "x" * 190 + key + "y" * 100
        line = seen(Response(500, {}, text, text, False, False, 0), Redactor([key]).text)
        assert len(line) < 260
        assert "long-lived" not in line
