"""SES: ends that are told beforehand: a session that is over before it begins, and models whose end is announced."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.dialects import DIALECTS
from harness.protocol.generations import UPDATED
from harness.protocol.retirements import RETIREMENTS, retiring
from harness.rules.base import CLIENT, DOCUMENTED, INFO, SHOULD, Observation, View, judged
from harness.rules.session import FAMILY
from harness.rules.session.course import EXPIRY_SECONDS, start_of
from harness.rules.session.requests import requested
from harness.rules.support.fields import index
from harness.rules.support.history import history
from harness.rules.support.http_view import body_of
from harness.rules.support.sources import sdk
from harness.trace import Entry

_ENDING = {gone.vendor for gone in RETIREMENTS}
ENDING = [name for name, row in DIALECTS.items() if row.vendor in _ENDING and row.state == "current"]


_NAMES_NOTHING_THAT_ENDS = sdk("realtime_session_create_request.py", "audio_transcription.py")
_BEGINS_BEFORE_IT_ENDS = (
    sdk("realtime_session_create_response.py") + '; "Expiration timestamp for the session, in seconds since epoch"'
)


@FAMILY.rule("19", INFO, DOCUMENTED, _NAMES_NOTHING_THAT_ENDS, who=CLIENT, dialects=ENDING, hidden_by_filter=False)
def names_nothing_that_ends(view: View) -> Iterator[Observation]:
    """the client names nothing whose end is announced

    A call that works today stops on the day its model, transcription model or field is switched off.

    Move to the model that is named instead before that day.

    Okay[openai-ga]:
        > session.update {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "gpt-transcribe"}}}}}
    Okay[openai-ga]:
        request key {"body": {"session": {"type": "realtime", "model": "gpt-realtime-2.1"}}}
    Fail[openai-ga]:
        request key {"body": {"session": {"type": "realtime", "model": "gpt-realtime"}}}
    Fail[openai-ga]:
        > session.update {"session": {"type": "realtime",
            "audio": {"input": {"transcription": {"model": "whisper-1"}}}}}
    Fail[openai-ga]:
        > session.update {"session": {"type": "realtime", "prompt": {"id": "pmpt_1"}}}
    """
    for entry, session in requested(view):
        ending = [str(one) for _, one in retiring(session, view.dialect.vendor)]
        yield judged(
            entry, not ending, "models and fields without an announced end", "; ".join(ending) or "none that ends"
        )


@FAMILY.rule("20", SHOULD, DOCUMENTED, _BEGINS_BEFORE_IT_ENDS, hidden_by_filter=False)
def begins_before_it_ends(view: View) -> Iterator[Observation]:
    """no session is over before it begins

    session.expires_at says until when the session lasts: in session.created and session.updated, and in the token response.

    So does client_secret.expires_at for a key that is shown in an event. A client that plans its reconnect by it hangs up at once. 0 and null say nothing. HTTP-09 judges the key's own expires_at.
    A minute is allowed for clocks that differ.

    Okay:
        http.response {"step": "call", "status": 201, "headers": {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}, "body": ""}
        < session.created {"session": {"type": "realtime", "expires_at": 1799999940}}
    Fail:
        http.response {"step": "call", "status": 201, "headers": {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}, "body": ""}
        < session.created {"session": {"type": "realtime", "expires_at": 1799999939}}
    Fail:
        http.response {"step": "call", "status": 201, "headers": {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}, "body": ""}
        < session.updated {"session": {"type": "realtime", "expires_at": 1799999000}}
    Okay:
        response key {"body": {"session": {"type": "realtime", "expires_at": 1799999940}}}
    Fail:
        response key {"body": {"session": {"type": "realtime", "expires_at": 1799999939}}}
    Fail[azure-preview]:
        response key {"body": {"expires_at": 1799999939}}
    Fail[azure-preview]:
        http.response {"step": "call", "status": 201, "headers": {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}, "body": ""}
        < transcription_session.updated {"session": {"client_secret": {"value": "ek_1", "expires_at": 1799999939}}}
    Unseen:
        http.response {"step": "call", "status": 201, "headers": {"date": "Fri, 15 Jan 2027 08:00:00 GMT"}, "body": ""}
        < session.created {"session": {"type": "realtime", "expires_at": 0}}
    Unseen:
        < session.created {"session": {"type": "realtime", "expires_at": 1799999939}}
    """
    start = start_of(view)
    for entry, end in _ends(view):
        if start is not None and end:
            late = start + entry.t - end
            when = f"expires_at {end}, {late:.0f} s ago" if late > 0 else f"expires_at {end}, in {-late:.0f} s"
            yield judged(entry, late <= EXPIRY_SECONDS, "a session.expires_at that is still to come", when)


def _ends(view: View) -> Iterator[tuple[Entry, int | None]]:
    """Each time at which a session is said to end."""
    place = ("expires_at",) if view.dialect.body == "flat" else ("session", "expires_at")
    for response in view.trace.of("http.response"):
        if response.data.get("step") == "key":
            yield response, index(body_of(response), *place)
    for step in history(view).server("session.created", *UPDATED):
        yield step.entry, index(step.event, "session", "expires_at")
        yield step.entry, index(step.event, "session", "client_secret", "expires_at")
