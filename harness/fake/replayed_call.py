"""One call of a replayed service: the fake's peer connection around a recording instead of a conversation engine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from aiortc import MediaStreamTrack

from harness.fake.actions import Action
from harness.fake.faults.base import ServiceConduct
from harness.fake.peer import ServiceCall
from harness.fake.recorded_track import RecordedTrack
from harness.fake.replay.actions import CloseChannel, Emit, HandOver, HangUp, Missed, ReplayAction
from harness.fake.replay.acts import Script, script_of
from harness.fake.replay.answers import Answer, Fresh, answers_of, pages_of
from harness.fake.replay.audio import AudioReplay, Packet, packets_of, resounded
from harness.fake.replay.conversation import ReplayedConversation
from harness.fake.replay.player import Replay
from harness.faults.registry import PacketRewrite
from harness.media.opus import SILENCE
from harness.protocol.negotiation import opus_payload_types
from harness.protocol.rtp import RtpPacket
from harness.trace import Recording, Trace, dump

MISS = "ReplayMiss"
"""How the ``harness.error`` entry of a miss calls itself."""


@dataclass(frozen=True)
class RecordedService:
    """A recording, taken apart once for all its replays. ``lenient``: where it has no answer the engine gives its own."""

    recording: Recording
    script: Script
    packets: tuple[Packet, ...]
    lenient: bool = False

    @classmethod
    def of(cls, recording: Recording, *, lenient: bool = False, silence: bool = False) -> RecordedService:
        """Raises TraceError where the service's audio is missing, unless ``silence`` is to stand for it."""
        return cls(recording, script_of(recording.trace), packets_of(recording, silence=silence), lenient)

    @property
    def trace(self) -> Trace:
        """The recorded trace."""
        return self.recording.trace

    @property
    def lost(self) -> int:
        """Packets with sound for which silence stands, because the recording's file does not hold them."""
        return sum(one.payload is None and one.size > len(SILENCE) and not one.broken for one in self.packets)

    @cached_property
    def answers(self) -> Mapping[str, tuple[Answer, ...]]:
        """The HTTP answers by step."""
        return answers_of(self.trace)

    @cached_property
    def session_id(self) -> str:
        """The id of the recorded session; empty where none was told."""
        created = next(iter(self.trace.events("service", "session.created")), None)
        session = created.event.get("session") if created is not None else None
        told = session.get("id") if isinstance(session, Mapping) else None
        return told if isinstance(told, str) else ""

    @property
    def payload_type(self) -> int | None:
        """The number of Opus in the recorded answer; None without one."""
        answer = self.trace.first("sdp.answer")
        return next(iter(opus_payload_types(str(answer.data.get("sdp", "")))), None) if answer is not None else None

    @property
    def filtered(self) -> bool:
        """Whether the recorded client asked for ``webrtcfilter=on``: what it was sent passed the filter, or should have."""
        urls = [str(one.data.get("url", "")) for one in self.trace.of("http.request") if one.data.get("step") == "call"]
        return any("webrtcfilter=on" in url for url in urls)

    @cached_property
    def conduct(self) -> ServiceConduct:
        """How the recorded service behaved underneath its events."""
        trace = self.trace
        by_service = [
            one
            for one in trace.of("channel.dcep")
            if trace.sender(one) == "service" and one.data.get("message") == "ack"
        ]
        opening = next(
            (
                one
                for one in trace.of("channel.dcep")
                if trace.sender(one) == "client" and one.data.get("message") == "open"
            ),
            None,
        )
        made = next((one for one in trace.of("channel.created") if one.data.get("by") == "service"), None)
        reports = any(
            trace.sender(one) == "service" and one.data.get("types") != ["BYE"] for one in trace.of("rtp.rtcp")
        )
        number = made.data.get("id") if made is not None else None
        stream = by_service[0].data.get("stream") if by_service else None
        own = opening.data.get("stream") if opening is not None else stream
        return ServiceConduct(
            deserts=bool(trace.of("sdp.answer")) and not trace.of("connection.secured", "channel.open", "event"),
            acknowledges=opening is None or bool(by_service),
            ack_stream=stream if stream != own else None,
            own_stream=number if isinstance(number, int) else None,
            oversize=max((act.size for act in self.script.acts if _padded(act.message, act.size)), default=0),
            reports=reports or trace.seconds < 2.0 or not self.packets,
            pages=pages_of(trace),
        )


def _padded(message: Any, size: int) -> bool:
    """Whether the message was filled up with white space far beyond its text."""
    return isinstance(message, Mapping) and size > len(dump(message).encode()) + 4096


class ReplayedCall(ServiceCall):
    """A call in which the recorded service answers. ``fresh`` are the secrets and times of this replay; ``told`` gets notes and a miss as
    the kind and the data of a trace's entry."""

    def __init__(
        self, *args: Any, recorded: RecordedService, fresh: Fresh, told: Callable[..., object], **options: Any
    ) -> None:
        self._recorded = recorded
        self._ids: Callable[[str], str] = options["ids"]
        # The engine, should it take over, goes on with the session as the client knows it.
        options["ids"] = lambda prefix: (
            recorded.session_id if prefix == "sess" and recorded.session_id else self._ids(prefix)
        )
        self._fresh = fresh
        self._told = told
        self._track: RecordedTrack | None = None
        super().__init__(*args, **options)
        self._oversize = 0  # each event has the size that it had
        self._replayed = ReplayedConversation(Replay(recorded.script), self._conversation, lenient=recorded.lenient)
        self._conversation = self._replayed

    def _outgoing(self) -> tuple[MediaStreamTrack, PacketRewrite | None]:
        if not self._recorded.packets:
            return super()._outgoing()
        acts = [act.t for act in self._recorded.script.acts]
        packets = resounded(self._recorded.packets, self._faults.sound)
        self._track = track = RecordedTrack(AudioReplay(packets, acts, self._recorded.payload_type))
        faulty = self._faults.packets()

        def rewrite(packet: RtpPacket) -> Sequence[RtpPacket]:
            packets = tuple(track.rewrite(packet))
            return packets if faulty is None else tuple(one for each in packets for one in faulty(each))

        return track, rewrite

    def _do(self, actions: Sequence[ReplayAction]) -> None:
        own: list[Action] = []
        for action in actions:
            match action:
                case Emit():
                    self._emit(action)
                case CloseChannel():
                    self._acted(action)
                    if self._channel is not None:
                        self._channel.close()
                case HangUp():
                    self._ending.set()
                case HandOver(text=text):
                    if self._track is not None:
                        self._track.hand_over(self._voice)
                    self._told("harness.note", about="replay", text=text)
                case Missed():
                    self._miss(action)
                case _:
                    own.append(action)
        super()._do(own)

    def _emit(self, emit: Emit) -> None:
        self._acted(emit)
        message = emit.message
        if isinstance(message, Mapping):
            self._oversize = emit.size if _padded(message, emit.size) else 0
            self._send(self._fresh.value(message))
        else:
            self._transmit(message)

    def _acted(self, action: Emit | CloseChannel) -> None:
        if self._track is not None:
            self._track.acted(action.number, action.due)

    def _miss(self, missed: Missed) -> None:
        """Tell the client and whoever judges it what was expected; the call ends."""
        message = f"{missed.what}; {missed.seen}"
        error = {
            "type": "invalid_request_error",
            "code": "replay_miss",
            "message": message,
            "param": None,
            "event_id": None,
        }
        self._send({"type": "error", "event_id": self._ids("event"), "error": error})
        self._told("harness.error", error=MISS, step="session", what=missed.what, seen=missed.seen, fix=missed.fix)

    async def _clean_up(self) -> None:
        if text := self._replayed.unplayed:
            self._told("harness.note", about="replay", text=text)
        await super()._clean_up()


def conduct_of(recorded: RecordedService, faulty: ServiceConduct) -> ServiceConduct:
    """The recorded conduct, with what faults change of it."""
    changed = {
        name: getattr(faulty, name)
        for name in ServiceConduct.__dataclass_fields__
        if getattr(faulty, name) != getattr(ServiceConduct(), name)
    }
    return replace(recorded.conduct, **changed)
