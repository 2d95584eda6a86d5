"""The bodies of the two requests and what is taken out of their responses: the token body, the ephemeral key, the SDP answer, the call id."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from harness.client.http import Response
from harness.protocol.dialects import DIALECTS, Dialect
from harness.protocol.session_body import session_body
from harness.protocol.sessions import Path

_BOUNDARY = "----realtime-harness-7MA4YWxkTrZu0gW"


def token_body(dialect: Dialect, model: str, session: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """The body of the token request, and a note for each setting that was translated or left out.

    Flat (beta): ``{"model": ..., "voice": ..., "instructions": ...}``; nested (GA): ``{"session": {"type": "realtime", "model": ...}}``.
    A ``model`` in the session wins over the target's. A transcription session has none besides that of its transcription
    (OpenAI SDK 3.57.0, realtime_transcription_session_create_request.py and beta transcription_session_create_params.py).
    """
    settings, notes = session_body(dialect, session)
    body = settings if session.get("type") == "transcription" else {"model": model, **settings}
    return (body if dialect.body == "flat" else {"session": body}), notes


def call_form(dialect: Dialect, model: str, session: Mapping[str, Any], offer: str) -> tuple[str, str]:
    """The call request's body as a form, and its content type: the parts ``sdp`` and ``session`` (OpenAI's unified interface).

    The boundary is fixed, so that a recorded call repeats; none of the parts can hold it.
    """
    settings, _ = session_body(dialect, session)
    parts = (
        ("sdp", "application/sdp", offer),
        ("session", "application/json", json.dumps({"model": model, **settings})),
    )
    body = "".join(
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\nContent-Type: {kind}\r\n\r\n{text}\r\n'
        for name, kind, text in parts
    )
    return f"{body}--{_BOUNDARY}--\r\n", f"multipart/form-data; boundary={_BOUNDARY}"


def key_of(dialect: Dialect, response: Response) -> tuple[str, str, str]:
    """The ephemeral key of a successful token response, or an empty string, what is wrong, and what to do."""
    place = ".".join(dialect.key_path)
    if response.truncated:
        return "", "the token response does not end", "check that this is the Realtime API and not a download"
    if not response.text.strip():
        return "", "the token response is empty", "a gateway may have dropped the body; look at its log"
    if response.looks_like_html:
        return "", "the token response is a web page, not JSON", "a login page or proxy answers: check host and path"
    if not response.json or not isinstance(response.body, Mapping):
        return "", "the token response is not a JSON object", "check host and path: is this the Realtime API?"
    value = _at(response.body, dialect.key_path)
    if isinstance(value, str) and value.strip():
        return value, "", ""
    others = [row for row in DIALECTS.values() if row.key_path != dialect.key_path and _at(response.body, row.key_path)]
    if others:
        names = " or ".join(row.name for row in others)
        return (
            "",
            f"the token response has its key at {'.'.join(others[0].key_path)}, not at {place}",
            f"the service speaks another dialect: {names}",
        )
    return "", f"the token response has no key at {place}", f"{dialect.title} returns the key there: check the dialect"


def answer_problem(response: Response) -> tuple[str, str] | None:
    """What keeps a successful call response from being an SDP answer with audio, and what to do; None where it is one.

    The media type alone is no reason to refuse: rules judge it.
    """
    text = response.text
    if response.truncated:
        return "the SDP answer does not end", "check that this is the Realtime API and not a download"
    if not text.strip():
        return "the answer is empty", "a gateway may have dropped the body; look at its log"
    if response.looks_like_html:
        return "the answer is a web page, not SDP", "a login page or proxy answers: check host and path"
    if response.json:
        wrapped = isinstance(response.body, Mapping) and "sdp" in response.body
        return (
            "the answer is JSON, not SDP",
            "return the SDP itself, not wrapped in JSON, as application/sdp"
            if wrapped
            else "check the path: the call request is answered with SDP as application/sdp",
        )
    if not text.startswith("v=0"):
        return "the answer is not SDP: it does not begin with v=0", "the body must be the SDP answer and nothing else"
    if not re.search(r"^m=audio ", text, re.MULTILINE):
        return (
            "the SDP answer has no audio section",
            "the service must answer every section that was offered (RFC 9429 section 5.3.1)",
        )
    return None


def call_id(location: str) -> str:
    """The call's id: the last path segment of ``Location``, relative or absolute; empty where there is none."""
    try:
        return urlsplit(location.strip()).path.rstrip("/").rpartition("/")[2]
    except ValueError:
        return ""


def _at(body: Any, path: Path) -> Any:
    for name in path:
        body = body.get(name) if isinstance(body, Mapping) else None
    return body
