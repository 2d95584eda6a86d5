"""Whole calls to the fake in virtual time, with a real peer connection as the caller."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest

from harness.fake.peer import LINGER, ServiceCall
from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.media import opus, wav
from harness.protocol.dialects import DIALECTS, WEBRTC_FILTER, Dialect
from harness.running import clock
from harness.scenario.script import FakeScript
from harness.trace import Header, Recorder
from tests.fake.caller import Caller
from tests.fake.requests import ALL, AZURE, OPENAI, PREVIEW, SETTINGS, call_path

every_dialect = pytest.mark.parametrize("dialect", ALL, ids=lambda row: row.name)
RECORDINGS = Path(__file__).parents[2] / "fixtures" / "audio"
SPEECH = "caller-not-ill-disposed.wav"
Steps = Callable[[FakeService, Caller], Awaitable[Any]]


@cache
def audio(name: str) -> tuple[bytes, ...]:
    return opus.encode(wav.load(RECORDINGS / name))


def script(**reply: Any) -> FakeScript:
    return FakeScript.model_validate({"replies": [reply]})


SORRY = script(hears="Not ill disposed.", says="I am sorry.", audio="assistant-im-sorry.wav", after="320ms")


def during(
    steps: Steps,
    *,
    dialect: Dialect = AZURE,
    settings: FakeSettings = SETTINGS,
    plan: FakeScript = SORRY,
    seed: int = 0,
    **options: Any,
) -> Any:
    """Run ``steps`` with a caller and a fake in virtual time; behind them nothing of the call may be left."""

    async def main() -> Any:
        async with (
            FakeService(dialects=(dialect,), settings=settings, script=plan, **{"audio": audio, **options}) as service,
            httpx.AsyncClient(base_url=service.url, trust_env=False) as http,
        ):
            caller = Caller(http, dialect)
            try:
                result = await steps(service, caller)
            finally:
                await caller.close()
        assert service.calls == {}
        assert asyncio.all_tasks() == {asyncio.current_task()}
        return result

    return clock.run(main, time="virtual", seed=seed)


class Watch:
    """Traces that the service made."""

    def __init__(self) -> None:
        self.closed: list[Recorder] = []

    def recorder_for(self, dialect: str) -> Recorder:
        return Recorder(Header("service", dialect, time="virtual"), asyncio.get_running_loop().time)

    @property
    def options(self) -> dict[str, Any]:
        return {"recorder_for": self.recorder_for, "on_trace": self.closed.append}

    @property
    def only(self) -> Recorder:
        (recorder,) = self.closed
        return recorder

    def of(self, kind: str) -> list[Any]:
        return [entry.data for entry in self.only.entries if entry.kind == kind]


def speaking(caller: Caller) -> list[float]:
    return [frame.t for frame in caller.heard if frame.speech]


# A turn


@every_dialect
def test_the_caller_speaks_and_is_answered(dialect: Dialect) -> None:
    async def steps(service: FakeService, caller: Caller) -> Caller:
        await caller.call()
        await caller.expect("session.created")
        caller.track.say(audio(SPEECH))
        await caller.expect("output_audio_buffer.stopped")
        return caller

    caller = during(steps, dialect=dialect)
    order = [
        "session.created",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.speech_stopped",
        "input_audio_buffer.committed",
        "response.created",
        "output_audio_buffer.started",
        "response.output_audio_transcript.done",
        "response.done",
        "output_audio_buffer.stopped",
    ]
    assert [kind for kind in caller.types if kind in order] == order
    assert caller.events[0]["type"] == "session.created"
    at = dict(zip(caller.types, caller.times, strict=True))
    # Virtual time: the scripted 320 ms are 320 ms.
    assert at["response.output_item.added"] - at["input_audio_buffer.speech_stopped"] == pytest.approx(0.32, abs=1e-9)
    played = at["output_audio_buffer.stopped"] - at["output_audio_buffer.started"]
    assert played == pytest.approx(len(audio("assistant-im-sorry.wav")) * 0.02, abs=1e-6)
    heard = speaking(caller)
    assert heard
    assert at["output_audio_buffer.started"] <= heard[0] < heard[-1] < at["output_audio_buffer.stopped"]


def test_the_same_call_is_the_same_every_time() -> None:
    async def steps(service: FakeService, caller: Caller) -> list[tuple[str, float, str]]:
        await caller.call()
        caller.track.say(audio(SPEECH))
        await caller.expect("output_audio_buffer.stopped")
        ids = [event["event_id"] for event in caller.events]
        return list(zip(caller.types, caller.times, ids, strict=True))

    first, second, other = during(steps), during(steps), during(steps, seed=1)
    assert first == second
    assert [entry[:2] for entry in first] == [entry[:2] for entry in other]
    assert first != other


def test_a_reply_without_a_recording_is_babble_as_long_as_its_text() -> None:
    async def steps(service: FakeService, caller: Caller) -> Caller:
        await caller.call()
        caller.send("response.create")
        await caller.expect("output_audio_buffer.stopped")
        return caller

    caller = during(steps, plan=script(says="I have no recording of this sentence."), audio=None)
    at = dict(zip(caller.types, caller.times, strict=True))
    heard = speaking(caller)
    # The first frames of a voice behind silence are not yet speech to the detector.
    assert at["output_audio_buffer.started"] <= heard[0] <= at["output_audio_buffer.started"] + 0.1
    assert heard[-1] == pytest.approx(at["output_audio_buffer.stopped"], abs=0.04)
    assert heard[-1] - heard[0] > 1.0


def test_speaking_over_the_reply_cuts_it() -> None:
    async def steps(service: FakeService, caller: Caller) -> Caller:
        await caller.call()
        caller.send("response.create")
        await caller.expect("output_audio_buffer.started")
        await asyncio.sleep(0.5)
        caller.track.say(audio(SPEECH))
        await caller.expect("output_audio_buffer.cleared")
        await asyncio.sleep(0.5)
        return caller

    caller = during(steps, plan=script(says="Something has gone terribly wrong. " * 4), audio=None)
    assert "output_audio_buffer.stopped" not in caller.types
    at = dict(zip(caller.types, caller.times, strict=True))
    assert speaking(caller)[-1] <= at["output_audio_buffer.cleared"] + 0.04


# The channel


def test_with_two_channels_the_most_recent_one_gets_events() -> None:
    async def steps(service: FakeService, caller: Caller) -> list[str]:
        await caller.call()
        await caller.expect("session.created")
        late: list[str] = []
        second = caller.peer.create_channel("second")
        second.on("message", lambda text: late.append(json.loads(text)["type"]))
        await asyncio.sleep(0.1)
        caller.send("response.create")
        await asyncio.sleep(2)
        assert caller.types[-1] == "conversation.created"
        return late

    late = during(steps)
    assert late[0] == "response.created"
    assert "session.created" not in late


def test_messages_over_the_clients_limit_are_not_sent() -> None:
    watch = Watch()

    async def steps(service: FakeService, caller: Caller) -> list[str]:
        await caller.call(edit=lambda sdp: re.sub(r"(a=max-message-size:)\d+", r"\g<1>300", sdp))
        caller.channel.send("{")
        await caller.expect("error")
        return caller.types

    assert during(steps, **watch.options) == ["conversation.created", "error"]
    note = watch.of("harness.note")[0]
    assert "session.created not sent" in note["text"]
    assert note["about"] == "a=max-message-size"


def test_the_filter_hides_all_but_its_list() -> None:
    async def steps(service: FakeService, caller: Caller) -> set[str]:
        await caller.call(query="?webrtcfilter=on")
        caller.track.say(audio(SPEECH))
        await caller.expect("output_audio_buffer.stopped")
        return set(caller.types)

    types = during(steps)
    assert types <= WEBRTC_FILTER
    assert {"input_audio_buffer.speech_started", "output_audio_buffer.started"} <= types


def test_bad_messages_are_recorded_as_they_came_and_answered_by_error() -> None:
    watch = Watch()
    deep = "[" * 5000

    async def steps(service: FakeService, caller: Caller) -> None:
        await caller.call()
        for message in ("{", "[1]", '{"event_id": "e"}', b"\x00\xff", deep):
            caller.channel.send(message)
        await caller.expect("error", count=5)
        caller.send("session.update", event_id="mine", session={"type": "realtime", "instructions": "Hi."})
        await caller.expect("session.updated")

    during(steps, **watch.options)
    bad = watch.of("event.undecodable")
    words = ["JSON", "not a JSON object", "without a string type", "binary", "JSON"]
    assert all(word in entry["reason"] for word, entry in zip(words, bad, strict=True))
    assert [entry["size"] for entry in bad] == [1, 3, 17, 2, 5000]
    assert [entry["binary"] for entry in bad] == [False, False, False, True, False]
    assert all(entry["direction"] == "received" for entry in bad)
    (received,) = watch.of("event.received")
    assert received["event"]["event_id"] == "mine"


# Speaking as Microsoft's sample expects


def test_seeds_mode_renames_what_the_sample_waits_for() -> None:
    async def steps(service: FakeService, caller: Caller) -> list[str]:
        await caller.call(max_output_tokens=4096)
        caller.send("session.update", session={"voice": "ash"})
        caller.send("session.nonsense")
        async with asyncio.timeout(10):
            await caller.peer.lost.wait()
        # The invented names are all that no schema knows.
        assert all(one.endswith("the service has no such event") for one in caller.invalid)
        caller.invalid.clear()
        return [event["type"] for event in caller.events]

    settings = replace(SETTINGS, sample_names=True, max_call_seconds=2.0)
    types = during(steps, dialect=PREVIEW, settings=settings)
    assert types == [
        "session.created",
        "conversation.created",
        "session.update",
        "session.error",
        "session.error",
        "session.end",
    ]
    documented = during(steps, dialect=PREVIEW, settings=replace(settings, sample_names=False))
    assert documented == ["session.created", "conversation.created", "session.updated", "error", "error"]


# How a call ends


@pytest.mark.parametrize(
    ("settings", "plan"),
    [
        (replace(SETTINGS, max_call_seconds=5.0), SORRY),
        (replace(SETTINGS, max_call_seconds=60.0), FakeScript.model_validate({"session_length": "5s"})),
    ],
    ids=["by the service", "by the script"],
)
def test_the_longest_call_ends_in_session_expired(settings: FakeSettings, plan: FakeScript) -> None:
    async def steps(service: FakeService, caller: Caller) -> tuple[Caller, float]:
        await caller.call()
        async with asyncio.timeout(20):
            await caller.peer.lost.wait()
        return caller, caller.loop.time()

    caller, lost = during(steps, settings=settings, plan=plan)
    assert caller.events[-1]["error"]["code"] == "session_expired"
    assert caller.times[-1] - caller.times[0] == pytest.approx(5.0, abs=1e-6)
    assert lost - caller.times[-1] == pytest.approx(LINGER, abs=0.02)


@pytest.mark.parametrize("dialect", [AZURE, OPENAI], ids=lambda row: row.name)
def test_a_hang_up_request_ends_the_call(dialect: Dialect) -> None:
    watch = Watch()

    async def steps(service: FakeService, caller: Caller) -> list[httpx.Response]:
        await caller.call()
        key = await caller.key()
        assert list(service.calls) == [caller.call_id]
        first = await caller.hang_up_request(key)
        async with asyncio.timeout(5):
            await caller.peer.lost.wait()
        await asyncio.sleep(1)
        return [first, await caller.hang_up_request(key)]

    first, second = during(steps, dialect=dialect, **watch.options)
    assert first.status_code == 200
    assert first.content == b""
    assert second.status_code == 404
    of_call = next(
        recorder for recorder in watch.closed if any(entry.kind == "sdp.answer" for entry in recorder.entries)
    )
    hangup = [entry for entry in of_call.entries if entry.data.get("step") == "hangup"]
    assert [entry.kind for entry in hangup] == ["http.request", "http.response"]
    assert of_call.end == "completed"


@pytest.mark.parametrize("way", ["connection", "channel"])
def test_a_client_that_goes_ends_the_call_at_once(way: str) -> None:
    async def steps(service: FakeService, caller: Caller) -> int:
        await caller.call()
        await caller.expect("session.created")
        await (caller.close() if way == "connection" else asyncio.sleep(0))
        if way == "channel":
            caller.channel.close()
        await asyncio.sleep(1)
        return len(service.calls)

    assert during(steps) == 0


def test_a_client_that_never_connects_is_dropped() -> None:
    async def steps(service: FakeService, caller: Caller) -> list[int]:
        key = await caller.key()
        headers = {"content-type": "application/sdp", "authorization": f"Bearer {key}"}
        response = await caller.http.post(call_path(AZURE), content=await caller.peer.offer(), headers=headers)
        assert response.status_code == 201
        counts = [len(service.calls)]
        await asyncio.sleep(11)
        return [*counts, len(service.calls)]

    assert during(steps, settings=replace(SETTINGS, connect_seconds=10.0)) == [1, 0]


def test_stopping_the_service_ends_its_calls() -> None:
    async def steps(service: FakeService, caller: Caller) -> None:
        await caller.call()
        await caller.expect("session.created")
        await service.stop()
        assert service.calls == {}
        async with asyncio.timeout(5):
            await caller.peer.lost.wait()

    during(steps)


def test_too_many_calls_at_once_are_429() -> None:
    async def steps(service: FakeService, caller: Caller) -> httpx.Response:
        await caller.call()
        other = Caller(caller.http, AZURE)
        headers = {"content-type": "application/sdp", "authorization": f"Bearer {await other.key()}"}
        response = await caller.http.post(call_path(AZURE), content=await other.peer.offer(), headers=headers)
        await other.close()
        return response

    response = during(steps, settings=replace(SETTINGS, max_calls=1))
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1"
    assert response.json()["error"]["code"] == "rate_limit_exceeded"


# What is answered


@every_dialect
def test_the_answer_comes_with_the_dialects_status_and_place(dialect: Dialect) -> None:
    async def steps(service: FakeService, caller: Caller) -> httpx.Response | None:
        await caller.call()
        return caller.response

    response = during(steps, dialect=dialect)
    assert response.headers["content-type"] == "application/sdp"
    assert response.text.startswith("v=0\r\n")
    assert response.text.count("\r\n") == response.text.count("\n")
    if dialect.location:
        assert response.status_code == 201
        place, _, call_id = response.headers["location"].rpartition("/")
        assert place == call_path(dialect)
        assert call_id.startswith("rtc_")
    else:
        assert response.status_code == 200
        assert "location" not in response.headers


def test_an_offer_that_the_stack_cannot_take_is_refused_and_the_key_stays_good() -> None:
    watch = Watch()

    async def steps(service: FakeService, caller: Caller) -> list[int]:
        key = await caller.key()
        headers = {"content-type": "application/sdp", "authorization": f"Bearer {key}"}
        offer = await caller.peer.offer()
        broken = "".join(line for line in offer.splitlines(keepends=True) if not line.startswith("a=sctp-port"))
        return [
            (await caller.http.post(call_path(AZURE), content=sdp, headers=headers)).status_code
            for sdp in (broken, offer)
        ]

    assert during(steps, **watch.options) == [400, 201]
    kinds = [entry.kind for entry in watch.only.entries if entry.plane == "sdp"]
    assert kinds == ["sdp.offer", "sdp.rejected", "sdp.offer", "sdp.answer"]
    assert "sctp-port" in watch.of("sdp.rejected")[0]["reason"]


# What the service records


def test_a_recorded_call_can_be_written_as_audio_and_another_keeps_none(tmp_path: Path) -> None:
    async def steps(service: FakeService, caller: Caller) -> None:
        await caller.call()
        await asyncio.sleep(1)

    def write(call: ServiceCall) -> None:
        lengths.append([capture.write_ogg(tmp_path / "x.ogg") for capture in (call.received, call.sent) if capture])

    lengths: list[list[float]] = []
    during(steps, on_call_end=write, **Watch().options)
    during(steps, on_call_end=write)
    assert lengths[0] == pytest.approx([1.0, 1.0], abs=0.1)
    assert lengths[1] == [0.0]


@every_dialect
def test_the_services_trace_tells_the_whole_call(dialect: Dialect) -> None:
    watch = Watch()
    ended: list[ServiceCall] = []

    async def steps(service: FakeService, caller: Caller) -> Caller:
        await caller.call()
        caller.track.say(audio(SPEECH))
        await caller.expect("output_audio_buffer.stopped")
        return caller

    caller = during(steps, dialect=dialect, on_call_end=ended.append, **watch.options)
    trace = watch.only.trace()
    assert trace.end == "completed"
    assert [(entry.kind, entry.data["step"]) for entry in trace.of("http")] == [
        ("http.request", "key"),
        ("http.response", "key"),
        ("http.request", "call"),
        ("http.response", "call"),
    ]
    assert [entry.kind for entry in trace.of("sdp")] == ["sdp.offer", "sdp.answer"]
    assert [entry.event for entry in trace.events("service")] == caller.events
    assert [entry.data["state"] for entry in trace.of("connection.state")][:2] == ["connecting", "connected"]
    assert len(trace.of("connection.secured")) == 1
    created, opened = trace.of("channel.created")[0].data, trace.of("channel.open")[0].data
    assert created["label"] == opened["label"] == dialect.label
    assert created["by"] == "client"
    assert created["ordered"] is True
    heard = [entry.data["state"] for entry in trace.of("audio.speech") if trace.sender(entry) == "client"]
    assert heard == ["started", "stopped"]
    directions = {entry.data["direction"] for entry in trace.of("rtp.packets")}
    assert directions == {"sent", "received"}
    assert [call.recorder for call in ended] == [watch.only]


def test_a_key_that_is_used_again_begins_another_trace() -> None:
    watch = Watch()

    async def steps(service: FakeService, caller: Caller) -> None:
        key = await caller.key()
        headers = {"content-type": "application/sdp", "authorization": f"Bearer {key}"}
        other = Caller(caller.http, AZURE)
        for peer in (caller.peer, other.peer):
            await caller.http.post(call_path(AZURE), content=await peer.offer(), headers=headers)
        await other.close()

    during(steps, **watch.options)
    assert [len([entry for entry in recorder.entries if entry.kind == "sdp.answer"]) for recorder in watch.closed] == [
        1,
        1,
    ]


def test_a_transcription_key_makes_a_transcription_session() -> None:
    row = DIALECTS["openai-ga"]

    async def steps(service: FakeService, caller: Caller) -> dict[str, Any]:
        await caller.call(type="transcription", model=None)
        return await caller.expect("session.created")

    assert during(steps, dialect=row)["session"]["type"] == "transcription"


def test_it_runs_in_real_time_too() -> None:
    async def main() -> list[str]:
        async with (
            FakeService(dialects=(AZURE,), settings=SETTINGS) as service,
            httpx.AsyncClient(base_url=service.url, trust_env=False) as http,
        ):
            caller = await Caller(http, AZURE).call()
            await caller.expect("session.created")
            await caller.close()
            return caller.types

    assert clock.run(main, time="real")[0] == "session.created"
