"""Trouble that breaks no rule by itself: what was refused, failed or came to nothing in a call, in the service's own words. Pure."""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from harness.rules.base import View
from harness.rules.support.fields import at, listing, mapping, text
from harness.trace import Entry

_REQUESTS = {"key": "token request", "call": "call request", "hangup": "hang-up request"}


@dataclass(frozen=True)
class Trouble:
    """One thing that went wrong: the entry that shows it, what it is, and what the service said about it."""

    entry: int
    what: str
    said: str

    def to_json(self) -> dict[str, Any]:
        """An element of ``troubles`` in results.json."""
        return {"entry": self.entry, "what": self.what, "said": self.said}


def troubles_of(view: View, expected: Container[int]) -> tuple[Trouble, ...]:
    """All trouble of a call, in order; ``expected`` are the entries that a step of the scenario waited for."""
    found = [*_refused(view), *_errors(view), *_responses(view)]
    return tuple(sorted((one for one in found if one.entry not in expected), key=lambda one: one.entry))


def words_of(error: Any) -> str:
    """Code, message and param of an error object of either vendor, on one line."""
    details = at(error, "detail")  # FastAPI's: a text, or a list of places with messages
    if isinstance(details, str):
        return " ".join(details.split())
    if isinstance(details, list) and details:
        first = details[0]
        return f"{'.'.join(map(str, listing(first, 'loc')))}: {text(first, 'msg')}"
    param = text(error, "param")
    parts = [text(error, "code") or text(error, "type"), text(error, "message") or text(error, "reason")]
    words = ": ".join(" ".join(part.split()) for part in parts if part) or "without code and message"
    return f"{words} (param {param})" if param and param not in words else words


def _errors(view: View) -> Iterator[Trouble]:
    for entry in view.server("error"):
        yield Trouble(entry.seq, "the service sent an error", words_of(at(entry.event, "error")))


def _refused(view: View) -> Iterator[Trouble]:
    """The last response of each kind of request, where it is a refusal: a retry that worked leaves no trouble."""
    last: dict[str, Entry] = {text(entry.data, "step"): entry for entry in view.trace.of("http.response")}
    for step, entry in last.items():
        status = entry.data.get("status")
        if isinstance(status, int) and status >= 400:
            body = entry.data.get("body")
            error = at(body, "error") if isinstance(at(body, "error"), dict) else body
            said = words_of(error) if isinstance(error, dict) else " ".join(str(body or "").split())[:200]
            what = f"the {_REQUESTS.get(step, step)} was refused with status {status}"
            yield Trouble(entry.seq, what, said or "without a body")


def _responses(view: View) -> Iterator[Trouble]:
    begun = {text(entry.event, "response_id") for entry in view.server() if "response_id" in entry.event}
    for entry in view.server("response.done"):
        response = mapping(entry.event, "response")
        status, details = text(response, "status"), mapping(response, "status_details")
        if status in ("failed", "incomplete"):
            error = mapping(details, "error")
            yield Trouble(entry.seq, f"a response ended {status}", words_of(error or details))
        elif status == "completed" and response.get("output") == [] and text(response, "id") not in begun:
            yield Trouble(entry.seq, "a response completed without any output", "status completed, output []")
