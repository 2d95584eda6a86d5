"""Every entry of the founding documents' troubleshooting lists, provoked: its diagnosis is the first line behind the verdict."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from harness.cli import main as cli
from harness.fake.server import FakeService
from harness.fake.settings import FakeSettings
from harness.judging.recording import result_of
from harness.protocol.dialects import DIALECTS
from harness.report.text import failure
from harness.running import clock
from harness.trace import Header, Recorder, Trace
from tests.audio_files import Audio
from tests.diagnosis.cases import refused

Harness = Callable[..., list[str]]

SETUP = "title: t\nsteps: [{expect: session.updated, within: 2s}]\n"
SPOKEN = """title: t
steps:
  - say: caller-queen-of-clubs.wav
  - expect: input_audio_buffer.speech_started
  - hear: {speech: 500ms, within: 5s}
"""
PREVIEW, GA, OPENAI = "azure-preview", "azure-ga", "openai-ga"
PAGE = {"origin": "http://localhost:5173", "user-agent": "Mozilla/5.0", "api-key": "k"}


@pytest.fixture
def harness(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Harness:
    """Runs the command in an empty folder and returns the lines it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*words: str | Path) -> list[str]:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, words)])
        with pytest.raises(SystemExit):
            cli.main()
        return capfd.readouterr().out.splitlines()

    return run


def caller(settings: str, rest: str = SETUP) -> str:
    return f"caller: {{{settings}}}\n{rest}"


# What is provoked -> scenario, dialect, the fake's fault, the diagnosis.
PROVOKED = {
    "deployment not found": (caller("model: no-such-deployment") + "fake: {deployments: [gpt-realtime]}\n", GA, None, "deployment-not-found"),
    "region mismatch": (caller("region: eastus"), PREVIEW, None, "region-mismatch"),
    "API key invalid": (caller("api_key: not-a-valid-api-key"), PREVIEW, None, "api-key-invalid"),
    "the key itself at the WebRTC endpoint": (caller("faults: [api-key-at-the-call-endpoint]"), GA, None, "ephemeral-key-required"),
    "the old single endpoint": (caller("faults: [token-at-the-single-endpoint]"), PREVIEW, None, "websocket-path"),
    "expired key": (caller("key_age: 75s"), PREVIEW, None, "ephemeral-key-expired"),
    "channel created after the offer": (caller("channel: after-offer"), PREVIEW, None, "channel-created-after-offer"),
    "SDP exchange failed": (SETUP, GA, "call-invalid-offer", "offer-refused"),
    "SDP exchange failed and nobody looked at the status": (
        caller("faults: [error-taken-for-an-answer]"), GA, "call-key-expired", "error-taken-for-answer"
    ),
    "network or firewall": (SETUP, PREVIEW, "ice-wrong-password", "ice-never-connected"),
    "DTLS failed": (SETUP, GA, "dtls-other-certificate", "certificate-mismatch"),
    "channel never opens": (SETUP, GA, "dcep-not-acknowledged", "channel-not-acknowledged"),
    "session.update not sent": (caller("update_on_open: false"), PREVIEW, None, "session-update-not-sent"),
    "session.update without a type": (caller("faults: [update-without-a-type]"), GA, None, "session-type-missing"),
    "session.update with beta fields": (caller("faults: [beta-voice-in-ga]"), OPENAI, None, "other-generations-fields"),
    "event of the sample code": (
        caller("faults: [fictional-message]", "title: t\nsteps: [{wait: 1s}, {never: error}]\n"), PREVIEW, None, "sample-code-events"
    ),
    "the filter hides what is waited for": (
        caller("webrtcfilter: true, faults: [waits-for-what-the-filter-hides]", "title: t\nsteps: [{wait: 12s}]\n"),
        GA, None, "filter-hides-events",
    ),
    "no audio: the remote track never comes": (
        f"network: one-way-audio\n{SPOKEN}", PREVIEW, None, "no-rtp-received"
    ),
    "microphone heard by nobody: the audio is lost on its way": (
        f"network: {{audio_lost: sent}}\n{SPOKEN}", PREVIEW, None, "caller-audio-lost"
    ),
    "network or firewall: the connection goes away": (
        "title: t\nnetwork: cut-off\nsteps: [{wait: 60s}]\n", PREVIEW, None, "network-disturbed"
    ),
    "no audio: text alone": (
        "title: t\nsession: {modalities: [text]}\nsteps: [{text: Hello.}, {hear: {speech: 500ms, within: 3s}}]\n",
        PREVIEW, None, "text-only-session",
    ),
    "no audio: the track is silent": (SPOKEN, PREVIEW, "audio-silent", "silent-output"),
    "no audio: the client sends none in silence": (
        f"caller: {{faults: [no-rtp-in-silence]}}\n{SPOKEN}", PREVIEW, None, "no-rtp-in-silence"
    ),
    "silent microphone": (
        "title: t\nsteps: [{say: silence.wav}, {expect: input_audio_buffer.speech_started, within: 3s}]\n",
        PREVIEW, None, "silent-input",
    ),
    "text without response.create": (
        "title: t\nsteps: [{text: Hello., respond: false}, {expect: response.done, within: 3s}]\n",
        GA, None, "item-without-response",
    ),
    "nobody asked for a transcript": (
        "title: t\nsteps:\n  - say: caller-queen-of-clubs.wav\n"
        "  - {expect: conversation.item.input_audio_transcription.completed, within: 8s}\n",
        PREVIEW, None, "transcription-not-configured",
    ),
}  # fmt: skip


@pytest.mark.parametrize("entry", PROVOKED)
def test_provoked_entry_is_diagnosed_behind_the_verdict(entry: str, harness: Harness) -> None:
    text, dialect, fault, diagnosis = PROVOKED[entry]
    Path("scenario.yaml").write_text(text)
    Audio("silence", seconds=1.0).write(Path("silence"))
    verdict, cause, fix, *_ = harness("run", "scenario.yaml", "-d", dialect, *(["--fault", fault] if fault else []))
    assert re.match(rf"[✗!] (nonconformant|error) +scenario.yaml::{dialect}", verdict)
    assert re.fullmatch(rf"    cause     \S.*  \[{diagnosis}\]", cause)
    assert re.match(r"    fix       \S", fix)


def judged(harness: Harness, trace: Trace) -> list[str]:
    Path("trace.ndjson").write_text("".join(f"{line}\n" for line in trace.lines()))
    return harness("judge", "trace.ndjson")


def test_wrong_domain_is_diagnosed_from_a_recording(harness: Harness) -> None:
    host = "https://my-resource.cognitiveservices.azure.com"
    url = f"{host}/openai/realtime?api-version=2024-10-01-preview&deployment=gpt-realtime"
    lines = judged(harness, refused("key", 404, url=url, dialect=PREVIEW).trace)
    assert lines[1].endswith("[wrong-domain]")


@pytest.mark.parametrize(
    ("asked_for", "cause", "fix"),
    [
        (None, r"did not even ask leave.*\[page-never-called\]", "Permission denied"),
        ("authorization,content-type", r"got it: something else.*\[page-never-called\]", "Permission denied"),
        (
            "authorization, originator",
            r"localhost:5173: the header originator is not allowed\.  \[preflight-refused\]",
            "no header",
        ),
    ],
    ids=["microphone denied", "stopped behind the preflight", "CORS"],
)
def test_page_that_gives_up_after_its_key_is_diagnosed_by_the_service(
    asked_for: str | None, cause: str, fix: str
) -> None:
    """The founding documents' page asks for the key, then for the microphone, then posts its offer; a browser asks leave first."""
    traces: list[Trace] = []

    async def visit() -> None:
        service = FakeService(
            dialects=(DIALECTS[PREVIEW],),
            settings=FakeSettings(api_keys=("k",)),
            recorder_for=lambda dialect: Recorder(Header("service", dialect), lambda: 0.0),
            on_trace=lambda recorder: traces.append(recorder.trace()),
        )
        url = await service.start()
        async with httpx.AsyncClient(trust_env=False) as page:
            path = "/openai/realtimeapi/sessions?api-version=2025-04-01-preview"
            minted = await page.post(url + path, headers=PAGE, json={"model": "gpt-4o-realtime-preview"})
            assert minted.status_code == 200
            if asked_for is not None:
                asks = {"access-control-request-method": "POST", "access-control-request-headers": asked_for}
                browser = {"origin": PAGE["origin"], "user-agent": PAGE["user-agent"]}
                await page.options(f"{url}/v1/realtimertc", headers={**browser, **asks})
        await service.stop()

    clock.run(visit, time="virtual")
    (trace,) = traces
    _, told, advice, *_ = failure(result_of(trace, name="a page"))
    assert re.search(cause, told)
    assert fix in advice


@pytest.mark.parametrize("name", ["cors", "microphone-denied", "autoplay-blocked", "nobody-reads-the-track"])
def test_what_only_a_browser_sees_is_explained(name: str, harness: Harness) -> None:
    lines = harness("explain", name)
    assert lines[0].startswith(f"{name}  ")
    assert any("explained here and never claimed" in line for line in lines)
