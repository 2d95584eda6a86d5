"""HAR files (http://www.softwareishard.com/blog/har-12-spec/): the HTTP half of a call, as browsers and Playwright save it.

Of all requests of a page those for a key, a call and its end are read. Browsers leave credentials out of a HAR unless asked otherwise, so
where a request has none, whether it had one is not known; the same holds for bodies that were not saved.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from email import policy
from email.parser import Parser
from typing import Any
from urllib.parse import urlsplit

from harness.errors import NotARecord
from harness.formats.base import Moment, Record, began, iso
from harness.protocol.dialects import DIALECTS, WAYS
from harness.protocol.messages import parse
from harness.trace import UNSEEN, Entry, Trace

_LABELS = {
    "key": frozenset(
        urlsplit(url).path for row in DIALECTS.values() for url in (row.key_url, row.transcription_key_url)
    ),
    "call": frozenset(urlsplit(row.call_url).path for row in DIALECTS.values()),
}
_HANGUP = re.compile(r"/realtime/calls/[^/]+/hangup$|/realtime/calls/[^/]+$")
_CORS = ("access-control-allow-origin", "access-control-expose-headers")
_CREDENTIALS = tuple(f"headers.{way.header}" for way in WAYS)


def recognise(text: str) -> bool:
    """Whether this is a HAR: one JSON object with ``log.entries``."""
    return re.match(r'\s*\{\s*"log"\s*:', text) is not None


def read(text: str, where: str) -> tuple[Record, ...]:
    """The calls of a HAR: each ends with a call request that was answered. Raises NotARecord where no request of a call stands in it."""
    try:
        entries = parse(text)["log"]["entries"]
    except (ValueError, KeyError, TypeError) as error:
        raise NotARecord("a HAR that is cut off or has no entries", where=where, fix="save it again") from error
    found = (
        [(step, one) for one in entries if isinstance(one, Mapping) and (step := _step(one))]
        if isinstance(entries, list)
        else []
    )
    if not found:
        raise NotARecord(
            "none of its requests is for a realtime key or call",
            where=where,
            fix="record the HAR from before the call begins; the key may be minted elsewhere, the call request must be in it",
        )
    calls: list[list[tuple[str, Mapping[str, Any]]]] = [[]]
    answered = False
    for step, one in found:
        if answered and step != "hangup":
            calls.append([])
            answered = False
        calls[-1].append((step, one))
        answered = answered or (step == "call" and 200 <= _status(one) < 300)
    notes = (f"{len(calls)} calls are in it, each judged by itself",) if len(calls) > 1 else ()
    return tuple(_record(call, notes) for call in calls)


def write(trace: Trace) -> str:
    """The requests of a trace as a HAR, with their secrets as marks; in 1970 where the trace does not say when it was."""
    start = began(trace)
    ends = list(trace.of("http.response", "http.failed"))
    entries = []
    for asked in trace.of("http.request"):
        end = next((one for one in ends if one.seq > asked.seq and one.data.get("id") == asked.data.get("id")), None)
        if end is not None:
            ends.remove(end)
        # The service sees a response before the headers for other origins are put onto it.
        unseen = {"_unseen": list(_CORS)} if trace.header.observer == "service" else {}
        entries.append(_written(start, asked, end, unseen))
    creator = {"name": "realtime-harness", "version": trace.header.harness}
    return (
        json.dumps({"log": {"version": "1.2", "creator": creator, "entries": entries}}, indent=1, ensure_ascii=False)
        + "\n"
    )


def _written(start: float, asked: Entry, end: Entry | None, unseen: Mapping[str, Any]) -> dict[str, Any]:
    milliseconds = round(1000 * (end.t - asked.t), 3) if end is not None else 0
    kind = _header(asked, "content-type")
    body = asked.data.get("body", "")
    form = kind.startswith("multipart/") and isinstance(body, Mapping)
    posted = (
        {"params": [{"name": name, "value": str(value)} for name, value in body.items()]}
        if form
        else {"text": _plain(body)}
    )
    status = end.data.get("status", 0) if end is not None else 0
    text = _plain(end.data.get("body", "")) if end is not None else ""
    failed = {"_error": str(end.data.get("message", ""))} if end is not None and end.kind == "http.failed" else {}
    none: dict[str, Any] = {"cookies": [], "headersSize": -1, "bodySize": -1}
    return {
        "startedDateTime": iso(start + asked.t),
        "time": milliseconds,
        "request": {
            "method": asked.data.get("method", ""),
            "url": asked.data.get("url", ""),
            "httpVersion": "HTTP/1.1",
            "headers": _listed(asked),
            "queryString": [],
            "postData": {"mimeType": kind, **posted},
            **none,
        },
        "response": {
            "status": status,
            "statusText": "",
            "httpVersion": "HTTP/1.1",
            "headers": _listed(end) if end is not None else [],
            "content": {
                "size": len(text.encode()),
                "mimeType": _header(end, "content-type") if end is not None else "",
                "text": text,
            },
            "redirectURL": "",
            **none,
            **failed,
            **unseen,
        },
        "cache": {},
        "timings": {"send": 0, "wait": milliseconds, "receive": 0},
    }


def _listed(entry: Entry) -> list[dict[str, str]]:
    headers = entry.data.get("headers")
    return [{"name": name, "value": value} for name, value in headers.items()] if isinstance(headers, Mapping) else []


def _header(entry: Entry, name: str) -> str:
    return next((one["value"] for one in _listed(entry) if one["name"].lower() == name), "")


def _plain(body: Any) -> str:
    return body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)


def _record(call: list[tuple[str, Mapping[str, Any]]], notes: tuple[str, ...]) -> Record:
    moments = [moment for number, (step, one) in enumerate(call, start=1) for moment in _exchange(number, step, one)]
    moments.sort(key=lambda moment: moment.t or 0.0)
    held = {moment.kind for moment in moments}
    # A description that an end refused is in its body all the same, and is judged as it stands there.
    shows = (
        ("http", "sdp")
        if held >= {"sdp.offer", "sdp.answer"}
        else ("http", *sorted(held & {"sdp.offer", "sdp.answer"}))
    )
    hints = tuple(str(_part(one, "request").get("url", "")) for _, one in call)
    return Record("http", "epoch", shows, tuple(moments), notes, hints=hints)


def _exchange(number: int, step: str, one: Mapping[str, Any]) -> Iterator[Moment]:
    request, response = _part(one, "request"), _part(one, "response")
    begun, seconds = _begun(one), _seconds(one)
    headers = _headers(request)
    kind, body = _sent(request)
    offer = _offer(headers.get("content-type", kind), body) if step == "call" else ""
    if offer:
        yield Moment(begun, "sdp.offer", {"sdp": offer})
    unseen = [] if body is not None else ["body"]
    if not any(way.header in headers for way in WAYS):
        unseen += _CREDENTIALS
    data = {
        "id": number,
        "step": step,
        "method": str(request.get("method", "")),
        "url": str(request.get("url", "")),
        "headers": headers,
    }
    yield Moment(begun, "http.request", _seen({**data, "body": _as_kept(body), "epoch": begun}, unseen))
    status = _status(one)
    if not status:
        said = str(response.get("_error") or response.get("statusText") or "no response")
        yield Moment(
            begun + seconds, "http.failed", {"id": number, "step": step, "error": "NoResponse", "message": said}
        )
        return
    answer = _received(response)
    listed = response.get("_unseen")
    hidden = [f"headers.{name}" for name in listed if isinstance(name, str)] if isinstance(listed, list) else []
    yield Moment(
        begun + seconds,
        "http.response",
        _seen(
            {
                "id": number,
                "step": step,
                "status": status,
                "headers": _headers(response),
                "body": _as_kept(answer),
                "seconds": seconds,
                "epoch": begun + seconds,
            },
            [*hidden, *([] if answer is not None or status == 204 else ["body"])],
        ),
    )
    if step == "call" and 200 <= status < 300 and answer and answer.lstrip().startswith("v="):
        yield Moment(begun + seconds, "sdp.answer", {"sdp": answer})


def _seen(data: Mapping[str, Any], unseen: list[str]) -> dict[str, Any]:
    return {**data, UNSEEN: unseen} if unseen else dict(data)


def _step(one: Mapping[str, Any]) -> str:
    """What a request was for, by its path, else by its body; empty for any other."""
    request = _part(one, "request")
    method = request.get("method")
    path = urlsplit(str(request.get("url", ""))).path.rstrip("/") if _is_url(request.get("url")) else ""
    if method == "DELETE":
        return "hangup" if _HANGUP.search(path) else ""
    if method != "POST":
        return ""
    if _HANGUP.search(path):
        return "hangup"
    found = next((step for step, paths in _LABELS.items() if any(path.endswith(known) for known in paths)), "")
    _, body = _sent(request)
    return "call" if not found and body and body.lstrip().startswith("v=0") else found


def _is_url(value: Any) -> bool:
    try:
        return isinstance(value, str) and bool(urlsplit(value))
    except ValueError:
        return False


def _part(one: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = one.get(name)
    return found if isinstance(found, Mapping) else {}


def _begun(one: Mapping[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(one.get("startedDateTime"))).timestamp()
    except (ValueError, OverflowError):
        return 0.0


def _seconds(one: Mapping[str, Any]) -> float:
    taken = one.get("time")
    return (
        round(max(taken, 0) / 1000, 6)
        if isinstance(taken, (int, float)) and not isinstance(taken, bool) and taken < 1e9
        else 0.0
    )


def _status(one: Mapping[str, Any]) -> int:
    status = _part(one, "response").get("status")
    return status if isinstance(status, int) and not isinstance(status, bool) and status > 0 else 0


def _headers(part: Mapping[str, Any]) -> dict[str, str]:
    """Names in lower case; the pseudo-headers of HTTP/2 (:rfc:`9113` section 8.3) are no headers."""
    listed = part.get("headers")
    pairs = (
        ((one.get("name"), one.get("value")) for one in listed if isinstance(one, Mapping))
        if isinstance(listed, list)
        else ()
    )
    return {
        str(name).lower(): str(value) for name, value in pairs if isinstance(name, str) and not name.startswith(":")
    }


def _sent(request: Mapping[str, Any]) -> tuple[str, str | None]:
    """The media type and text of a request's body; None where it was not saved."""
    data = _part(request, "postData")
    kind = str(data.get("mimeType", ""))
    if isinstance(data.get("text"), str) and data["text"]:
        return kind, data["text"]
    listed = data.get("params")
    if isinstance(listed, list) and listed:
        fields = {str(one.get("name")): str(one.get("value", "")) for one in listed if isinstance(one, Mapping)}
        return kind, json.dumps(fields)
    size = request.get("bodySize")
    return kind, "" if isinstance(size, int) and size == 0 else None


def _received(response: Mapping[str, Any]) -> str | None:
    content = _part(response, "content")
    text = content.get("text")
    if not isinstance(text, str):
        return "" if content.get("size") == 0 else None
    if content.get("encoding") == "base64":
        try:
            return base64.b64decode(text).decode("utf-8", "replace")
        except ValueError:
            return None
    return text


def _as_kept(body: str | None) -> Any:
    """A body as a trace keeps it: a JSON object as such, anything else as text."""
    if body is None:
        return ""
    try:
        value = parse(body)
    except ValueError:
        return body
    return value if isinstance(value, dict) else body


def _offer(content_type: str, body: str | None) -> str:
    """The SDP of a call request, raw or in a form; empty where there is none."""
    if not body:
        return ""
    if body.lstrip().startswith("v="):
        return body
    if content_type.lower().startswith("multipart/form-data") and "boundary=" in content_type:
        form = Parser(policy=policy.HTTP).parsestr(f"Content-Type: {content_type}\r\n\r\n{body}")
        for part in form.iter_parts() if form.is_multipart() else ():
            if part.get_param("name", header="content-disposition") == "sdp":
                return str(part.get_payload())
    try:
        value = parse(body)
    except ValueError:
        return ""
    offer = value.get("sdp") if isinstance(value, dict) else None
    return offer if isinstance(offer, str) and offer.lstrip().startswith("v=") else ""
