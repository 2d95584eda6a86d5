"""The fake over real loopback sockets, in virtual time: what each request is answered with."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from harness.errors import UsageError
from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.protocol.dialects import DIALECTS, Dialect
from harness.running import clock
from harness.scenario.script import FakeScript, Reply
from harness.trace import Entry, Header, Recorder
from tests.fake.requests import (
    ALL,
    API_KEY,
    AZURE,
    BETA,
    CLOSED,
    OFFER,
    OPENAI,
    PREVIEW,
    SETTINGS,
    call_path,
    credentials,
    key_path,
    token_body,
)

every_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda row: row.name)
Steps = Callable[[FakeService, httpx.AsyncClient], Awaitable[Any]]


def offline(
    steps: Steps, *, dialects: tuple[Dialect, ...] = ALL, settings: FakeSettings = SETTINGS, **options: Any
) -> Any:
    """Run ``steps`` against a fake in virtual time."""

    async def main() -> Any:
        async with (
            FakeService(dialects=dialects, settings=settings, **options) as service,
            httpx.AsyncClient(base_url=service.url, trust_env=False) as http,
        ):
            return await steps(service, http)

    return clock.run(main, time="virtual")


async def mint(http: httpx.AsyncClient, dialect: Dialect, **session: Any) -> httpx.Response:
    return await http.post(key_path(dialect), json=token_body(dialect, **session), headers=credentials(dialect))


def value_of(dialect: Dialect, response: httpx.Response) -> str:
    found: Any = response.json()
    for name in dialect.key_path:
        found = found[name]
    assert isinstance(found, str)
    return found


async def offer(
    http: httpx.AsyncClient, dialect: Dialect, key: str, sdp: str = OFFER, **headers: str
) -> httpx.Response:
    base = {"content-type": "application/sdp", "authorization": f"Bearer {key}"}
    return await http.post(call_path(dialect), content=sdp, headers={**base, **headers})


def error_of(response: httpx.Response) -> dict[str, Any]:
    assert response.headers["content-type"] == "application/json"
    error = response.json()["error"]
    assert isinstance(error, dict)
    return error


# Keys


@every_dialect
def test_a_key_comes_where_the_dialect_keeps_it(dialect: Dialect) -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> httpx.Response:
        return await mint(http, dialect, instructions="Be kind.")

    response = offline(steps)
    body = response.json()
    assert response.status_code == 200
    assert value_of(dialect, response).startswith("ek_")
    expires_at: Any = body
    for name in dialect.expires_path:
        expires_at = expires_at[name]
    # The Date header is on the same clock, so the lifetime can be read from the response alone.
    minted_at = parsedate_to_datetime(response.headers["date"]).timestamp()
    assert dialect.key_seconds is not None
    assert isinstance(expires_at, int)
    assert dialect.key_seconds - 1 <= expires_at - minted_at <= dialect.key_seconds + 1
    session = body if dialect.body == "flat" else body["session"]
    assert session["id"].startswith("sess_")
    assert session["object"] == "realtime.session"
    assert session["instructions"] == "Be kind."
    assert session["model"] == dialect.default_model


def test_keys_are_never_the_same() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> set[str]:
        return {value_of(AZURE, await mint(http, AZURE)) for _ in range(5)}

    assert len(offline(steps)) == 5


def test_transcription_paths_of_beta() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        body = {"input_audio_transcription": {"model": "whisper-1"}}
        return [
            await http.post(
                urlsplit(row.transcription_key_url).path,
                params={"api-version": row.default_api_version} if row.key_query else {},
                json=body,
                headers=credentials(row),
            )
            for row in (PREVIEW, BETA)
        ]

    for response in offline(steps):
        assert response.status_code == 200
        assert response.json()["object"] == "realtime.transcription_session"


@every_dialect
def test_a_key_ages_on_the_loops_clock(dialect: Dialect) -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        key = value_of(dialect, await mint(http, dialect))
        early = await offer(http, dialect, key, sdp="v=0")
        assert dialect.key_seconds is not None
        await asyncio.sleep(dialect.key_seconds)
        return [early, await offer(http, dialect, key, sdp="v=0")]

    early, late = offline(steps)
    assert error_of(early)["code"] == "invalid_offer"
    assert late.status_code == 401
    assert "expired" in error_of(late)["message"]


# Refusals, over the wire


@every_dialect
def test_refusals_come_in_the_vendors_shape(dialect: Dialect) -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        path, good = key_path(dialect), credentials(dialect)
        return [
            await http.post(path, json=token_body(dialect)),
            await http.post(path, json=token_body(dialect), headers=credentials(dialect, "wrong")),
            await http.post(path, json=token_body(dialect, model="nobodys"), headers=good),
            await http.post(path, content="{", headers={**good, "content-type": "application/json"}),
            await http.post(path, content="x", headers={**good, "content-type": "text/plain"}),
            await offer(http, dialect, API_KEY),
            await offer(http, dialect, "ek_other"),
            await offer(http, dialect, value_of(dialect, await mint(http, dialect)), sdp=""),
        ]

    responses = offline(steps, settings=CLOSED)
    unsupported = {"azure": 415, "openai": 400}[dialect.vendor]
    assert [response.status_code for response in responses] == [401, 401, 404, 400, unsupported, 401, 401, 400]
    request_id = {"azure": "apim-request-id", "openai": "x-request-id"}[dialect.vendor]
    for response in responses:
        assert error_of(response)["message"]
        assert error_of(response)["code"]
        assert response.headers[request_id].startswith("req_")
    assert error_of(responses[5])["message"] == "This operation requires ephemeral authentication."
    assert error_of(responses[7]) == {
        "message": "Invalid SDP offer. Please try again with a WHIP-compliant offer.",
        "type": "invalid_request_error",
        "param": "sdp",
        "code": "invalid_offer",
    }


@pytest.mark.parametrize(
    ("path", "vendor"),
    [
        ("/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-realtime", "azure"),
        ("/openai/realtimeapi/sessions?api-version=", "azure"),
        ("/openai/v1/realtime/sessions", "azure"),
        ("/openai/v1/realtime/calls/", "azure"),
        ("/v1/realtime/client_secret", "openai"),
        ("/v1/realtime/calls/rtc_x/accept", "openai"),
        ("/", "azure"),
    ],
)
def test_any_other_path_is_not_found_in_the_vendors_shape(path: str, vendor: str) -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> httpx.Response:
        return await http.post(path, json={}, headers={"api-key": API_KEY})

    response = offline(steps)
    assert response.status_code == 404
    assert error_of(response)["message"] == "Resource not found"
    assert (
        set(error_of(response))
        == {"azure": {"code", "message"}, "openai": {"message", "type", "param", "code"}}[vendor]
    )


@every_dialect
def test_any_other_method_is_not_allowed(dialect: Dialect) -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        return [await http.get(path) for path in (key_path(dialect), call_path(dialect))]

    for response in offline(steps):
        assert response.status_code == 405
        assert response.headers["allow"] == "POST"
        assert error_of(response)["message"]


def test_a_dialect_that_is_not_served_is_not_there() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[int]:
        return [(await mint(http, row)).status_code for row in (AZURE, PREVIEW, OPENAI)]

    assert offline(steps, dialects=(AZURE,)) == [200, 404, 404]


def test_beta_at_a_service_that_has_only_ga_is_answered_as_openai_does() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        return [await mint(http, BETA), await offer(http, BETA, "ek_x")]

    for response in offline(steps, dialects=(OPENAI,)):
        assert response.status_code == 400
        assert error_of(response)["code"] == "beta_api_shape_disabled"


def test_a_body_over_the_limit_is_413_with_or_without_a_length() -> None:
    async def chunks() -> Any:
        for _ in range(4):
            yield b"x" * 300

    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[int]:
        headers = {**credentials(AZURE), "content-type": "application/json"}
        exact = json.dumps(token_body(AZURE)).ljust(1000).encode()
        bodies: list[Any] = [b"x" * 1001, chunks(), exact]
        return [(await http.post(key_path(AZURE), content=body, headers=headers)).status_code for body in bodies]

    assert offline(steps, settings=replace(SETTINGS, body_limit=1000)) == [413, 413, 200]


def test_a_body_that_does_not_come_is_408() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(service.url).port)
        writer.write(f"POST {key_path(AZURE)} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\n{{".encode())
        status = await reader.readline()
        writer.close()
        return status

    assert b" 408 " in offline(steps)


def test_the_region_is_read_from_the_host() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        key = value_of(PREVIEW, await mint(http, PREVIEW))
        port = urlsplit(service.url).port
        return [
            await offer(http, PREVIEW, key, sdp="", host=f"{region}.localhost:{port}")
            for region in ("eastus", "eastus2")
        ]

    wrong, right = offline(steps)
    assert wrong.status_code == 404
    assert "region" in error_of(wrong)["message"]
    assert error_of(right)["code"] == "invalid_offer"


# Browsers


@every_dialect
def test_a_page_on_another_origin_may_call(dialect: Dialect) -> None:
    """Authorization and application/sdp force a preflight."""

    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        origin = {"origin": "http://localhost:5173"}
        asks = {"access-control-request-method": "POST"}
        return [
            await http.options(
                call_path(dialect),
                headers={**origin, **asks, "access-control-request-headers": "authorization,content-type"},
            ),
            await http.options(
                call_path(dialect), headers={**origin, **asks, "access-control-request-headers": "originator"}
            ),
            await http.post(call_path(dialect), content="x", headers=origin),
        ]

    allowed, custom, refused = offline(steps)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert custom.status_code == 400
    # Without the header a page cannot even read why it was refused.
    assert refused.headers["access-control-allow-origin"] == "*"
    assert "Location" in refused.headers["access-control-expose-headers"].split(", ")


# Hanging up


@pytest.mark.parametrize("dialect", [AZURE, OPENAI], ids=lambda row: row.name)
def test_hanging_up_what_is_not_there(dialect: Dialect) -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[httpx.Response]:
        assert dialect.hangup_url is not None
        path = urlsplit(dialect.hangup_url).path.format(call_id="rtc_nobody")
        return [await http.post(path), await http.post(path, headers=credentials(dialect))]

    nobody, unknown = offline(steps)
    assert nobody.status_code == 401
    assert unknown.status_code == 404
    assert error_of(unknown)["code"] == "call_id_not_found"


# Starting and stopping


def test_a_busy_port_is_a_usage_error() -> None:
    async def main() -> UsageError:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            with pytest.raises(UsageError) as caught:
                await FakeService(dialects=ALL).start(port=port)
            assert caught.value.where == f"127.0.0.1:{port}"
            return caught.value

    error = clock.run(main, time="virtual")
    assert "in use" in error.what
    assert "--port" in error.fix


@pytest.mark.parametrize(("host", "port"), [("192.0.2.1", 0), ("127.0.0.1", 70000)])
def test_an_address_of_another_machine_or_none_is_a_usage_error(host: str, port: int) -> None:
    async def main() -> None:
        with pytest.raises(UsageError):
            await FakeService(dialects=ALL).start(host, port)

    clock.run(main, time="virtual")


@pytest.mark.parametrize("time", ["virtual", "real"])
def test_after_stopping_nothing_is_left(time: Any) -> None:
    async def main() -> tuple[int, set[Any]]:
        service = FakeService(dialects=ALL, settings=SETTINGS)
        url = await service.start()
        async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
            await mint(http, AZURE)
            await service.stop()
            await service.stop()
        port = urlsplit(url).port
        assert port is not None
        with socket.create_server(("127.0.0.1", port)):
            return port, asyncio.all_tasks() - {asyncio.current_task()}

    _, tasks = clock.run(main, time=time)
    assert tasks == set()


def test_an_idle_service_does_nothing() -> None:
    """A server that ticks would be run through every tick of virtual time."""

    async def steps(service: FakeService, http: httpx.AsyncClient) -> int:
        loop = asyncio.get_running_loop()
        await mint(http, AZURE)
        await asyncio.sleep(10)
        return len([handle for handle in loop._scheduled if not handle.cancelled()])  # type: ignore[attr-defined]

    assert offline(steps) == 0


# What the service itself records


def recording(steps: Steps, **options: Any) -> list[Recorder]:
    made: list[Recorder] = []
    closed: list[Recorder] = []

    def recorder_for(dialect: str) -> Recorder:
        made.append(Recorder(Header("service", dialect, time="virtual"), asyncio.get_running_loop().time))
        return made[-1]

    offline(steps, recorder_for=recorder_for, on_trace=closed.append, **options)
    assert {id(recorder) for recorder in closed} == {id(recorder) for recorder in made}
    return closed


def brief(entries: list[Entry]) -> list[tuple[Any, ...]]:
    return [
        (entry.kind, entry.data.get("id"), entry.data.get("step"), entry.data.get("status"))
        for entry in entries
        if entry.plane == "http"
    ]


def test_a_clients_tries_stand_in_one_trace_without_its_secrets() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> None:
        await http.post(key_path(PREVIEW), json={"voice": "alloy"}, headers=credentials(PREVIEW, "wrong-key"))
        key = value_of(PREVIEW, await mint(http, PREVIEW))
        await offer(http, PREVIEW, key, sdp=OFFER.replace("opus", "pcm"))

    (recorder,) = recording(steps)
    assert recorder.header.observer == "service"
    assert recorder.header.dialect == "azure-preview"
    assert brief(recorder.entries) == [
        ("http.request", 1, "key", None),
        ("http.response", 1, "key", 401),
        ("http.request", 2, "key", None),
        ("http.response", 2, "key", 200),
        ("http.request", 3, "call", None),
        ("http.response", 3, "call", 400),
    ]
    first, minted, call = (recorder.entries[index].data for index in (0, 3, 4))
    assert first["method"] == "POST"
    assert first["url"].endswith("/openai/realtimeapi/sessions?api-version=2025-04-01-preview")
    assert first["body"] == {"voice": "alloy"}
    assert minted["body"]["client_secret"]["value"] in call["headers"]["authorization"]
    rejected = next(entry for entry in recorder.entries if entry.kind == "sdp.rejected")
    assert "Opus" in rejected.data["reason"]
    stored = json.dumps([entry.to_json() for entry in recorder.entries])
    assert "wrong-key" not in stored
    assert API_KEY not in stored
    assert "ek_" not in stored
    assert "0123456789abcdefghijkl" not in stored


def test_a_wrong_path_is_recorded_too() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> None:
        await http.post("/v1/realtime/nothing", content=OFFER, headers={"content-type": "application/sdp"})

    (recorder,) = recording(steps)
    assert recorder.header.dialect == "openai-ga"
    assert brief(recorder.entries)[1] == ("http.response", 1, "call", 404)
    assert recorder.end == "failed"


def test_every_dialect_is_served_at_once() -> None:
    assert {row.name for row in ALL} == set(DIALECTS)

    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[int]:
        return [(await mint(http, row)).status_code for row in ALL]

    assert offline(steps) == [200] * 4


@pytest.mark.parametrize(
    "instructions",
    ['"\\ud83d"', "[" * 900 + "]" * 900, '{"a":' * 900 + "1" + "}" * 900],
    ids=["surrogate", "lists", "objects"],
)
def test_json_that_could_not_be_sent_back_is_refused_and_kept_as_text(instructions: str) -> None:
    """Half of a surrogate pair, and nesting that would exhaust the stack of whoever walks it."""
    text = f'{{"session": {{"type": "realtime", "model": "gpt-realtime", "instructions": {instructions}}}}}'

    async def steps(service: FakeService, http: httpx.AsyncClient) -> None:
        headers = {**credentials(AZURE), "content-type": "application/json"}
        response = await http.post(key_path(AZURE), content=text, headers=headers)
        assert response.status_code == 400
        assert error_of(response)["code"] == "invalid_json"

    (recorder,) = recording(steps)
    assert recorder.entries[0].data["body"] == text
    assert all(line for line in recorder.trace().lines())


def test_recordings_are_encoded_before_the_first_call() -> None:
    asked: list[str] = []

    def audio(name: str) -> tuple[bytes, ...]:
        asked.append(name)
        return ()

    async def steps(service: FakeService, http: httpx.AsyncClient) -> None:
        assert asked == ["assistant-goodbye.wav"]

    script = FakeScript(replies=[Reply(audio="assistant-goodbye.wav")])
    offline(steps, script=script, audio=audio)


def test_a_script_closes_the_list_of_deployments() -> None:
    async def steps(service: FakeService, http: httpx.AsyncClient) -> list[int]:
        return [(await mint(http, AZURE, model=model)).status_code for model in ("mine", "gpt-realtime")]

    assert offline(steps, script=FakeScript(deployments=["mine"])) == [200, 404]
    assert offline(steps) == [200, 200]
