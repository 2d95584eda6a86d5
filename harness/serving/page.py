"""The example page that ``harness serve`` shows: a browser client without dependencies, filled with the dialects that are served."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any
from urllib.parse import urlencode, urlsplit

from harness.protocol.dialects import Dialect
from harness.protocol.session_body import session_body

_ROWS = "const DIALECTS = [];"
_SESSION: Mapping[str, Any] = {"instructions": "You are a helpful assistant.", "voice": "alloy"}


def example_page(dialects: Sequence[Dialect]) -> str:
    """The page as HTML. Its URLs are paths, so that it calls the service that it came from."""
    rows = json.dumps([_row(dialect) for dialect in dialects], indent=2).replace("</", "<\\/")
    return files("harness.serving").joinpath("page.html").read_text("utf-8").replace(_ROWS, f"const DIALECTS = {rows};")


def _row(dialect: Dialect) -> dict[str, Any]:
    session, _ = session_body(dialect, _SESSION)
    body = {"model": dialect.default_model, **session}
    return {
        "name": dialect.name,
        "title": dialect.title,
        "key": _path(dialect, dialect.key_url, dialect.key_query),
        "auth": {"header": dialect.auth[0].header, "scheme": dialect.auth[0].scheme},
        "token": body if dialect.body == "flat" else {"session": body},
        "keyPath": list(dialect.key_path),
        "label": dialect.label,
        "call": _path(dialect, dialect.call_url, dialect.call_query),
        "session": session,
    }


def _path(dialect: Dialect, url: str, query: Mapping[str, str]) -> str:
    values = {"model": dialect.default_model, "api_version": dialect.default_api_version}
    filled = {name: value.format(**values) for name, value in query.items()}
    return urlsplit(url).path + (f"?{urlencode(filled)}" if filled else "")
