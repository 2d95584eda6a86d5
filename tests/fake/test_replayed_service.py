"""A replayed service over real sockets in virtual time: misses that are told, an engine behind it, conduct and headers as they were."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

import harness
from harness.fake.replayed_call import RecordedService
from harness.fake.replayed_service import ReplayService
from harness.judging.results import Result
from harness.protocol.dialects import DIALECTS
from harness.running import clock
from harness.trace import Header, Recorder, Recording, Trace, open_recording
from tests.fake.requests import AZURE, call_path, credentials, key_path, token_body
from tests.regression.calls import SUITE, recorded
from tests.traces import trace

TURN = "turns/caller-speaks-assistant-answers.yaml"
CALL = "tools/function-call-is-answered.yaml"


@pytest.fixture(scope="module")
def turn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recorded(TURN, "azure-ga", tmp_path_factory.mktemp("turn"))[1]


def other_client(recording: Path, folder: Path, **more: Any) -> Result:
    """Another conversation than the recorded one."""
    document = yaml.safe_load((SUITE / CALL).read_text())
    document["fake"]["recording"] = {"file": str(recording), **more}
    document["dialects"] = ["azure-ga"]
    path = folder / "other.yaml"
    path.write_text(yaml.safe_dump(document))
    return harness.run(path)[0]


def test_a_client_that_asks_for_something_else_is_told_what_was_expected(turn: Path, tmp_path: Path) -> None:
    result = other_client(turn, tmp_path)
    assert result.verdict == "error"
    assert result.error is not None
    assert "the recording expects session.update next" in result.error
    assert "session.instructions" in result.error
    assert "--lenient" in result.error
    assert result.recording is not None
    told = [one.event["error"]["code"] for one in result.recording.events("service", "error")]
    assert told == ["replay_miss"]


def test_a_lenient_replay_goes_on_with_the_engine(turn: Path, tmp_path: Path) -> None:
    result = other_client(turn, tmp_path, lenient=True)
    assert result.verdict == "conformant"
    assert result.recording is not None
    (note,) = [one for one in result.recording.of("harness.note") if one.data.get("about") == "replay"]
    assert "from here on the engine answers, not the recording" in note.data["text"]


def test_a_call_that_ends_before_the_recording_says_what_was_left(turn: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.yaml"
    document = yaml.safe_load((SUITE / TURN).read_text())
    path.write_text(
        yaml.safe_dump(
            {
                **document,
                "steps": [{"expect": "session.updated"}],
                "fake": {"recording": str(turn)},
                "dialects": ["azure-ga"],
            }
        )
    )
    (result,) = harness.run(path)
    assert result.verdict == "conformant"
    assert result.recording is not None
    (note,) = [one for one in result.recording.of("harness.note") if one.data.get("about") == "replay"]
    assert (
        "messages of the recorded service were not played; the next is input_audio_buffer.speech_started"
        in note.data["text"]
    )


def offline(recording: Recording, steps: Any, **options: Any) -> tuple[Any, Trace]:
    """Run ``steps`` against a replay in virtual time; with what it noted."""

    async def main() -> Any:
        noted = Recorder(Header("service", "azure-ga"), asyncio.get_running_loop().time)
        recorded_service = RecordedService.of(recording, **options)
        async with (
            ReplayService(recorded=recorded_service, on_note=noted.record) as service,
            httpx.AsyncClient(base_url=service.url) as http,
        ):
            return await steps(service, http), noted.trace()

    return clock.run(main, time="virtual")


def response(step: str, status: int, body: Any, headers: dict[str, str] | None = None, seconds: float = 0.0) -> Any:
    data = {"id": 1, "step": step, "status": status, "headers": headers or {}, "body": body, "seconds": seconds}
    return (0.0, "http.response", data)


async def key(service: ReplayService, http: httpx.AsyncClient) -> httpx.Response:
    return await http.post(key_path(AZURE), json=token_body(AZURE), headers=credentials(AZURE))


async def call(service: ReplayService, http: httpx.AsyncClient) -> httpx.Response:
    headers = {"authorization": "Bearer ek_x", "content-type": "application/sdp"}
    return await http.post(call_path(AZURE), content="v=0\r\n", headers=headers)


def test_statuses_bodies_and_headers_are_the_recorded_ones() -> None:
    limited = response(
        "key",
        429,
        {"error": {"code": "429"}},
        {"retry-after": "7", "content-type": "application/json", "x-ms-region": "x"},
    )
    minted = response(
        "key", 200, {"value": "[redacted:1:35:text]", "expires_at": 1}, {"content-type": "application/json"}
    )
    made = Recording(trace(limited, minted), "x")

    async def steps(service: ReplayService, http: httpx.AsyncClient) -> Any:
        return [await key(service, http) for _ in range(3)]

    (first, second, third), _ = offline(made, steps)
    assert (first.status_code, first.json(), first.headers["retry-after"]) == (429, {"error": {"code": "429"}}, "7")
    assert first.headers["x-ms-region"] == "x"
    assert "apim-request-id" not in first.headers  # the recorded answers had none
    assert "date" not in first.headers
    assert second.json()["value"].startswith("ek_")
    assert len(second.json()["value"]) == 35
    assert third.status_code == 429  # a further call begins at the first answer


def test_a_request_that_the_recording_lacks_is_a_miss() -> None:
    made = Recording(trace(response("key", 401, {})), "x")
    answer, noted = offline(made, call)
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "replay_miss")
    assert (
        "the recording has no answer to a call request; it expects the token request"
        in answer.json()["error"]["message"]
    )
    assert [one.kind for one in noted.entries] == ["harness.error"]
    answer, noted = offline(made, call, lenient=True)
    assert answer.status_code == 401
    assert [one.kind for one in noted.entries] == ["harness.note"]


def test_an_answer_takes_as_long_as_it_took() -> None:
    async def steps(service: ReplayService, http: httpx.AsyncClient) -> float:
        began = service.now
        await key(service, http)
        return service.now - began

    took, _ = offline(Recording(trace(response("key", 500, {}, seconds=2.5)), "x"), steps)
    assert took == pytest.approx(2.5)


def test_a_request_that_was_not_answered_is_not_answered() -> None:
    failed = (15.0, "http.failed", {"id": 1, "step": "key", "error": "ReadTimeout", "message": ""})
    request = (
        0.0,
        "http.request",
        {"id": 1, "step": "key", "method": "POST", "url": "http://x/", "headers": {}, "body": {}},
    )

    async def steps(service: ReplayService, http: httpx.AsyncClient) -> None:
        with pytest.raises(httpx.ReadTimeout):
            await http.post(key_path(AZURE), json={}, headers=credentials(AZURE), timeout=15.0)

    offline(Recording(trace(request, failed), "x"), steps)


def test_conduct_underneath_the_events_is_read_from_the_trace(turn: Path) -> None:
    service = RecordedService.of(open_recording(turn))
    assert service.conduct.acknowledges
    assert service.conduct.reports
    assert not service.conduct.deserts
    assert service.lost == 0
    silent = [
        (1.0, "channel.dcep", {"direction": "sent", "message": "open", "stream": 1}),
        (9.0, "sdp.answer", {"sdp": "v=0"}),
    ]
    conduct = RecordedService.of(Recording(trace(*silent), "x")).conduct
    assert (conduct.acknowledges, conduct.deserts, conduct.reports) == (False, True, True)
    assert DIALECTS["azure-ga"].name == "azure-ga"
