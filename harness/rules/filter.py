"""FLT: Azure GA's ``webrtcfilter=on``, which keeps most events of the service away from the client's data channel."""

from __future__ import annotations

from collections.abc import Iterator

from harness.protocol.dialects import DIALECTS, WEBRTC_FILTER
from harness.rules.base import (
    CLIENT,
    DOCUMENTED,
    INFO,
    MUST,
    SERVICE,
    SHOULD,
    Family,
    Observation,
    View,
    bad,
    good,
    judged,
)
from harness.rules.support.http_view import exchanges, query_of
from harness.rules.support.sources import MS_WEBRTC
from harness.trace import Entry

FAMILY = Family("FLT", "Filter", rank=150, who=CLIENT, capability="filter")
_FILTERING = tuple(name for name, row in DIALECTS.items() if row.filter)
# Seconds that a client may take to say its first word before silence looks like waiting for what never comes.
_PATIENCE = 10.0


@FAMILY.rule("01", MUST, DOCUMENTED, MS_WEBRTC, who=SERVICE, dialects=_FILTERING)
def only_listed(view: View) -> Iterator[Observation]:
    """only the listed events pass the filter

    With webrtcfilter=on eleven types reach the client: the speech and output-audio marks, added items, and transcripts and texts.

    The filter is there to keep instructions, tools and usage away from a page; an event that passes shows them.

    Okay:
        request call {"query": "webrtcfilter=on"}
        < input_audio_buffer.speech_started {"audio_start_ms": 100, "item_id": "item_1"}
    Fail:
        request call {"query": "webrtcfilter=on"}
        < session.created {"session": {"instructions": "secret"}}
    Unseen:
        request call
        < session.created {"session": {}}
    """
    if view.filtered:
        for entry in view.server():
            yield judged(entry, entry.type in WEBRTC_FILTER, sorted(WEBRTC_FILTER), entry.type or "no type")


@FAMILY.rule("02", SHOULD, DOCUMENTED, MS_WEBRTC, dialects=_FILTERING)
def does_not_wait(view: View) -> Iterator[Observation]:
    """a filtered client does not wait for what the filter hides

    With webrtcfilter=on neither session.created nor session.updated nor error nor response.done arrives: go on at channel open.

    Microsoft's own sample turns the filter on and then waits for session events. Ten seconds without an event or a spoken word from
    the client are taken for such waiting.

    Okay:
        request call {"query": "webrtcfilter=on"}
        channel.open {"label": "realtime-channel", "id": 1}
        > session.update {"session": {"type": "realtime"}}
    Okay:
        request call {"query": "webrtcfilter=on"}
        channel.open {"label": "realtime-channel", "id": 1}
        +2s
        audio.speech {"direction": "sent", "state": "started", "at": 2.0}
    Fail:
        request call {"query": "webrtcfilter=on"}
        channel.open {"label": "realtime-channel", "id": 1}
        +10.1s
        channel.closed {"label": "realtime-channel"}
    Unseen:
        request call {"query": "webrtcfilter=on"}
        channel.open {"label": "realtime-channel", "id": 1}
        +9.9s
        channel.closed {"label": "realtime-channel"}
    Unseen:
        request call
        channel.open {"label": "realtime-channel", "id": 1}
    """
    opened = view.trace.first("channel.open")
    if opened is None or not view.filtered:
        return
    word = next((entry for entry in (*view.client(), *_client_speech(view)) if entry.t >= opened.t), None)
    if word is not None:
        yield good(word)
    elif view.trace.seconds - opened.t >= _PATIENCE:
        yield bad(opened, "an event or speech from the client", f"nothing for {view.trace.seconds - opened.t:.0f} s")


def _client_speech(view: View) -> list[Entry]:
    return [
        entry
        for entry in view.trace.of("audio.speech")
        if entry.data.get("state") == "started" and view.trace.sender(entry) == "client"
    ]


@FAMILY.rule("03", INFO, DOCUMENTED, MS_WEBRTC, dialects=_FILTERING)
def spelling(view: View) -> Iterator[Observation]:
    """the filter is spelled webrtcfilter=on

    The query parameter that turns the filter on is webrtcfilter, its value on, both in lower case.

    Any other spelling leaves the filter off without a word, and everything reaches the page.

    Okay:
        request call {"query": "webrtcfilter=on"}
    Fail:
        request call {"query": "webrtcfilter=true"}
    Fail:
        request call {"query": "webrtcFilter=on"}
    Unseen:
        request call
    """
    for one in exchanges(view, "call"):
        for name, value in query_of(one.request).items():
            if name.lower().replace("_", "").replace("-", "") == "webrtcfilter":
                yield judged(one.request, (name, value) == ("webrtcfilter", "on"), "webrtcfilter=on", f"{name}={value}")
