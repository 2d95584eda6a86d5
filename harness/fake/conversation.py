"""The conversation engine of the fake service: client events, audio levels and time in; actions out. No I/O and no clock.

Theory of operation. The engine is a function of its inputs: each takes the time of day ``now``, in seconds on any clock that does not
go back, and returns the actions that it causes, in the order in which they have to be carried out, before the next input. An input
first does all that was due until ``now`` (:class:`Timers`: each at its own time, however late the caller is), then its own work.

    connect   once, when the data channel opens: session.created, conversation.created, the tools of MCP servers
    receive   a message of the client; whatever is wrong with it is answered by one ``error`` event and changes nothing
    hear      20 ms of the caller's audio: may begin a turn (and cut off what is playing), or end one and have it answered
    played    audio of a message has left the track: only what was heard counts for truncation, and playback has started
    drained   nothing of a message is left in the track: playback may stop
    tick      nothing but time; wanted at ``deadline``
    -> Send an event, Play a recording or a tone, StopAudio of a response, Close

Events of one cause come in this order: what became of the input (committed, cleared, item), then of the turn (item added and done,
transcription started), then of responses (created, items, parts, deltas, their ends inside out, response.done). The audio goes its own
way: it is made faster than it plays, so that response.done comes before output_audio_buffer.stopped. Between inputs nothing changes:
no session before ``connect``, none after ``Close``; at most one response writes to the default conversation; each item is announced
before anything names it.

It behaves plausibly, it understands nothing: what it says and hears is the script's. Where the vendors do not say how the
service behaves, the choice made is explained beside the code that makes it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from harness.fake.actions import Action, Close, Outbox
from harness.fake.checks import Refusal
from harness.fake.client_events import check_event, decode, event_id_of
from harness.fake.items import Item, Items
from harness.fake.mcp import McpTools
from harness.fake.playback import Playback
from harness.fake.replies import Replies, with_tool_choice
from harness.fake.responses import Responses
from harness.fake.session import Configuration
from harness.fake.shapes import shape_of
from harness.fake.timers import Timer, Timers
from harness.fake.transcription import Transcriber
from harness.fake.turns import MINIMUM_COMMIT_MS, InputAudio
from harness.protocol.dialects import WEBRTC_FILTER, Dialect
from harness.scenario.script import FakeScript


def passes_filter(event_type: str) -> bool:
    """Does a server event reach the client's channel under ``webrtcfilter=on``? (Microsoft, realtime-audio-webrtc, GA)."""
    return event_type in WEBRTC_FILTER


class Conversation:
    """One session.

    ``session`` is the key's session in the dialect's wire shape, ``model`` the deployment or model. ``ids(prefix)`` makes an
    id from a bare prefix: event, sess, conv, item, resp, call, seg. ``epoch`` is Unix time at 0 of the clock. ``seconds_of``
    tells the length of a recording by name (0, or without it, it is guessed from the text). ``maximum`` is the longest session in
    seconds, by default the dialect's. ``transcription`` forces a transcription session; otherwise ``session`` tells. ``transcribers``
    are the models it transcribes with, None for any.
    """

    def __init__(
        self,
        dialect: Dialect,
        script: FakeScript,
        *,
        session: Mapping[str, Any],
        model: str,
        ids: Callable[[str], str],
        epoch: float,
        transcription: bool = False,
        seconds_of: Callable[[str], float] | None = None,
        maximum: float | None = None,
        transcribers: Collection[str] | None = None,
    ) -> None:
        shape = shape_of(dialect)
        kind = (session.get("type"), session.get("object"))
        transcription = transcription or kind[0] == "transcription" or kind[1] == "realtime.transcription_session"
        self.configuration = Configuration(dialect, model=model, transcription=transcription)
        self.configuration.adopt(session)
        self.closed = False
        self._dialect = dialect
        self._shape = shape
        self._epoch = epoch
        self._maximum = dialect.session_minutes * 60.0 if maximum is None else maximum
        self._outbox = Outbox(dialect, ids)
        self._timers = Timers()
        self._items = Items(shape.item, ids)
        self._input = InputAudio()
        self._replies = Replies(script)
        self._transcriber = Transcriber(self._outbox, self._timers, self._items, transcribers)
        self._mcp = McpTools(self._outbox, self._timers, self._items, script.mcp)
        self._playback = Playback(self._outbox, self._timers, self._settled)
        self._responses = Responses(
            self._outbox,
            self._timers,
            self._items,
            self._playback,
            self._mcp,
            shape,
            seconds_of=seconds_of,
            on_done=self._settled,
        )
        self._session_id = ""
        self._conversation_id = ""
        self._expires_at = 0
        self._turn: str | None = None  # the item that speech in progress will become
        self._answered = False
        self._idle: Timer | None = None
        self._handlers: Mapping[str, Callable[[Mapping[str, Any]], None]] = {
            "session.update": self._update_session,
            "transcription_session.update": self._update_session,
            "input_audio_buffer.append": self._append,
            "input_audio_buffer.commit": self._commit_by_client,
            "input_audio_buffer.clear": self._clear_input,
            "output_audio_buffer.clear": self._clear_output,
            "conversation.item.create": self._create_item,
            "conversation.item.retrieve": self._retrieve_item,
            "conversation.item.delete": self._delete_item,
            "conversation.item.truncate": self._truncate_item,
            "response.create": self._create_response,
            "response.cancel": lambda event: self._responses.cancel(event.get("response_id")),
        }

    # -- inputs ----------------------------------------------------------------------------------------------------------

    def connect(self, now: float) -> list[Action]:
        """The data channel is open: the session begins. Further calls do nothing."""
        if self.closed or self._session_id:
            return []
        self._timers.run(now)
        self._session_id, self._conversation_id = self._outbox.ids("sess"), self._outbox.ids("conv")
        self._expires_at = int(self._epoch + now + self._maximum)
        self._timers.at(now + self._maximum, self._expire)
        self._outbox.emit("session.created", session=self._session())
        conversation = {"id": self._conversation_id, "object": "realtime.conversation"}
        self._outbox.emit("conversation.created", conversation=conversation)
        self._mcp.list_new(self.configuration["tools"] or ())
        return self._outbox.take()

    def receive(self, message: str | bytes, now: float) -> list[Action]:
        """A message from the client's channel. Whatever is wrong with it is answered by an ``error`` event."""
        if self._enter(now):
            event_id: str | None = None
            try:
                event = decode(message)
                event_id = event_id_of(event)
                check_event(self._dialect, event)
                self._handlers[event["type"]](event)
            except Refusal as refusal:
                self._outbox.emit("error", error=refusal.error(event_id))
        return self._outbox.take()

    def hear(self, speech: bool, level: float, now: float) -> list[Action]:
        """One 20 ms frame of the caller's audio: is it speech, and its level in dBFS."""
        if self._enter(now):
            match self._input.hear(speech, level, self.configuration["turn_detection"]):
                case "started":
                    self._speech_started()
                case "stopped":
                    self._speech_stopped()
        return self._outbox.take()

    def played(self, response_id: str, item_id: str, ms: float, now: float) -> list[Action]:
        """``ms`` of this message's audio have left the track; to be called when its first audio leaves, then at will."""
        if self._enter(now):
            self._playback.played(response_id, item_id, ms / 1000)
        return self._outbox.take()

    def drained(self, response_id: str, item_id: str, now: float) -> list[Action]:
        """Nothing of this message's audio is left in the track."""
        if self._enter(now):
            self._playback.drained(response_id, item_id)
        return self._outbox.take()

    def tick(self, now: float) -> list[Action]:
        """Time has passed."""
        self._enter(now)
        return self._outbox.take()

    @property
    def deadline(self) -> float | None:
        """When ``tick`` is wanted next, or None."""
        return None if self.closed else self._timers.next

    def _enter(self, now: float) -> bool:
        """Do what was due until now; False when there is no session (yet, or any more)."""
        if self.closed or not self._session_id:
            return False
        self._timers.run(now)
        return not self.closed

    # -- the session -----------------------------------------------------------------------------------------------------

    def _session(self) -> dict[str, Any]:
        return self.configuration.view(self._session_id, self._expires_at)

    def _update_session(self, event: Mapping[str, Any]) -> None:
        ours = self._shape.transcription_event if self.configuration.transcription else "session.update"
        if event["type"] != ours:
            raise Refusal("invalid_value", f"Passing a {event['type']} event to this session is not allowed.", "type")
        busy = self._responses.default is not None
        self.configuration.update(event["session"], spoken=self._playback.ever, busy=busy)
        if self.configuration["turn_detection"] is None:
            self._input.forget_turn()
            self._turn = None
        self._outbox.emit(f"{event['type']}d", session=self._session())
        self._mcp.list_new(self.configuration["tools"] or ())
        self._rest()
        self._settled(answered=self._answered)

    def _expire(self) -> None:
        what = f"Your session hit the maximum duration of {self._maximum / 60:g} minutes."
        self._outbox.emit("error", error=Refusal("session_expired", what).error())
        self._outbox.act(Close("session_expired"))
        self._timers.clear()
        self.closed = True

    # -- the caller's audio ----------------------------------------------------------------------------------------------

    def _speech_started(self) -> None:
        self._turn = self._items.fresh_id()
        start = self._input.start_ms
        self._outbox.emit("input_audio_buffer.speech_started", audio_start_ms=start, item_id=self._turn)
        self._rest()
        if not self.configuration["turn_detection"]["interrupt_response"]:
            return
        self._responses.interrupt()
        for item_id, heard_ms in self._playback.interrupt():
            # Over WebRTC the service knows what was played and truncates by itself (OpenAI, realtime conversations guide).
            # Whether it then also sends the event is not documented; this one does.
            item = self._items.get(item_id)
            if item is not None and heard_ms < (item.audio_ms or 0):
                self._truncate(item_id, 0, heard_ms)

    def _speech_stopped(self) -> None:
        end = self._input.written_ms
        self._outbox.emit("input_audio_buffer.speech_stopped", audio_end_ms=end, item_id=self._turn)
        self._commit(self._replies.hear())
        if self.configuration["turn_detection"]["create_response"]:
            self._respond_unasked()

    def _append(self, event: Mapping[str, Any]) -> None:
        self._input.append(event["audio"], self.configuration["input_audio_format"])

    def _commit_by_client(self, event: Mapping[str, Any]) -> None:
        pending = self._input.pending_ms(self.configuration["turn_detection"])
        if pending < MINIMUM_COMMIT_MS:
            # openai/openai-agents-js#748
            what = (
                "Error committing input audio buffer: buffer too small. "
                f"Expected at least {MINIMUM_COMMIT_MS}ms of audio, but buffer only has {pending:.2f}ms of audio."
            )
            raise Refusal("input_audio_buffer_commit_empty", what)
        # During speech this takes the item that was announced; speech that goes on afterwards is a turn of its own.
        self._commit(self._replies.hear())

    def _commit(self, heard: tuple[str, str | None]) -> None:
        """Make the buffer a user item, and have it transcribed where that is configured."""
        item_id, self._turn = self._turn or self._items.fresh_id(), None
        content = [{"type": "input_audio", "transcript": None}]
        data = {"id": item_id, "object": "realtime.item", "type": "message", "status": "completed", "role": "user"}
        item = Item({**data, "content": content}, self._input.take())
        self._outbox.emit("input_audio_buffer.committed", previous_item_id=self._items.last, item_id=item_id)
        self._announce(item, self._items.append(item))
        transcription = self.configuration["transcription"]
        if transcription is not None:
            self._transcriber.start(item, *heard, transcription, self.configuration["include"])

    def _clear_input(self, event: Mapping[str, Any]) -> None:
        self._input.take()
        self._turn = None
        self._outbox.emit("input_audio_buffer.cleared")

    def _clear_output(self, event: Mapping[str, Any]) -> None:
        if not self._playback.clear():
            # `cleared` must name a response, and there is none. What the service does here is not documented.
            raise Refusal(None, "The output audio buffer is empty: there is no audio to clear.")

    # -- items -----------------------------------------------------------------------------------------------------------

    def _announce(self, item: Item, previous: str | None) -> None:
        self._outbox.emit("conversation.item.added", previous_item_id=previous, item=item.view())
        self._outbox.emit("conversation.item.done", previous_item_id=previous, item=item.view())

    def _create_item(self, event: Mapping[str, Any]) -> None:
        item, previous = self._items.create(event["item"], event.get("previous_item_id"))
        self._announce(item, previous)
        if item.data["type"] == "mcp_approval_response":
            self._mcp.answer(item.data["approval_request_id"], item.data["approve"])

    def _retrieve_item(self, event: Mapping[str, Any]) -> None:
        item = self._items.find(event["item_id"], "retrieve", "retrieving")
        self._outbox.emit("conversation.item.retrieved", item=item.view())

    def _delete_item(self, event: Mapping[str, Any]) -> None:
        self._items.delete(event["item_id"])
        self._outbox.emit("conversation.item.deleted", item_id=event["item_id"])

    def _truncate_item(self, event: Mapping[str, Any]) -> None:
        self._responses.sync()
        self._truncate(event["item_id"], event["content_index"], event["audio_end_ms"])

    def _truncate(self, item_id: str, content_index: int, end_ms: int) -> None:
        self._items.truncate(item_id, content_index, end_ms)
        where = {"item_id": item_id, "content_index": content_index}
        self._outbox.emit("conversation.item.truncated", **where, audio_end_ms=end_ms)

    # -- responses -------------------------------------------------------------------------------------------------------

    def _create_response(self, event: Mapping[str, Any]) -> None:
        self._respond(event.get("response") or {})

    def _respond_unasked(self) -> None:
        """Respond to a turn. "May fail to create a response if the model is already responding" (SDK, create_response)."""
        if self.configuration.transcription:
            return
        try:
            self._respond({})
        except Refusal as refusal:
            self._outbox.emit("error", error=refusal.error())

    def _respond(self, body: Mapping[str, Any]) -> None:
        if self.configuration.transcription:
            raise Refusal("invalid_value", "A transcription session does not create responses.", "type")
        settings = self.configuration.overrides(body, spoken=self._playback.ever)
        self._items.require(settings.get("input") or (), "response.input")
        apart = settings.get("conversation") == "none"
        if not apart:
            self._responses.require_idle()
        self._rest()
        reply = with_tool_choice(self._replies.reply(), settings["tools"], settings["tool_choice"])
        self._responses.start(settings, reply, None if apart else self._conversation_id)

    # -- silence ---------------------------------------------------------------------------------------------------------

    def _rest(self) -> None:
        """Stop waiting for the caller to say something."""
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None

    def _settled(self, answered: bool = True) -> None:
        """A response was done, or its audio: wait for the caller, where the session says how long.

        "Applied after the last model response's audio has finished playing" (SDK, idle_timeout_ms).
        """
        self._answered = self._answered or answered
        timeout = (self.configuration["turn_detection"] or {}).get("idle_timeout_ms")
        waiting = self._responses.default is not None or self._playback.busy or self._input.speaking
        if timeout is None or waiting or not self._answered:
            return
        self._rest()
        since = self._input.written_ms
        self._idle = self._timers.after(timeout / 1000, lambda: self._idle_out(since))

    def _idle_out(self, since: int) -> None:
        self._idle = None
        self._turn = self._items.fresh_id()
        self._input.start_ms = since = max(since, self._input.start_ms)
        span = {"audio_start_ms": since, "audio_end_ms": self._input.written_ms}
        self._outbox.emit("input_audio_buffer.timeout_triggered", **span, item_id=self._turn)
        self._commit(("", None))
        self._respond_unasked()
