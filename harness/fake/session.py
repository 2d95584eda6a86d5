"""The configuration of a session: defaults, partial updates, refusals, and the session object in the dialect's shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.fake.checks import Refusal, gather, place, refusal
from harness.fake.client_events import check_event
from harness.fake.shapes import shape_of
from harness.protocol.dialects import Dialect

# Fields of a session object that are settled before: by the service, or by the request that made the call.
_SERVICE_FIELDS = frozenset({"id", "object", "expires_at", "client_secret", "model", "type"})

_VAD_DEFAULTS: Mapping[str, Mapping[str, Any]] = {
    "server_vad": {
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        # The SDK's docstrings say 500, the vendor's logs and Microsoft's reference 200. The longer one does not cut a
        # slow speaker's sentence in two.
        "silence_duration_ms": 500,
        "idle_timeout_ms": None,
        "create_response": True,
        "interrupt_response": True,
    },
    "semantic_vad": {"eagerness": "auto", "create_response": True, "interrupt_response": True},
}


class Configuration:
    """The effective settings of one session, by canonical word (see ``harness.protocol.dialects.SESSION_FIELDS``)."""

    def __init__(self, dialect: Dialect, *, model: str, transcription: bool = False) -> None:
        shape = shape_of(dialect)
        self.transcription = transcription
        self._shape = shape
        self._dialect = dialect
        self._paths = shape.transcription_paths if transcription else shape.paths
        self._checks = {**shape.checks, **(shape.transcription_checks if transcription else {})}
        self._defaults = {
            **shape.defaults,
            "type": "transcription" if transcription else "realtime",
            "model": model,
            "voice": dialect.default_voice,
        }
        if transcription:
            # A transcription session that names no model still transcribes: that is all it does.
            self._defaults["transcription"] = {"model": shape.transcriber}
            self._defaults["modalities"] = ["text"]
        self._has_idle_timeout = dialect.wire("input_audio_buffer.timeout_triggered") is not None
        words = set(self._paths.values())
        self._values = {word: value for word, value in self._defaults.items() if word in words}
        self._values["turn_detection"] = self._turn_detection(self._values["turn_detection"])

    def __getitem__(self, word: str) -> Any:
        """The effective value of a setting; None where this kind of session has no such setting."""
        return self._values.get(word)

    def update(self, body: Mapping[str, Any], *, spoken: bool = False, busy: bool = False) -> None:
        """Apply a partial update: settings that are not named keep their value.

        ``spoken``: the assistant has been heard already; ``busy``: a response is in progress. Raises Refusal, and then nothing
        has changed: one wrong field refuses the whole update (microsoft/agent-framework#924).
        """
        given = self._given(body)
        checked = {word: self._checked(word, value, param) for word, (value, param) in given.items()}
        for word, value in checked.items():
            self._frozen(word, value, given[word][1], spoken=spoken, busy=busy)
        self._values.update(checked)

    def adopt(self, session: Mapping[str, Any]) -> None:
        """Take over the session an ephemeral key carries; what cannot be applied is left at its default.

        The place to refuse a wrong setting is the token request, not the call.
        """
        kind = {"type": self._values["type"]} if "type" in self._values else {}
        for name, value in session.items():
            if name in _SERVICE_FIELDS:
                continue
            try:
                given = self._given({**kind, name: value})
                self._values.update({word: self._checked(word, *found) for word, found in given.items()})
            except Refusal:
                continue

    def view(self, session_id: str, expires_at: int) -> dict[str, Any]:
        """The session object as ``session.created`` and ``session.updated`` show it: the whole effective configuration."""
        kind = "realtime.transcription_session" if self.transcription else "realtime.session"
        tree: dict[str, Any] = {"id": session_id, "object": kind, "expires_at": expires_at}
        if self.transcription:
            tree.update(self._shape.transcription_extra)
        for path, word in self._paths.items():
            if word in self._values:
                place(tree, path, self._values[word])
        return tree

    def overrides(self, body: Mapping[str, Any], *, spoken: bool) -> dict[str, Any]:
        """The settings of one response: the session's, overridden by the body of a ``response.create``. Raises Refusal."""
        settings = dict(self._values)
        for word, (value, param) in gather(body, self._shape.overrides, "response").items():
            if value is not None:
                settings[word] = self._limited(word, value, param)
                self._frozen(word, settings[word], param, spoken=spoken, busy=False)
        return settings

    def _given(self, body: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
        """The settings in ``body``: word -> (value, its place). Raises Refusal: the schema, or this kind of session, has no such thing."""
        # The session of a token request is in no event: what an update may not have, it may not have either.
        kind = self._shape.transcription_event if self.transcription else "session.update"
        check_event(self._dialect, {"type": kind, "session": body})
        return gather(body, self._paths, "session")

    def _checked(self, word: str, value: Any, param: str) -> Any:
        if value is None and word not in ("turn_detection", "type"):
            # "", [] and null clear a setting; the service then shows its default again.
            return self._defaults.get(word)
        if word == "turn_detection":
            return None if value is None else self._turn_detection(self._limited(word, value, param))
        return self._limited(word, value, param)

    def _limited(self, word: str, value: Any, param: str) -> Any:
        check = self._checks.get(word)
        return value if check is None else check(value, param)

    def _turn_detection(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All parameters of this kind of turn detection: given, else as they were, else default."""
        defaults = dict(_VAD_DEFAULTS[given["type"]])
        if not self._has_idle_timeout:
            defaults.pop("idle_timeout_ms", None)
        current = self._values.get("turn_detection")
        if current is not None and current["type"] == given["type"]:
            defaults.update({name: value for name, value in current.items() if name in defaults})
        given_values = {name: value for name, value in given.items() if name in defaults}
        nulls = {name for name, value in given_values.items() if value is None}
        kept = {name: value for name, value in given_values.items() if name not in nulls}
        cleared = {name: _VAD_DEFAULTS[given["type"]][name] for name in nulls}
        return {"type": given["type"], **defaults, **kept, **cleared}

    def _frozen(self, word: str, value: Any, param: str, *, spoken: bool, busy: bool) -> None:
        """Refuse a change of what cannot change any more."""
        current = self._values.get(word)
        if value == current:
            return
        if word == "voice" and spoken:
            what = "Cannot update a conversation's voice if assistant audio is present."
            raise Refusal("cannot_update_voice", what, param)
        if word == "type":
            what = f"Passing a {value} session update event to a {current} session is not allowed."
            raise Refusal("invalid_value", what, param)
        if word == "model" or (word == "tracing" and current is not None):
            # No code is known for these two; the SDK only says that they cannot be changed.
            raise refusal("value", param, value, [f"{current!r}, which cannot be changed"])
        if word == "speed" and busy:
            raise Refusal("invalid_value", "The speed cannot be changed while a response is in progress.", param)
