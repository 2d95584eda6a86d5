"""The responses of a session: how one is started, what it produces at which time, and how it ends.

A response is a generator that writes output and yields the seconds until it goes on. Cancelling closes the generator, and the
writer closes what is open.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.fake.actions import Outbox, Play
from harness.fake.checks import Refusal, place
from harness.fake.items import Items, output_audio_tokens, text_tokens
from harness.fake.mcp import McpTools
from harness.fake.playback import Playback
from harness.fake.replies import DEFAULT_TEXT, pieces, speaking_seconds
from harness.fake.response_writer import Writer
from harness.fake.shapes import Shape
from harness.fake.timers import Timer, Timers
from harness.scenario.script import McpCall, Message, Reply

# "The server will produce audio faster than realtime" (OpenAI SDK, conversation_item_truncate_event.py); how much faster is not
# said. Transcript and audio of a ten second reply are made in two and a half seconds.
AUDIO_PACE = 4.0
TEXT_SECONDS_PER_PIECE = 0.02
ARGUMENT_PIECE = 12
MCP_SECONDS = 0.2
RATE_LIMITS: Mapping[str, int] = {"requests": 5000, "tokens": 400_000}

# status_details.error of a failed response, by code: (type, message). Seen in openai/openai-agents-js#1022 and livekit/agents PR#2967.
_FAILURES: Mapping[str, tuple[str, str]] = {
    "rate_limit_exceeded": ("tokens", "Rate limit reached for this model on tokens per min. Please try again later."),
    "insufficient_quota": (
        "insufficient_quota",
        "You exceeded your current quota, please check your plan and billing details.",
    ),
}
_SERVER_ERROR = ("server_error", "The server had an error while processing your request. Sorry about that!")


@dataclass(slots=True)
class Response:
    """One response. ``settings`` are the session's with the overrides of this response; ``default``: not out-of-band.

    ``audio_seconds`` are those of the message that is being said since ``speaking_since``, ``audio_before`` those of the messages
    before it.
    """

    id: str
    default: bool
    conversation_id: str | None
    settings: Mapping[str, Any]
    reply: Reply
    writer: Writer
    input_tokens: tuple[int, int]
    status: str = "in_progress"
    status_details: dict[str, Any] | None = None
    usage: dict[str, Any] | None = None
    work: Iterator[float] = field(default_factory=lambda: iter(()))
    timer: Timer | None = None
    tokens: list[int] = field(default_factory=lambda: [0, 0])  # output: text, audio
    speaking_since: float | None = None
    audio_seconds: float = 0.0
    audio_before: float = 0.0
    out_of_tokens: bool = False

    def view(self, shape: Shape) -> dict[str, Any]:
        """The response object of ``response.created`` and ``response.done``."""
        tree: dict[str, Any] = {
            "object": "realtime.response",
            "id": self.id,
            "status": self.status,
            "status_details": self.status_details,
            "output": [] if self.status == "in_progress" else [item.view() for item in self.writer.outputs],
            "conversation_id": self.conversation_id,
            "usage": self.usage,
            "metadata": self.settings.get("metadata"),
        }
        for word, path in shape.response.items():
            value = self.settings[word]
            # A custom voice is an object in the session and its id in the response (SDK, realtime_response.py).
            place(tree, path, value["id"] if word == "voice" and isinstance(value, dict) else value)
        return tree

    def generated(self, now: float) -> float:
        """Seconds of this message's audio made by ``now``."""
        if self.speaking_since is None:
            return 0.0
        return min(self.audio_seconds, (now - self.speaking_since) * AUDIO_PACE)

    def all_generated(self, now: float) -> float:
        """Seconds of all its audio made by ``now``."""
        return self.audio_before + self.generated(now)


class Responses:
    """Starts, drives and ends responses. At most one of them writes to the default conversation.

    ``seconds_of`` tells the length of a recording; ``on_done`` is called after each ``response.done``.
    """

    def __init__(
        self,
        outbox: Outbox,
        timers: Timers,
        items: Items,
        playback: Playback,
        mcp: McpTools,
        shape: Shape,
        *,
        seconds_of: Callable[[str], float] | None,
        on_done: Callable[[], None],
    ) -> None:
        self._outbox = outbox
        self._timers = timers
        self._items = items
        self._playback = playback
        self._mcp = mcp
        self._shape = shape
        self._seconds_of = seconds_of
        self._on_done = on_done
        self._active: dict[str, Response] = {}

    @property
    def default(self) -> Response | None:
        """The active response of the default conversation, or None."""
        return next((response for response in self._active.values() if response.default), None)

    def require_idle(self) -> None:
        """Only one response can write to the default conversation at a time. Raises Refusal."""
        if (active := self.default) is not None:
            what = (
                f"Conversation already has an active response in progress: {active.id}. "
                "Wait until the response is finished before creating a new one."
            )
            raise Refusal("conversation_already_has_active_response", what)

    def start(self, settings: Mapping[str, Any], reply: Reply, conversation_id: str | None) -> None:
        """Begin a response; ``conversation_id`` None makes it an out-of-band one."""
        response_id = self._outbox.ids("resp")
        default = conversation_id is not None
        writer = Writer(self._outbox, self._items, self._shape, response_id, default=default)
        tokens = self._input_tokens(settings)
        response = Response(response_id, default, conversation_id, settings, reply, writer, tokens)
        self._active[response_id] = response
        self._outbox.emit("response.created", response=response.view(self._shape))
        self._outbox.emit("rate_limits.updated", rate_limits=self._rate_limits(response))
        response.work = self._produce(response)
        self._go_on(response)

    def cancel(self, response_id: str | None) -> None:
        """The client cancels a response, by default the one of the default conversation. Raises Refusal."""
        response = self.default if response_id is None else self._active.get(response_id)
        if response is None:
            raise Refusal("response_cancel_not_active", "Cancellation failed: no active response found")
        self._stop(response, "client_cancelled")

    def interrupt(self) -> None:
        """The caller speaks: the response of the default conversation ends here."""
        if (response := self.default) is not None:
            self._stop(response, "turn_detected")

    def sync(self) -> None:
        """Bring the audio length of items that are being written up to now."""
        for response in self._active.values():
            item = response.writer.open
            if item is not None and item.audio_ms is not None and not item.truncated:
                item.audio_ms = round(response.generated(self._timers.now) * 1000)

    # -- production ------------------------------------------------------------------------------------------------------

    def _go_on(self, response: Response) -> None:
        for delay in response.work:
            if delay > 0:
                response.timer = self._timers.after(delay, lambda: self._go_on(response))
                return

    def _produce(self, response: Response) -> Iterator[float]:
        reply = response.reply
        yield reply.after
        for approved in self._mcp.approved() if response.default else ():
            yield from self._call_mcp(response, *approved)
        direct, asking = self._mcp.sort(reply.mcp_calls, response.settings["tools"])
        for mcp_call in direct:
            yield from self._call_mcp(response, mcp_call, None)
        for message in reply.messages:
            if not response.out_of_tokens:
                yield from self._say(response, message)
        for mcp_call in asking:
            self._mcp.ask(response.writer, mcp_call)
        for call in reply.calls:
            if not response.out_of_tokens:  # the model stops in the middle of whatever it says
                yield from self._call(response, call.name, json.dumps(call.arguments, ensure_ascii=False))
        self._end(response)

    def _say(self, response: Response, message: Message) -> Iterator[float]:
        writer = response.writer
        spoken = "audio" in response.settings["modalities"]
        text = message.text if message.text is not None else "" if spoken else DEFAULT_TEXT
        item = writer.message(spoken=spoken, phase=message.phase)
        parts = pieces(text)
        gap = TEXT_SECONDS_PER_PIECE
        if spoken:
            recording = message.audio
            known = self._seconds_of(recording) if self._seconds_of is not None and recording is not None else 0.0
            seconds = known or speaking_seconds(text)  # a recording that is not there is synthesised like none
            response.audio_before += response.audio_seconds
            response.audio_seconds, response.speaking_since = seconds, self._timers.now
            self._playback.open(Play(response.id, item.id, recording, text, seconds), default=response.default)
            gap = seconds / AUDIO_PACE / (len(parts) + 1)
        for index, piece in enumerate(parts):
            yield gap
            made = response.audio_before + response.audio_seconds * (index + 2) / (len(parts) + 1)
            audio = output_audio_tokens(made) if spoken else 0
            if not self._spend(response, text_tokens(piece), audio - response.tokens[1]):
                break
            writer.add(piece)
        else:
            if spoken:
                yield gap
                whole_audio = output_audio_tokens(response.audio_before + response.audio_seconds)
                self._spend(response, 0, whole_audio - response.tokens[1])
        self.sync()
        whole = response.reply.status == "completed" and not response.out_of_tokens
        writer.close("completed" if whole else "incomplete")

    def _call(self, response: Response, name: str, arguments: str) -> Iterator[float]:
        response.writer.function_call(name)
        for start in range(0, len(arguments), ARGUMENT_PIECE):
            yield TEXT_SECONDS_PER_PIECE
            piece = arguments[start : start + ARGUMENT_PIECE]
            if not self._spend(response, text_tokens(piece), 0):
                break
            response.writer.add(piece)
        response.writer.close("incomplete" if response.out_of_tokens else "completed")

    def _call_mcp(self, response: Response, call: McpCall, approval_request_id: str | None) -> Iterator[float]:
        writer = response.writer
        item = writer.mcp_call(call.server, call.name, approval_request_id)
        arguments = json.dumps(call.arguments, ensure_ascii=False)
        for start in range(0, len(arguments), ARGUMENT_PIECE):
            yield TEXT_SECONDS_PER_PIECE
            writer.add(arguments[start : start + ARGUMENT_PIECE])
        writer.mcp_run(item)
        yield MCP_SECONDS
        writer.mcp_result(item, call.output if call.error is None else None, call.error)
        writer.close("completed")

    def _spend(self, response: Response, text: int, audio: int) -> bool:
        """Count output tokens; False when ``max_output_tokens`` does not allow these any more."""
        most = response.settings["max_output_tokens"]
        if most != "inf" and sum(response.tokens) + text + audio > most:
            response.out_of_tokens = True
            return False
        response.tokens[0] += text
        response.tokens[1] += audio
        return True

    # -- the end ---------------------------------------------------------------------------------------------------------

    def _stop(self, response: Response, reason: str) -> None:
        if response.timer is not None:
            response.timer.cancel()
        response.work = iter(())
        self.sync()
        response.writer.close("incomplete")
        self._finish(response, "cancelled", {"type": "cancelled", "reason": reason})

    def _end(self, response: Response) -> None:
        reply = response.reply
        if reply.status == "failed":
            code = reply.reason or "server_error"
            kind, message = _FAILURES.get(code, _SERVER_ERROR)
            details = {"type": "failed", "error": {"type": kind, "code": code, "message": message}}
            self._finish(response, "failed", details)
        elif reply.status == "incomplete" or response.out_of_tokens:
            reason = "max_output_tokens" if response.out_of_tokens else reply.reason or "max_output_tokens"
            self._finish(response, "incomplete", {"type": "incomplete", "reason": reason})
        else:
            self._finish(response, "completed", None)

    def _finish(self, response: Response, status: str, details: dict[str, Any] | None) -> None:
        response.status, response.status_details = status, details
        response.usage = self._usage(response)
        del self._active[response.id]
        self._outbox.emit("response.done", response=response.view(self._shape))
        cut_short = status == "cancelled" or response.out_of_tokens
        self._playback.finish(response.id, response.all_generated(self._timers.now) if cut_short else None)
        self._on_done()

    # -- figures ---------------------------------------------------------------------------------------------------------

    def _input_tokens(self, settings: Mapping[str, Any]) -> tuple[int, int]:
        text, audio = self._items.tokens() if settings.get("input") is None else (0, 0)
        extra = [settings.get("instructions") or "", *(json.dumps(part) for part in settings.get("input") or ())]
        extra += [json.dumps(tool) for tool in settings["tools"]]
        return text + sum(map(text_tokens, extra)), audio

    def _usage(self, response: Response) -> dict[str, Any]:
        text, audio = response.input_tokens if response.writer.outputs else (0, 0)
        if response.speaking_since is not None and response.status == "cancelled":
            response.tokens[1] = output_audio_tokens(response.all_generated(self._timers.now))
        spent_text, spent_audio = response.tokens
        return {
            "total_tokens": text + audio + spent_text + spent_audio,
            "input_tokens": text + audio,
            "output_tokens": spent_text + spent_audio,
            "input_token_details": {
                "text_tokens": text,
                "audio_tokens": audio,
                "cached_tokens": 0,
                "cached_tokens_details": {"text_tokens": 0, "audio_tokens": 0},
            },
            "output_token_details": {"text_tokens": spent_text, "audio_tokens": spent_audio},
        }

    def _rate_limits(self, response: Response) -> list[dict[str, Any]]:
        """The limits after this response has reserved its tokens."""
        most = response.settings["max_output_tokens"]
        reserved = {"requests": 1, "tokens": sum(response.input_tokens) + (4096 if most == "inf" else most)}
        return [
            {
                "name": name,
                "limit": limit,
                "remaining": max(0, limit - reserved[name]),
                "reset_seconds": round(60 * min(1.0, reserved[name] / limit), 3),
            }
            for name, limit in RATE_LIMITS.items()
        ]
