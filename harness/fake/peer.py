"""One call of the fake service: a peer connection around a conversation. It carries frames, messages and time in, and actions out."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, assert_never

from aiortc import MediaStreamTrack, RTCDataChannel

from harness.fake.actions import Action, Close, Engine, Play, Send, StopAudio
from harness.fake.answers import VENDORS
from harness.fake.babble import babble
from harness.fake.conversation import Conversation, passes_filter
from harness.fake.faults import Faults, ServiceConduct
from harness.fake.sample_names import SEED_END, as_the_sample_expects
from harness.fake.settings import FakeSettings
from harness.fake.traces import Unrecorded
from harness.faults.registry import Message, PacketRewrite, leaving
from harness.media.capture import Capture, Frame
from harness.media.levels import FLOOR_DBFS
from harness.media.track import OutgoingAudio, Playing
from harness.protocol.dialects import Dialect
from harness.protocol.messages import decode, entry_of, size_of
from harness.scenario.script import FakeScript
from harness.trace import Recorder, dump
from harness.webrtc.peer import InvalidText, Limits, Misbehavior, Peer, RtpPacket

PACKET_SECONDS = 0.02
# Seconds between the service's last message and its hanging up; again so many, up to the larger number, until the message has been
# acknowledged: what is torn down with SCTP would never arrive.
LINGER = 0.1
LONGEST_LINGER = 10.0


class ServiceCall:
    """A call from the answer to its end. ``on_end`` is called once, when everything is closed.

    ``session`` and ``model`` are the key's; ``filtered`` is ``webrtcfilter=on``; ``audio(name)`` gives the packets of a
    recording, without it every reply is babble as long as its text; ``ids`` and ``epoch`` as in :class:`Conversation`. ``received``
    and ``sent`` hold the audio of both directions, where the call is recorded.
    """

    def __init__(
        self,
        dialect: Dialect,
        script: FakeScript,
        *,
        session: Mapping[str, Any],
        model: str,
        recorder: Recorder,
        settings: FakeSettings,
        faults: Faults | None = None,
        ids: Callable[[str], str],
        epoch: float,
        on_end: Callable[[ServiceCall], None],
        audio: Callable[[str], Sequence[bytes]] | None = None,
        filtered: bool = False,
        loopback: bool = True,
        conduct: ServiceConduct | None = None,
    ) -> None:
        self.dialect = dialect
        self.recorder = recorder
        self._settings = settings
        self._audio = audio
        self._faults = faults or Faults()
        self._conduct = conduct = conduct or self._faults.conduct
        self._out, self._heard = self._faults.events(dialect), self._faults.heard(dialect)
        self._oversize = conduct.oversize
        self._filtered = filtered and conduct.filters
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._longest = script.session_length or settings.max_call_seconds or dialect.session_minutes * 60.0
        self._conversation: Engine = Conversation(
            dialect,
            script,
            session=session,
            model=model,
            ids=ids,
            epoch=epoch,
            seconds_of=self._seconds_of if audio is not None else None,
            maximum=self._longest,
            transcribers=settings.deployments if VENDORS[dialect.vendor].needs_model else None,
        )
        self._voice = OutgoingAudio(pace=conduct.pace)
        track, rewrite = self._outgoing()
        self._playing: dict[tuple[str, str], Playing] = {}
        self._channel: RTCDataChannel | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._farewell: asyncio.TimerHandle | None = None
        self._delayed: list[asyncio.TimerHandle] = []
        self._ending = asyncio.Event()
        self._closed = False
        self._life: asyncio.Task[None] | None = None
        watched = not isinstance(recorder, Unrecorded)
        self.received = Capture(recorder, "received", on_frame=self._on_frame, keep=watched, conceal=True)
        self.sent = Capture(recorder, "sent", decode=False, keep=watched) if watched else None
        misbehavior = Misbehavior(
            rewrite,
            rtcp=conduct.reports,
            acknowledges=conduct.acknowledges,
            ack_stream=conduct.ack_stream,
            heeds_message_size=not conduct.oversize,
        )
        limits = Limits(
            bytes=settings.received_bytes, messages_per_second=settings.messages_per_second, channels=settings.channels
        )
        self._peer = Peer(
            recorder,
            loopback=loopback,
            track=track,
            on_packet=self._on_packet,
            misbehavior=misbehavior,
            limits=limits,
        )
        self._peer.on_channel = self._on_channel
        self._peer.on_early = partial(self._record_message, "received")

    def _outgoing(self) -> tuple[MediaStreamTrack, PacketRewrite | None]:
        """The outgoing track, and what becomes of its packets on their way."""
        return self._voice, self._faults.packets()

    async def answer(self, offer: str) -> str:
        """The answer to the caller's offer; from here on the call lives by itself. Raises RejectedDescription, and is closed then."""
        try:
            answer = await self._peer.answer(offer)
        except BaseException:
            await self._clean_up()
            raise
        self._life = self._loop.create_task(self._live())
        if self._conduct.deserts:
            self._ending.set()
        return answer

    @property
    def ending(self) -> bool:
        """True from the moment it was hung up."""
        return self._ending.is_set()

    def hang_up(self) -> None:
        """End the call soon, without waiting for it."""
        self._ending.set()

    async def close(self) -> None:
        """End the call and wait until nothing of it is left."""
        self._ending.set()
        if self._life is not None:
            await asyncio.wait([self._life])

    async def _live(self) -> None:
        over = [self._loop.create_task(event.wait()) for event in (self._peer.lost, self._ending)]
        connected = self._loop.create_task(self._peer.wait_connected(self._settings.connect_seconds))
        try:
            await asyncio.wait([connected, *over], return_when=asyncio.FIRST_COMPLETED)
            if connected.done() and connected.exception() is None:
                # The conversation ends itself in time; a call whose channel never opened has none.
                limit = self._longest + LINGER + LONGEST_LINGER
                await asyncio.wait(over, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (connected, *over):
                task.cancel()
            await asyncio.gather(connected, *over, return_exceptions=True)
            await self._clean_up()
            self._on_end(self)

    async def _clean_up(self) -> None:
        self._closed = True
        for timer in (self._timer, self._farewell, *self._delayed):
            if timer is not None:
                timer.cancel()
        await self._peer.close()
        self.received.flush()
        if self.sent is not None:
            self.sent.flush()

    # What comes in

    def _on_packet(self, packet: RtpPacket) -> None:
        self.received.packet(packet)
        if self.sent is not None:
            self.sent.packet(packet)

    def _on_frame(self, frame: Frame) -> None:
        if self._playing and not self._conduct.listens_while_speaking:
            frame = Frame(frame.t, FLOOR_DBFS, False)
        self._do(self._conversation.hear(frame.speech, frame.level_dbfs, self._loop.time()))

    def _on_channel(self, channel: RTCDataChannel) -> None:
        # With two channels only the most recent one gets events (cloudflare/realtime-examples#12).
        self._channel = channel
        self.recorder.record(
            "channel.created",
            label=channel.label,
            ordered=channel.ordered,
            protocol=channel.protocol,
            id=channel.id,
            max_retransmits=channel.maxRetransmits,
            max_packet_life_time=channel.maxPacketLifeTime,
            by="client",
        )
        self.recorder.record("channel.open", label=channel.label, id=channel.id)
        channel.on("message", self._on_message)
        channel.on("close", partial(self._on_channel_closed, channel))
        self._do(self._conversation.connect(self._loop.time()))
        self._misconduct(channel)

    def _misconduct(self, channel: RTCDataChannel) -> None:
        """What a faulty service does to the connection once the channel is open."""
        conduct = self._conduct
        if conduct.own_stream is not None:
            self._peer.create_channel(channel.label, id=conduct.own_stream)
        if conduct.closes_channel_after is not None:
            self._later(conduct.closes_channel_after, channel.close)
        if conduct.hangs_up_after is not None:
            self._later(conduct.hangs_up_after, self._ending.set)

    def _later(self, seconds: float, act: Callable[[], object]) -> None:
        self._delayed.append(self._loop.call_later(seconds, act))

    def _on_channel_closed(self, channel: RTCDataChannel) -> None:
        self.recorder.record("channel.closed", label=channel.label, id=channel.id)

    def _on_message(self, message: str | bytes) -> None:
        self._record_message("received", message)
        heard = self._as_heard(message)
        if heard is not None:
            self._do(self._conversation.receive(heard, self._loop.time()))

    def _as_heard(self, message: str | bytes) -> str | bytes | None:
        """The message as a faulty service hears it; None where it does not."""
        event = decode(message)[0] if self._heard else None
        if event is None:
            return message
        heard: Mapping[str, Any] | None = event
        for rewrite in self._heard:
            heard = rewrite(heard) if heard is not None else None
        return message if heard is event else None if heard is None else dump(heard)

    def _record_message(self, direction: str, message: str | bytes) -> None:
        kind, data = entry_of(message, direction, invalid=isinstance(message, InvalidText))
        self.recorder.record(kind, **data)

    # What goes out

    def _do(self, actions: Sequence[Action]) -> None:
        for action in actions:
            match action:
                case Send(event=event):
                    self._send(event)
                case Play():
                    self._play(action)
                case StopAudio(response_id=response_id):
                    self._stop_audio(response_id)
                case Close(reason=reason):
                    self.recorder.record("harness.note", text=f"the service ends the call: {reason}")
                    self._end_soon()
                case _:
                    assert_never(action)
        self._set_timer()

    def _send(self, event: Mapping[str, Any]) -> None:
        """An event, with whatever the faults make of it, now or later."""
        for delay, message in leaving(event, self._out):
            if delay:
                self._later(delay, partial(self._transmit, message))
            else:
                self._transmit(message)

    def _transmit(self, message: Message) -> None:
        kind = message.get("type") if isinstance(message, Mapping) else None
        if isinstance(message, Mapping) and isinstance(kind, str):
            if self._filtered and not passes_filter(kind):
                return
            message = as_the_sample_expects(message) if self._settings.sample_names else message
        channel = self._channel
        if channel is None or channel.readyState != "open":
            return
        text = dump(message) if isinstance(message, Mapping) else message
        if self._oversize and isinstance(text, str):
            text, self._oversize = (
                text.ljust(self._oversize),
                0,
            )  # white space after a JSON text belongs to it (RFC 8259 section 2)
        if channel.bufferedAmount > self._settings.queued_bytes:
            self.recorder.record("harness.note", text="the call is ended: the client takes no events", about="limits")
            self._ending.set()
            return
        try:
            channel.send(text)
        except ValueError as error:
            # Longer than the max-message-size of the offer (RFC 8841 section 6).
            self.recorder.record(
                "harness.note", text=f"{kind or 'a message'} not sent: {error}", about="a=max-message-size"
            )
            return
        if isinstance(message, Mapping) and isinstance(kind, str):
            self.recorder.record("event.sent", event=message, size=size_of(text))
        else:
            self._record_message("sent", text)

    def _play(self, play: Play) -> None:
        packets = self._packets(play.audio) if play.audio is not None else ()
        self._playing[play.response_id, play.item_id] = self._voice.say(
            self._faults.sound(packets or babble(play.seconds)),
            on_start=partial(self._on_first_packet, play),
            on_done=partial(self._on_drained, play),
        )

    def _on_first_packet(self, play: Play) -> None:
        self._do(self._conversation.played(play.response_id, play.item_id, 0, self._loop.time()))

    def _on_drained(self, play: Play) -> None:
        self._playing.pop((play.response_id, play.item_id), None)
        self._do(self._conversation.drained(play.response_id, play.item_id, self._loop.time()))

    def _stop_audio(self, response_id: str) -> None:
        for place in [place for place in self._playing if place[0] == response_id]:
            playing = self._playing.pop(place)
            if self._conduct.stops_audio:
                playing.cut()

    def _packets(self, name: str) -> Sequence[bytes]:
        return self._audio(name) if self._audio is not None else ()

    def _seconds_of(self, name: str) -> float:
        return len(self._packets(name)) * PACKET_SECONDS

    # Time

    def _set_timer(self) -> None:
        deadline = self._conversation.deadline
        if self._timer is not None:
            if self._timer.when() == deadline:
                return
            self._timer.cancel()
            self._timer = None
        if deadline is not None and not self._closed:
            self._timer = self._loop.call_at(deadline, self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        self._do(self._conversation.tick(self._loop.time()))

    def _end_soon(self) -> None:
        if self._settings.sample_names:
            self._send(SEED_END)
        self._linger(self._loop.time() + LONGEST_LINGER)

    def _linger(self, until: float) -> None:
        def leave() -> None:
            if self._peer.unacknowledged and self._loop.time() < until:
                self._linger(until)
            else:
                self._ending.set()

        self._farewell = self._loop.call_later(LINGER, leave)
