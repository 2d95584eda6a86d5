"""Bodies of the fake service: requests read within limits, taken apart where they are forms, and shown as a trace keeps them; tokens."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from harness.fake import answers
from harness.fake.admission import FORM_TYPE, JSON_TYPE
from harness.fake.answers import HttpRefusal
from harness.fake.checks import Refusal, place
from harness.fake.client_events import decode
from harness.fake.settings import FakeSettings
from harness.fake.tokens import Key
from harness.protocol.dialects import Dialect

LONGEST_TEXT = 1 << 16


async def read(request: Request, settings: FakeSettings) -> bytes | HttpRefusal:
    """The whole body, or the refusal where it is too long or does not come."""
    body = bytearray()
    try:
        async with asyncio.timeout(settings.request_seconds):
            async for chunk in request.stream():
                body += chunk
                if len(body) > settings.body_limit:
                    return answers.TOO_LARGE
    except (TimeoutError, ClientDisconnect):
        return answers.TOO_SLOW
    return bytes(body)


async def form(headers: Headers, body: bytes) -> Mapping[str, str] | None:
    """The fields of a multipart form as text, or None where the body is no such form."""
    if not headers.get("content-type", "").lower().startswith(FORM_TYPE):
        return None

    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        parsed = await MultiPartParser(headers, whole()).parse()
    except MultiPartException:
        return None
    fields: dict[str, str] = {}
    for name, value in parsed.multi_items():
        fields[name] = value if isinstance(value, str) else (await value.read()).decode("utf-8", "replace")
    await parsed.close()
    return fields


def as_recorded(content_type: str, text: str) -> Any:
    """A body as the trace keeps it: a JSON object as such, anything else as text, the beginning of it where it is longer than any SDP."""
    if content_type.startswith(JSON_TYPE):
        try:
            return decode(text)
        except Refusal:
            pass
    return text if len(text) <= LONGEST_TEXT else f"{text[:LONGEST_TEXT]}…"


def token_body(dialect: Dialect, key: Key) -> dict[str, Any]:
    """The response to a token request: the key where this dialect keeps it, and the session around or beside it."""
    body = dict(key.session) if dialect.body == "flat" else {"session": key.session}
    place(body, dialect.key_path, key.value)
    place(body, dialect.expires_path, key.expires_at)
    return body
