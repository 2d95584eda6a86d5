"""What the rules of a conversation need to know of its course: responses, items, the effective session, what is overdue.

Computed once for a trace and shared by all rules. Types are canonical (GA) names whichever vocabulary the service speaks, so
that a wrong vocabulary is one finding (EVT-03) and not twenty.

When is an answer overdue? No vendor names a deadline, so silence alone never breaks a rule:

- the client hung up (the trace ended "completed") and the answer was not due for long: nothing is said;
- the trace ended otherwise, or :data:`PATIENCE` seconds went by: the observation stays open;
- the service did something that only makes sense after the answer: that is a failure, and the rule names the evidence.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.protocol.generations import BETA_NAMES
from harness.rules.base import Observation, View, open_at_end
from harness.rules.support.disturbance import slack
from harness.rules.support.fields import MISSING, at, listing, mapping, text
from harness.trace import Entry, Observer, if_shown

# Seconds of trace time. No vendor documents a deadline for any answer; ten seconds is far beyond what anybody has reported.
PATIENCE = 10.0
# Both ends act at once: what was on its way for less than this was sent without knowing of the other's event.
RACE = 0.5
# Also a service that speaks the other vocabulary is understood, but for the one name that both use for different things.
_CANONICAL: Mapping[str, str] = {
    wire: canonical
    for canonical, wire in BETA_NAMES.items()
    if wire is not None and wire != "conversation.item.created"
}
EXPIRED = "session_expired"
ITEM_EVENTS = ("conversation.item.added", "conversation.item.created", "conversation.item.done")


@dataclass(frozen=True, slots=True)
class Step:
    """One event of either side: its entry, who sent it, its canonical type."""

    entry: Entry
    by: Observer
    kind: str

    @property
    def event(self) -> Mapping[str, Any]:
        """The event's fields."""
        return self.entry.event


@dataclass
class Response:
    """All that the service said about one response."""

    id: str
    steps: list[Step] = field(default_factory=list)
    created: Step | None = None
    done: Step | None = None

    def add(self, step: Step) -> None:
        """One more event of it; the first response.created and the first response.done are those that count."""
        self.steps.append(step)
        if step.kind == "response.created":
            self.created = self.created or step
        elif step.kind == "response.done":
            self.done = self.done or step

    def all(self, *kinds: str) -> list[Step]:
        """Its events of these canonical types."""
        return [step for step in self.steps if step.kind in kinds]

    def first(self, *kinds: str) -> Step | None:
        """Its first event of these types."""
        return next((step for step in self.steps if step.kind in kinds), None)

    @property
    def status(self) -> str:
        """The final status, or an empty string while it runs."""
        return text(self.done.event, "response", "status") if self.done else ""

    @property
    def conversation(self) -> Any:
        """Its conversation_id: a string, None (out of band), or MISSING."""
        for step in filter(None, (self.created, self.done)):
            found = at(step.event, "response", "conversation_id")
            if found is not MISSING:
                return found
        return MISSING

    def running(self, seq: int) -> bool:
        """Created before ``seq`` and not done before it."""
        return bool(self.created and self.created.entry.seq < seq and not (self.done and self.done.entry.seq < seq))

    def playing(self, seq: int) -> bool:
        """Its audio started before ``seq`` and had neither stopped nor been cleared by then."""
        state = False
        for step in self.steps:
            if step.entry.seq >= seq:
                break
            if step.kind == "output_audio_buffer.started":
                state = True
            elif step.kind in ("output_audio_buffer.stopped", "output_audio_buffer.cleared"):
                state = False
        return state


class History:
    """The course of one call. Build it with :func:`history`."""

    def __init__(self, view: View) -> None:
        self.responses: dict[str, Response] = {}
        self._steps: list[Step] = []
        self._known_items: dict[str, int] = {}
        self._kinds: dict[tuple[str, str], list[Step]] = {}
        self._selected: dict[tuple[str, tuple[str, ...]], list[Step]] = {}
        self._view = view
        trace = view.trace
        for entry in if_shown(trace, "event.sent", "event.received"):
            by = trace.sender(entry)
            own = view.dialect.canonical(entry.type)
            kind = _CANONICAL.get(own, own)
            step = Step(entry, by, kind)
            self._steps.append(step)
            self._kinds.setdefault((by, kind), []).append(step)
            if by == "service":
                if named := response_of(step) or self._only_running(step):
                    self.responses.setdefault(named, Response(named)).add(step)
                self._announce(step)
            elif kind == "conversation.item.create" and (named := text(step.event, "item", "id")):
                self._known_items.setdefault(named, entry.seq)
        self.settings = Settings(view, self)

    def _only_running(self, step: Step) -> str:
        """The response that an event with an empty response_id can only belong to: the one that runs; empty where several do."""
        if step.event.get("response_id") != "":
            return ""
        running = [one.id for one in self.responses.values() if one.created is not None and one.done is None]
        return running[0] if len(running) == 1 else ""

    @property
    def steps(self) -> list[Step]:
        """The events of both, in order. Like everything here it raises NotShown where a record shows but one side."""
        self._need("client", "service")
        return self._steps

    def _need(self, *sides: Observer) -> None:
        for by in sides:
            self._view.trace.events(by)

    def server(self, *kinds: str) -> list[Step]:
        """The service's events of these canonical types, in order; all of them where none is named."""
        return self._select("service", kinds)

    def client(self, *kinds: str) -> list[Step]:
        """The client's events of these canonical types, in order; all of them where none is named."""
        return self._select("client", kinds)

    def after(self, entry: Entry, *kinds: str, by: Observer = "service") -> Iterator[Step]:
        """Events of these types after ``entry``."""
        steps = self._select(by, kinds)
        return iter(steps[bisect_right(steps, entry.seq, key=_position) :])

    def before(self, entry: Entry, *kinds: str, by: Observer = "service") -> list[Step]:
        """Events of these types before ``entry``."""
        steps = self._select(by, kinds)
        return steps[: bisect_left(steps, entry.seq, key=_position)]

    def known(self, item_id: str, seq: int) -> bool:
        """Whether this item id had been announced by anyone before ``seq``."""
        self._need("client", "service")
        return self._known_items.get(item_id, seq) < seq

    def announced(self, item_id: str) -> bool:
        """Whether anyone announced this item id in the whole call."""
        self._need("client", "service")
        return item_id in self._known_items

    def _select(self, by: Observer, kinds: tuple[str, ...]) -> list[Step]:
        self._need(by)
        if len(kinds) == 1:
            return self._kinds.get((by, kinds[0]), [])
        found = self._selected.get((by, kinds))
        if found is None:
            wanted = set(kinds)
            found = [step for step in self._steps if step.by == by and (not wanted or step.kind in wanted)]
            self._selected[(by, kinds)] = found
        return found

    def _announce(self, step: Step) -> None:
        if step.kind in _ANNOUNCING:
            item = text(step.event, "item_id") or text(step.event, "item", "id")
            if item:
                self._known_items.setdefault(item, step.entry.seq)


def _position(step: Step) -> int:
    return step.entry.seq


_ANNOUNCING = frozenset(
    {
        "conversation.item.added",
        "conversation.item.created",
        "conversation.item.retrieved",
        "response.output_item.added",
        "input_audio_buffer.speech_started",
        "input_audio_buffer.committed",
        "input_audio_buffer.timeout_triggered",
    }
)


def response_of(step: Step) -> str:
    """The response an event of the service names, or an empty string."""
    if step.kind in ("response.created", "response.done"):
        return text(step.event, "response", "id")
    return text(step.event, "response_id")


@dataclass(frozen=True, slots=True)
class Effective:
    """The session as the service showed it in one session.created or session.updated."""

    step: Step
    session: Mapping[str, Any]


class Settings:
    """The effective session over time, as the service itself reported it; what it never showed is MISSING."""

    def __init__(self, view: View, course: History) -> None:
        self._dialect = view.dialect
        self.shown = [
            Effective(step, mapping(step.event, "session"))
            for step in course.server("session.created", "session.updated", "transcription_session.updated")
            if mapping(step.event, "session")
        ]

    def value(self, word: str, seq: int) -> Any:
        """The setting called ``word`` (canonical) in force at ``seq``, or MISSING where it is not known."""
        path = self._dialect.session_path(word)
        if path is None:
            return MISSING
        latest: Any = MISSING
        for effective in self.shown:
            if effective.step.entry.seq >= seq:
                break
            found = at(effective.session, *path)
            if found is not MISSING:
                latest = found
        return latest

    def transcription_session(self) -> bool:
        """Whether the service says this is a transcription session."""
        return any(
            text(one.session, "type") == "transcription"
            or text(one.session, "object") == "realtime.transcription_session"
            or one.step.kind == "transcription_session.updated"
            for one in self.shown
        )

    def manual(self, seq: int) -> bool:
        """Turn detection is known to be off (null)."""
        return self.value("turn_detection", seq) is None

    def detecting(self, seq: int) -> bool:
        """Turn detection is known to be on."""
        return isinstance(self.value("turn_detection", seq), Mapping)


def history(view: View) -> History:
    """The course of the call in ``view``, computed once for its trace."""
    derived = view.trace.derived
    if "history" not in derived:
        derived["history"] = History(view)
    found: History = derived["history"]
    return found


def overdue(view: View, since: Entry, expected: str) -> Iterator[Observation]:
    """One open observation where an answer awaited since ``since`` should have come by the end of the trace, else nothing."""
    if view.trace.end != "completed" or view.trace.seconds - since.t >= PATIENCE + slack(view):
        yield open_at_end(since, expected)


# Requests that are answered at once, in order, with the answer's type and where both name their item.
_AT_ONCE: Mapping[str, tuple[str, tuple[str, ...], tuple[str, ...]]] = {
    "conversation.item.create": ("conversation.item.added", ("item", "id"), ("item", "id")),
    "conversation.item.delete": ("conversation.item.deleted", ("item_id",), ("item_id",)),
    "conversation.item.truncate": ("conversation.item.truncated", ("item_id",), ("item_id",)),
}


def overtaken(course: History, since: Entry) -> Step | None:
    """What shows that an answer to a request of ``since`` that is still missing will not come, or None.

    The channel is ordered and the service takes events in order: by the end of a response that began and ended after the
    request, or by the answer to a later request that named an item, the earlier request had its answer.
    """
    for response in course.responses.values():
        if response.created and response.done and response.created.entry.seq > since.seq:
            return response.done
    for later in course.after(since, *_AT_ONCE, by="client"):
        kind, asked, answered = _AT_ONCE[later.kind]
        item = text(later.event, *asked)
        for one in course.after(later.entry, kind):
            if item and text(one.event, *answered) == item:
                return one
    return None


def named_error(course: History, request: Entry, *, besides: Collection[int] = ()) -> Step | None:
    """The error that answers this client event: it names its event_id, or it names none and came after it.

    The end of the session is no answer to anything, nor are ``besides`` (entries), which answer something else.
    """
    named = text(request.event, "event_id")
    for step in course.after(request, "error"):
        blamed = text(step.event, "error", "event_id")
        if text(step.event, "error", "code") == EXPIRED or step.entry.seq in besides:
            continue
        if (blamed and blamed == named) or not blamed:
            return step
    return None


def in_default(response: Response) -> bool:
    """Whether it writes to the default conversation: only a conversation_id that is null says it does not."""
    return response.conversation is not None


def surely_in_default(course: History, response: Response) -> bool:
    """As :func:`in_default`, but where out-of-band responses were asked for, only a conversation_id that is shown says so."""
    if not any(text(one.event, "response", "conversation") == "none" for one in course.client("response.create")):
        return in_default(response)
    return isinstance(response.conversation, str)


def known_to_run(view: View, request: Step) -> list[Response]:
    """The responses in the default conversation of which the client knew, when it sent ``request``, that they run."""
    # What the service saw, the client may not have seen yet.
    blind = RACE if view.trace.header.observer == "service" else 0.0
    return [
        one
        for one in history(view).responses.values()
        if in_default(one)
        and one.running(request.entry.seq)
        and one.created is not None
        and request.entry.t - one.created.entry.t >= blind
    ]


def content_of(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The content parts of an item that are objects."""
    return [part for part in listing(item, "content") if isinstance(part, Mapping)]
