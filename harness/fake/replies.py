"""The script of the fake: which reply comes next, what was heard, and the defaults where the script says nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from harness.scenario.script import FakeScript, FunctionCall, Reply

DEFAULT_TEXT = "Hello, world."
DEFAULT_AUDIO = "assistant-hello-world.wav"
# Nobody listens to the caller; without a script every turn is taken for this.
DEFAULT_HEARD = "Hello."

# A brisk speaker: 150 words a minute. Used for audio whose length is not known.
_SECONDS_PER_WORD = 0.4

_PIECES = re.compile(r"\s*\S+|\s+\Z")


def recordings(script: FakeScript) -> tuple[str, ...]:
    """Names of all recordings that the script can come to play, each once."""
    names = (message.audio for reply in script.replies or (Reply(),) for message in _completed(reply).messages)
    return tuple(dict.fromkeys(name for name in names if name is not None))


def pieces(text: str) -> list[str]:
    """``text`` cut into words, each with the space before it; joined they are ``text`` again."""
    return _PIECES.findall(text)


def speaking_seconds(text: str) -> float:
    """How long it takes to say ``text``: at least one word's time."""
    return round(max(1, len(text.split())) * _SECONDS_PER_WORD, 3)


class Replies:
    """Hands out the script: transcripts turn by turn, replies response by response. The last reply repeats.

    A reply's ``hears`` belongs to the turn before it, so the two run side by side; where turns get no response (transcription
    sessions, manual commits) the transcripts run ahead.
    """

    def __init__(self, script: FakeScript) -> None:
        self._replies: Sequence[Reply] = script.replies or (Reply(),)
        self._heard = 0
        self._replied = 0

    def hear(self) -> tuple[str, str | None]:
        """(transcript, error code or None) of the turn that was just committed."""
        turn = max(self._heard, self._replied)
        self._heard = turn + 1
        reply = self._at(turn)
        return (DEFAULT_HEARD if reply.hears is None else reply.hears), reply.hears_fails

    def reply(self) -> Reply:
        """The next reply, completed with the defaults: one with nothing to say and nothing to call says the default text."""
        reply = self._at(self._replied)
        self._replied += 1
        return _completed(reply)

    def _at(self, index: int) -> Reply:
        return self._replies[min(index, len(self._replies) - 1)]


def _completed(reply: Reply) -> Reply:
    silent = not reply.messages and not reply.calls and not reply.mcp_calls
    if silent and reply.status != "failed":
        return reply.model_copy(update={"says": DEFAULT_TEXT, "audio": DEFAULT_AUDIO})
    return reply


def with_tool_choice(reply: Reply, tools: Sequence[Mapping[str, Any]], choice: Any) -> Reply:
    """The reply as ``tool_choice`` allows it: "none" forbids calls, "required" or a named function demands one.

    A demanded call that the script does not make gets arguments of the right types with nothing in them.
    """
    if choice == "none":
        says = {} if reply.messages else {"says": DEFAULT_TEXT}
        return reply.model_copy(update={"calls": [], "mcp_calls": [], **says})
    if reply.calls or reply.mcp_calls or choice == "auto" or reply.status == "failed":
        return reply
    wanted = choice.get("name") if isinstance(choice, Mapping) else None if choice == "required" else choice
    functions = [tool for tool in tools if tool["type"] == "function" and wanted in (None, tool["name"])]
    if not functions:
        return reply
    call = FunctionCall(name=functions[0]["name"], arguments=_arguments(functions[0].get("parameters")))
    return reply.model_copy(update={"calls": [call], "says": None, "audio": None})


_EMPTY: Mapping[str, Any] = {"string": "", "integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}


def _arguments(schema: Any) -> dict[str, Any]:
    """The required properties of a function's parameters, each with the first allowed or an empty value."""
    if not isinstance(schema, Mapping):
        return {}
    properties, required = schema.get("properties"), schema.get("required")
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return {}
    return {name: _value(properties.get(name)) for name in required if isinstance(name, str)}


def _value(schema: Any) -> Any:
    if not isinstance(schema, Mapping):
        return None
    choices = schema.get("enum")
    if isinstance(choices, list) and choices:
        return choices[0]
    kind = schema.get("type")
    return _EMPTY.get(kind) if isinstance(kind, str) else None
