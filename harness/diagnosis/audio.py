"""Causes in what is heard and in what is written of it: the assistant's audio, its end, the transcripts."""

from __future__ import annotations

from harness.diagnosis.base import Case, Evidence, cause
from harness.diagnosis.network import on_purpose
from harness.diagnosis.session import effective, text_only
from harness.diagnosis.turns import COMMITTED, SETTLED_SECONDS
from harness.rules.support.fields import at, listing, text
from harness.rules.support.history import history
from harness.rules.support.sources import MS_REFERENCE, OWN, SERVER_EVENTS, issue
from harness.trace import Entry

SOON = 5.0
"""Seconds after response.done within which hanging up has to do with it."""
_TRANSCRIPT = "conversation.item.input_audio_transcription"


def _wants_sound(case: Case) -> bool:
    waited = case.waited_for(r"of speech in the received audio|^response\.(output_)?audio|^output_audio_buffer\.")
    return bool(waited) or "first-audio" in case.missing


@cause(
    "text-only-session",
    "The session answers in text alone.",
    rank=1100,
    fix='Ask for audio: output_modalities ["audio"] in GA, modalities ["text", "audio"] in beta, in the session and in response.create.',
    source=issue("openai/openai-agents-js#214"),
)
def text_only_session(case: Case) -> Evidence:
    """Sound was waited for, and the session's modalities, or those of the last response.create before, are text alone."""
    if not _wants_sound(case):
        return []
    path = case.view.dialect.session_path("modalities") or ()
    shown = effective(case)
    until = min((one.seq for one in case.missed), default=len(case.trace.entries))
    last = [one for one in case.client("response.create") if one.seq < until][-1:]
    asked = [one for one in last if list(listing(one.event, "response", *path)) == ["text"]]
    return asked or ([shown] if shown and text_only(shown, path) else [])


@cause(
    "silent-output",
    "The service plays an answer, and its track is silent.",
    rank=1105,
    fix="The audio is lost before it reaches the track: look at the service; in a page, check that the element plays the stream of ontrack and is not muted.",
    source=SERVER_EVENTS,
)
def silent_output(case: Case) -> Evidence:
    """output_audio_buffer.started came, RTP came, and nothing in it is audible (MED-07)."""
    started = case.server("output_audio_buffer.started")
    return [*started[:1], *case.broken("MED-07")] if case.broken("MED-07") else _silent(case, started)


def _silent(case: Case, started: list[Entry]) -> list[Entry]:
    heard = [one for one in case.trace.of("audio.speech") if case.trace.sender(one) == "service"]
    packets = [one for one in case.trace.of("rtp.packets") if case.trace.sender(one) == "service"]
    wanted = case.waited_for(r"of speech in the received audio")
    cleared = case.server("output_audio_buffer.cleared")
    return [*started[:1], *wanted] if wanted and started and packets and not heard and not cleared else []


@cause(
    "no-rtp-received",
    "The connection is up, but no audio packet of the service arrives: one-way audio.",
    rank=1110,
    fix="Check that the SRTP profile and DTLS role are those that were negotiated, and that nothing on the way (firewall, NAT, gateway) drops UDP in one direction.",
    source=issue("sipsorcery-org/sipsorcery#1286"),
    tell=on_purpose,
)
def no_rtp_received(case: Case) -> Evidence:
    """Something was to be heard, the channel was open for more than two seconds, and not one RTP packet of the service is recorded."""
    opened = case.trace.first("channel.open")
    packets = [one for one in case.trace.of("rtp.packets") if case.trace.sender(one) == "service"]
    if opened is None or packets or case.trace.seconds - opened.t < SETTLED_SECONDS:
        return []
    wanted = [*case.waited_for("in the received audio"), *case.broken("MED-07")]
    return wanted or ([opened] if "first-audio" in case.missing else [])


@cause(
    "cleared-without-cancel",
    "The client cleared the audio and let the response go on: it is made and never heard.",
    rank=1115,
    fix="Send response.cancel before output_audio_buffer.clear.",
    source=SERVER_EVENTS,
)
def cleared_without_cancel(case: Case) -> Evidence:
    """output_audio_buffer.clear without response.cancel while the response ran (PLAY-05)."""
    return case.broken("PLAY-05")


@cause(
    "cancelled-while-playing",
    "The client cancels a response that is complete and still playing.",
    rank=1117,
    fix="Send output_audio_buffer.clear to stop the audio, and conversation.item.truncate to shorten the item in the history.",
    source=SERVER_EVENTS,
)
def cancelled_while_playing(case: Case) -> Evidence:
    """An error response_cancel_not_active, while the audio of a response that is done was still in the output buffer."""
    course = history(case.view)
    for error in case.errors("response_cancel_not_active"):
        sent = [one for one in case.client("response.cancel") if one.seq < error.seq][-1:]
        if sent and any(one.playing(sent[0].seq) and not one.running(sent[0].seq) for one in course.responses.values()):
            return [*sent, error]
    return []


@cause(
    "audio-not-decodable",
    "The audio that arrives is no Opus that decodes.",
    rank=1120,
    fix="Send what was negotiated: Opus at the payload type of the answer, one whole packet in each RTP packet.",
    source=issue("sipsorcery-org/sipsorcery#1286"),
)
def audio_not_decodable(case: Case) -> Evidence:
    """Opus packets that do not decode, or a payload type that was not negotiated (MED-01, MED-06)."""
    return case.broken("MED-06", "MED-01")


@cause(
    "stopped-at-response-done",
    "The call ended at response.done, while its audio was still being played.",
    rank=1125,
    fix="Wait for output_audio_buffer.stopped (or cleared) before hanging up or muting: response.done says only that the answer has been made.",
    source=f"{issue('livekit/agents#1988')}; {issue('Azure-Samples/aoai-realtime-audio-sdk#26')}",
)
def stopped_at_response_done(case: Case) -> Evidence:
    """The client hung up or closed the channel soon after response.done, before output_audio_buffer.stopped, and sound was missed."""
    done = case.server("response.done")
    started = case.server("output_audio_buffer.started")
    ended = case.server("output_audio_buffer.stopped", "output_audio_buffer.cleared")
    closed = case.trace.of("channel.closed")
    hung_up = [one for one in case.trace.of("http.request") if one.data.get("step") == "hangup"]
    last = [*hung_up, *closed][:1]
    if not done or not last or len(started) <= len(ended) or done[-1].seq > last[0].seq or case.lost():
        return []
    if last[0].t - done[-1].t > SOON:
        return []
    if any(one.seq < last[0].seq for one in case.waited_for(r"^output_audio_buffer\.")):
        return []  # it waited, and hung up when nothing came
    return [done[-1], *last] if _wants_sound(case) else []


@cause(
    "transcription-not-configured",
    "The caller's words are not transcribed, because the session does not ask for it.",
    rank=1130,
    fix="Set input_audio_transcription (beta) or audio.input.transcription (GA); response.*audio_transcript* is what the assistant says.",
    source=f"{issue('openai/openai-realtime-console#46')}; {issue('openai/openai-agents-js#297')}",
)
def transcription_not_configured(case: Case) -> Evidence:
    """A step waited for the input transcription, and the session that the service showed has none."""
    waited = case.waited_for(rf"^{_TRANSCRIPT.replace('.', r'[.]')}")
    shown, path = effective(case), case.view.dialect.session_path("transcription")
    if not waited or shown is None:
        return []
    configured = at(shown.event, "session", *(path or ()))
    return [shown, *waited] if not isinstance(configured, dict) or not configured else []


@cause(
    "transcription-model-no-deployment",
    "The Azure resource has no deployment with the name of the transcription model.",
    rank=1135,
    fix="Deploy a transcription model and give the deployment's name as its model.",
    source=f"{MS_REFERENCE}; {issue('BerriAI/litellm#28535')}",
)
def transcription_model_no_deployment(case: Case) -> Evidence:
    """Transcription failed because of its deployment, or SES-15."""
    failed = [one for one in _failed(case) if "deployment" in str(at(one.event, "error")).lower()]
    return [*failed, *case.broken("SES-15")]


@cause(
    "transcription-failed",
    "The service could not transcribe what the caller said.",
    rank=1140,
    fix="Handle conversation.item.input_audio_transcription.failed: the turn itself goes on; its error says why (unintelligible audio, model, limit).",
    source=f"{MS_REFERENCE}; {SERVER_EVENTS}",
)
def transcription_failed(case: Case) -> Evidence:
    """A transcription .failed event that nobody expected."""
    return _failed(case)


def _failed(case: Case) -> list[Entry]:
    return [one for one in case.server(f"{_TRANSCRIPT}.failed") if one.seq not in case.expected]


@cause(
    "transcription-missing",
    "Transcription is configured, the turn was taken, and no transcript came.",
    rank=1145,
    fix="Look at the service: each committed turn is transcribed or fails to be. Transcripts come late, sometimes after response.done.",
    source=f"{SERVER_EVENTS}; {OWN}",
)
def transcription_missing(case: Case) -> Evidence:
    """A committed turn without transcript (TRN-02), or a step that waited for one in vain."""
    waited = case.waited_for(rf"^{_TRANSCRIPT.replace('.', r'[.]')}")
    committed = case.server(COMMITTED)
    written = case.server(f"{_TRANSCRIPT}.completed", f"{_TRANSCRIPT}.failed")
    if len(written) >= len(committed):
        return []
    return [*committed[-1:], *waited, *case.broken("TRN-02")] if waited or case.broken("TRN-02") else []


def heard(case: Case) -> str:
    """Whether audio flowed, each way, in words."""
    ways = []
    for party, name in (("client", "the caller's"), ("service", "the service's")):
        packets = any(case.trace.sender(one) == party for one in case.trace.of("rtp.packets"))
        speech = any(
            case.trace.sender(one) == party and text(one.data, "state") == "started"
            for one in case.trace.of("audio.speech")
        )
        ways.append(f"{name} audio {'with speech' if speech else 'without speech' if packets else 'never came'}")
    return ", ".join(ways)
