"""The examples in the rules' docstrings: parsed here into traces, run by the tests, shown by ``harness explain``.

An example is a label and indented lines, each line one entry of a trace:

    Okay:                                   the rule passes; Fail: it fails; Open: inconclusive; Unseen: not exercised
        harness.note {"text": "..."}        any kind with its data
        request key {"method": "GET"}       the correct request of the dialect, edited key by key; "__absent__" takes a key away,
                                            "query" replaces the URL's query; also request call, request hangup
        response key {"status": 401}        the response to the last such request, edited alike
        < session.created {"session": {}}   an event from the service (type, then the other fields; event_id is added)
        > response.cancel {}                an event from the client (exactly as written)
        offer                               the sample offer;  offer s|pattern|replacement|  edits it (regex, multi-line)
        answer s|a=rtcp-mux\r\n||          the sample answer, edited; several edits may follow each other
        +1.5s                               time passes
    Fail[azure-preview]:                    in this dialect; Fail[azure-ga service]: as seen by the service

Long entries have short forms, and lines may be continued: see :mod:`harness.rules.support.short_forms`.

Without brackets the dialect is ``azure-ga`` where the rule applies there, else the first dialect it applies in. The observer is
the client unless the rule is only observable by the service.
"""

from __future__ import annotations

import inspect
import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from harness.protocol.dialects import DIALECTS, Dialect
from harness.rules.base import Outcome, Rule
from harness.rules.support.samples import ANSWER, EPOCH, OFFER, merged, request, response
from harness.rules.support.short_forms import LABEL
from harness.trace import Entry, Header, Observer, Trace

EXPECTED = {"Okay": Outcome.PASS, "Fail": Outcome.FAIL, "Open": Outcome.INCONCLUSIVE, "Unseen": Outcome.NOT_EXERCISED}
_EDIT = re.compile(r"s\|((?:[^|\\]|\\.)*)\|((?:[^|\\]|\\.)*)\|")
_TIME = re.compile(r"\+(\d+(?:\.\d+)?)(ms|s)$")


@dataclass(frozen=True)
class Example:
    """One example of a rule: its label, where it stands (line in the docstring), the trace it means."""

    rule: str
    label: str
    line: int
    text: str
    trace: Trace

    @property
    def expected(self) -> Outcome:
        """The outcome the label claims."""
        return EXPECTED[self.label]


def prose_of(one: Rule) -> str:
    """What the docstring says before its examples: the clause, why it matters, what to do."""
    lines = inspect.cleandoc(one.doc).splitlines()
    return "\n".join(itertools.takewhile(lambda line: not LABEL.match(line), lines)).strip()


def examples_of(one: Rule) -> Iterator[Example]:
    """All examples of a rule, in order. Raises ValueError, naming rule and line, where an example cannot be parsed."""
    lines = one.doc.splitlines()
    for number, line in enumerate(lines):
        if not (found := LABEL.match(line)):
            continue
        indent, label, where = len(found[1]), found[2], found[3]
        body: list[str] = []
        for later in lines[number + 1 :]:
            if not later.strip() or len(later) - len(later.lstrip()) <= indent:
                break
            body.append(later.strip())
        dialect, observer = _place(one, where)
        try:
            entries = _entries(body, observer, dialect)
        except ValueError as error:
            raise ValueError(f"{one.id}, docstring line {number + 1}: {error}") from error
        yield Example(
            one.id, label, number + 1, "\n".join(body), Trace(Header(observer, dialect), entries, "completed")
        )


def _place(one: Rule, where: str | None) -> tuple[str, Observer]:
    words = (where or "").split()
    dialect = next((word for word in words if word in DIALECTS), None)
    if dialect is None:
        dialect = "azure-ga" if "azure-ga" in one.dialects else next(name for name in DIALECTS if name in one.dialects)
    default: Observer = "client" if "client" in one.observers else "service"
    return dialect, "service" if "service" in words else "client" if "client" in words else default


def _entries(body: list[str], observer: Observer, dialect: str) -> tuple[Entry, ...]:
    entries: list[Entry] = []
    requests: dict[str, int] = {}
    now = 0.0
    for line in body:
        head, _, rest = line.partition(" ")
        if found := _TIME.match(line):
            now = round(now + float(found[1]) * (0.001 if found[2] == "ms" else 1.0), 6)
            continue
        data: dict[str, Any]
        if head in ("<", ">"):
            kind_of_event, _, fields = rest.partition(" ")
            event = {"type": kind_of_event, **(json.loads(fields) if fields.strip() else {})}
            if head == "<" and "event_id" not in event:
                event = {"event_id": f"event_{len(entries)}", **event}
            event = {key: value for key, value in event.items() if value != "__absent__"}
            sent = (head == ">") == (observer == "client")
            kind, data = ("event.sent" if sent else "event.received"), {"event": event, "size": len(json.dumps(event))}
        elif head in ("request", "response"):
            step, _, edits = rest.partition(" ")
            edit = {"epoch": EPOCH + now, **json.loads(edits or "{}")}
            kind, data = f"http.{head}", _exchange(head, step, edit, DIALECTS[dialect], requests)
        elif head in ("offer", "answer"):
            kind, data = f"sdp.{head}", {"sdp": _edited(OFFER if head == "offer" else ANSWER, rest)}
        else:
            kind, data = head, json.loads(rest) if rest.strip() else {}
            if "." not in kind:
                raise ValueError(f"not an entry: {line}")
        entries.append(Entry(len(entries), now, kind, data))
    return tuple(entries)


def _exchange(head: str, step: str, edits: Any, dialect: Dialect, requests: dict[str, int]) -> dict[str, Any]:
    query = edits.pop("query", None)
    if head == "request":
        requests[step] = sum(requests.values()) + 1
        data = merged({"id": requests[step], **request(dialect, step)}, edits)
        if query is not None:
            data["url"] = urlsplit(data["url"])._replace(query=query).geturl()
    else:
        data = merged({"id": requests.get(step, 0), **response(dialect, step, edits.get("status"))}, edits)
    return dict(data)


def _edited(sdp: str, edits: str) -> str:
    for found in _EDIT.finditer(edits):
        pattern = found[1].replace("\\|", "|")
        replacement = found[2].replace("\\|", "|").replace("\\r", "\r").replace("\\n", "\n")
        changed = re.sub(pattern, lambda _, text=replacement: text, sdp, flags=re.MULTILINE)
        if changed == sdp:
            raise ValueError(f"the edit {found[0]} changes nothing")
        sdp = changed
    return sdp
